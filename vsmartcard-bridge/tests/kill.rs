//! `kill -9` of the emulator while its card works: key, PIN tries and coins are afterwards as they
//! were before the command or as they are after it, and as they are after it if it was answered.
//!
//! Three ways to choose the moment. Most kills fall at a random moment after the command was sent to
//! the real program. Some fall as soon as its answer is there. The others fall at a random byte strictly between the first and the last byte
//! that the command changes in the NVM: a second process of this very test runs the same card over
//! the same store and stands still there, with that byte and no later one on the disk, until it is
//! killed.

mod support;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fmt};

use bitcoin::Transaction;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use support::contacts::Contacts;
use support::driver::{self, Driver};
use support::owner::{Owner, PIN, WRONG_PIN, pay, request, verify};
use support::program::Emulator;
use support::stall::{STALLED, StallNvm, StallingCard};
use support::survivor::{Counting, Memory, copy, image, memory, revive};
use tempfile::TempDir;
use tillcard_applet::command::{
    Apdu, GetChallenge, GetData, Preview, ReceiveScript, ReceiveScriptAnswer, Select, State,
    StatusObject,
};
use tillcard_applet::nvm::RamNvm;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::Store;
use tillcard_emu::vpcd::{Address, Link};
use tillcard_emu::{EmulatedCard, Seed};

/// Kills at a random moment.
const RANDOM: usize = 260;
/// Kills as soon as the answer is there.
const ANSWERED: usize = 60;
/// Kills between the first and the last byte of a command.
const BETWEEN: usize = 60;
/// Kills of one card, few enough that its log of payments doesn't fill up.
const PER_CARD: usize = 40;

/// Repeats a run: the number that it printed.
const SEED: &str = "TILLCARD_SEED";
/// Tells a second process of this test where its card has to stand still.
const STALL: &str = "TILLCARD_STALL";

/// One command APDU of a plan.
#[derive(Clone)]
enum Move {
    Verify { right: bool },
    Receive,
    Preview(u64),
    Pay(u64),
    Challenge,
    Begin(Transaction, u32),
    Piece(Vec<u8>),
    LastPiece(Vec<u8>),
}

impl Move {
    fn apdu(&self, owner: &Owner, challenge: &[u8]) -> Apdu {
        match self {
            Self::Verify { right } => verify(if *right { PIN } else { WRONG_PIN }),
            Self::Receive => ReceiveScript::to_apdu(),
            Self::Preview(amount) => Preview::to_apdu(request(*amount)).unwrap(),
            Self::Pay(amount) => pay(*amount),
            Self::Challenge => GetChallenge::to_apdu(),
            Self::Begin(transaction, index) => owner.begin(transaction, *index, challenge),
            Self::Piece(bytes) | Self::LastPiece(bytes) => Owner::piece(bytes),
        }
    }
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Verify { right: true } => "VERIFY, right",
            Self::Verify { right: false } => "VERIFY, wrong",
            Self::Receive => "RECEIVE SCRIPT",
            Self::Preview(_) => "PREVIEW",
            Self::Pay(_) => "PAY",
            Self::Challenge => "GET CHALLENGE",
            Self::Begin(..) => "ENTER COIN, begin",
            Self::Piece(_) => "ENTER COIN, piece",
            Self::LastPiece(_) => "ENTER COIN, last piece",
        })
    }
}

/// What became of a killed command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// It writes nothing.
    Nothing,
    /// As if it had never been sent.
    Before,
    /// VERIFY alone: the try is used up, and the right PIN hasn't given it back yet (`[NVM-1]`).
    TryUsed,
    /// As if it had been answered; with the right PIN and no try used up, also as before.
    After,
}

/// A run of commands up to the one that is killed, and what it has to come to.
struct Plan {
    moves: Vec<Move>,
    /// Status words of all but the last.
    statuses: Vec<u16>,
    before: Memory,
    after: Memory,
    try_used: Option<Memory>,
    /// APDUs before the last.
    apdus: u64,
    /// Bytes that the last one changes.
    changed: u64,
}

impl Plan {
    fn victim(&self) -> &Move {
        self.moves.last().unwrap()
    }

    /// Runs the moves on a card in RAM.
    fn rehearse(moves: Vec<Move>, owner: &mut Owner, nvm: &RamNvm) -> Self {
        let mut card = revive(nvm);
        card.done(&Select::to_apdu());
        let mut challenge = Vec::new();
        let mut statuses = Vec::new();
        let (victim, others) = moves.split_last().unwrap();
        for each in others {
            let (answer, status) = card.send(&each.apdu(owner, &challenge));
            match each {
                Move::Challenge => challenge = answer,
                Move::Pay(amount) if status == 0x9000 => owner.check_payment(&answer, *amount),
                _ => {}
            }
            statuses.push(status);
        }
        let apdus = card.apdus();
        let before = current(&mut card);
        let changed = card.nvm_mut().changed();
        let (answer, status) = card.send(&victim.apdu(owner, &challenge));
        if let (Move::Pay(amount), 0x9000) = (victim, status) {
            owner.check_payment(&answer, *amount);
        }
        let changed = card.nvm_mut().changed() - changed;
        let after = current(&mut card);
        let try_used = matches!(victim, Move::Verify { .. }).then(|| {
            let mut card = revive(&before.0);
            card.done(&Select::to_apdu());
            card.send(&verify(WRONG_PIN));
            current(&mut card).1
        });
        let (before, after) = (before.1, after.1);
        Self {
            moves,
            statuses,
            before,
            after,
            try_used,
            apdus,
            changed,
        }
    }

    /// Runs all moves but the last on the emulator, and returns the last one's APDU.
    fn play(&self, owner: &Owner, card: &mut driver::Card, durations: &mut Durations) -> Apdu {
        card.done(&Select::to_apdu());
        let mut challenge = Vec::new();
        for (each, expected) in self.moves.iter().zip(&self.statuses) {
            let started = Instant::now();
            let (answer, status) = card.send(&each.apdu(owner, &challenge));
            durations.insert(each.to_string(), started.elapsed());
            assert_eq!(status, *expected, "{each}: {status:04X}");
            if matches!(each, Move::Challenge) {
                challenge = answer;
            }
        }
        self.victim().apdu(owner, &challenge)
    }

    fn outcome(&self, survivor: &Memory) -> Option<Outcome> {
        if self.changed == 0 && *survivor == self.before {
            Some(Outcome::Nothing)
        } else if *survivor == self.after {
            Some(Outcome::After)
        } else if *survivor == self.before {
            Some(Outcome::Before)
        } else if self.try_used.as_ref() == Some(survivor) {
            Some(Outcome::TryUsed)
        } else {
            None
        }
    }
}

/// How long each kind of command took last.
type Durations = BTreeMap<String, Duration>;

fn current(card: &mut Counting) -> (RamNvm, Memory) {
    let nvm = copy(card);
    let memory = memory(&nvm);
    (nvm, memory)
}

/// A card on the disk that is killed again and again.
struct Victim {
    home: TempDir,
    owner: Owner,
    nvm: RamNvm,
}

impl Victim {
    fn new(seed: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&folder(home.path())).unwrap();
        let seed = Seed::Number(seed);
        let mut card = EmulatedCard::persistent(&store, DEFAULT_NAME, seed).unwrap();
        let mut owner = Owner::issue(&mut card);
        for index in 0..6 {
            owner.enter(&mut card, index, 40_000 + 10_000 * u64::from(index), index);
        }
        drop((card, store));
        let nvm = image(&folder(home.path()));
        Self { home, owner, nvm }
    }

    fn tries_left(&self) -> u8 {
        let mut card = revive(&self.nvm);
        card.done(&Select::to_apdu());
        match StatusObject::parse(&card.done(&GetData::Status.to_apdu()))
            .unwrap()
            .state
        {
            State::Issued { tries_left, .. } => tries_left,
            State::Factory => panic!("the card is a factory card again"),
        }
    }

    /// The card's next receive index, whose script must be this card's.
    fn next_index(&self) -> u32 {
        let mut card = revive(&self.nvm);
        card.done(&Select::to_apdu());
        card.done(&verify(PIN));
        let answer = card.done(&ReceiveScript::to_apdu());
        let answer = ReceiveScriptAnswer::parse(&answer).unwrap();
        assert_eq!(
            answer.script[..],
            *self.owner.script(0, answer.index).as_bytes()
        );
        answer.index
    }

    /// Some commands in an order that makes sense, the last of which will be killed.
    fn plan(&mut self, dice: &mut ChaCha20Rng, only_writers: bool) -> Plan {
        let mut index = self.next_index();
        let mut tries = self.tries_left();
        let mut moves = Vec::new();
        for _ in 0..=below(dice, 2) {
            let amount = 1_000 + below(dice, 30_000);
            let right = Move::Verify { right: true };
            match below(dice, if only_writers { 5 } else { 6 }) {
                0 if tries > 1 => {
                    moves.push(Move::Verify { right: false });
                    tries -= 1;
                    continue;
                }
                0 | 1 => moves.push(right),
                2 => moves.extend([right, Move::Pay(amount)]),
                3 => moves.extend([right, Move::Preview(amount), Move::Pay(amount)]),
                4 => {
                    let salt = dice.next_u32();
                    let transaction = self.owner.funding(index, 5 * amount, salt);
                    self.owner.note(&transaction);
                    let bytes = Owner::stripped(&transaction);
                    let (first, last) = bytes.split_at(bytes.len() / 2);
                    moves.extend([
                        Move::Challenge,
                        Move::Begin(transaction, index),
                        Move::Piece(first.into()),
                        Move::LastPiece(last.into()),
                    ]);
                    index += 1;
                    continue;
                }
                _ => moves.extend([right, Move::Receive]),
            }
            tries = 3;
        }
        if !only_writers && below(dice, 4) == 0 {
            moves.truncate(1 + usize::try_from(below(dice, moves.len() as u64)).unwrap());
        }
        Plan::rehearse(moves, &mut self.owner, &self.nvm)
    }

    /// Looks at what a kill left, and goes on with it.
    fn autopsy(&mut self, plan: &Plan, answered: bool) -> Outcome {
        self.nvm = image(&folder(self.home.path()));
        let victim = plan.victim();
        let outcome = plan.outcome(&memory(&self.nvm)).unwrap_or_else(|| {
            panic!("killed {victim}: the card is neither as before nor as after it")
        });
        if answered {
            let kept = matches!(outcome, Outcome::After | Outcome::Nothing);
            assert!(kept, "{victim} was answered, and the kill undid it");
        }
        // The keys are the same: the card's next script and its next payment say so.
        if self.tries_left() > 0 {
            self.next_index();
            let mut card = revive(&self.nvm);
            card.done(&Select::to_apdu());
            assert_eq!(self.owner.clone().pay(&mut card, 1_000).1, 0x9000);
        }
        outcome
    }
}

/// The data folder that the program makes of a home.
fn folder(home: &Path) -> PathBuf {
    home.join(".local/share/tillcard/emu")
}

fn below(dice: &mut ChaCha20Rng, limit: u64) -> u64 {
    dice.next_u64() % limit
}

/// The outcomes of kills, by command.
#[derive(Default)]
struct Tally(BTreeMap<(String, Outcome), usize>);

impl Tally {
    fn add(&mut self, victim: &Move, outcome: Outcome) {
        *self.0.entry((victim.to_string(), outcome)).or_default() += 1;
    }

    fn count(&self, wanted: impl Fn(&str, Outcome) -> bool) -> usize {
        let counts = self
            .0
            .iter()
            .filter(|((victim, outcome), _)| wanted(victim, *outcome));
        counts.map(|(_, count)| count).sum()
    }

    fn print(&self, title: &str) {
        let mut text = format!("{title}: {} kills\n", self.count(|_, _| true));
        for ((victim, outcome), count) in &self.0 {
            let outcome = match outcome {
                Outcome::Nothing => "nothing to write",
                Outcome::Before => "as before",
                Outcome::TryUsed => "try used up, not yet given back",
                Outcome::After => "as after",
            };
            text += &format!("  {count:>4}  {victim:<22}  {outcome}\n");
        }
        tell(&text);
    }
}

/// Prints past the test harness, which would keep it to itself.
fn tell(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}

fn dice(run: &str) -> ChaCha20Rng {
    let seed = env::var(SEED).map_or(1, |seed| seed.parse().unwrap());
    tell(&format!("{run}: {SEED}={seed}\n"));
    Seed::Number(seed).generator(run, 0).unwrap()
}

/// Kills the program `kills` times, each time when `moment` returns, which gets the usual duration
/// of the command that was just sent.
fn kill_program(
    run: &str,
    kills: usize,
    mut moment: impl FnMut(&mut driver::Card, Duration, &mut ChaCha20Rng),
) -> Tally {
    let mut dice = dice(run);
    let mut durations = Durations::new();
    let mut tally = Tally::default();
    let reader = Driver::new();
    let mut card = Victim::new(dice.next_u64());
    for kill in 1..=kills {
        if kill % PER_CARD == 0 || card.tries_left() == 0 {
            card = Victim::new(dice.next_u64());
        }
        let plan = card.plan(&mut dice, false);
        let emulator = Emulator::in_reader(card.home.path(), &reader, &["--seed", "1"]);
        let mut contacts = reader.insert();
        let victim = plan.play(&card.owner, &mut contacts, &mut durations);
        let usual = durations.get(&plan.victim().to_string()).copied();
        contacts.send_frame(victim.as_bytes()).unwrap();
        moment(
            &mut contacts,
            usual.unwrap_or(Duration::from_millis(1)),
            &mut dice,
        );
        emulator.kill();
        let answered = contacts.answered();
        tally.add(plan.victim(), card.autopsy(&plan, answered));
    }
    tally.print(run);
    tally
}

#[test]
fn at_a_random_moment() {
    let tally = kill_program("killed at a random moment", RANDOM, |_, usual, dice| {
        // Some kills come too late, so that the last moments of a command get their share.
        let moment = usual.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX) * 2.0);
        let sent = Instant::now();
        while sent.elapsed() < moment {
            std::hint::spin_loop();
        }
    });
    assert!(tally.count(|_, outcome| outcome == Outcome::Before) > 0);
    assert!(tally.count(|_, outcome| outcome == Outcome::After) > 0);
}

#[test]
fn as_soon_as_the_answer_is_there() {
    let tally = kill_program(
        "killed as soon as the answer was there",
        ANSWERED,
        |card, _, _| {
            card.wait_for_answer();
        },
    );
    assert_eq!(tally.count(|_, outcome| outcome == Outcome::Before), 0);
}

#[test]
fn between_two_writes() {
    if let Ok(place) = env::var(STALL) {
        return stand_still(&place);
    }
    const RUN: &str = "killed between the first and the last byte that a command changes";
    let mut dice = dice(RUN);
    let mut durations = Durations::new();
    let mut tally = Tally::default();
    let reader = Driver::new();
    let mut card = Victim::new(dice.next_u64());
    for kill in 1..=BETWEEN {
        if kill % PER_CARD == 0 || card.tries_left() == 0 {
            card = Victim::new(dice.next_u64());
        }
        let plan = loop {
            let plan = card.plan(&mut dice, true);
            if plan.changed > 1 {
                break plan;
            }
        };
        let bytes = 1 + below(&mut dice, plan.changed - 1);
        let home = folder(card.home.path());
        let place = format!(
            "{} {} {bytes} {}",
            reader.port(),
            plan.apdus,
            home.to_str().unwrap()
        );
        let mut emulator = Emulator::run(
            Command::new(env::current_exe().unwrap())
                .args(["between_two_writes", "--exact", "--nocapture"])
                .env(STALL, place),
        );
        let mut contacts = reader.insert();
        let victim = plan.play(&card.owner, &mut contacts, &mut durations);
        contacts.send_frame(victim.as_bytes()).unwrap();
        while emulator.line_or_end().expect("the card stands still") != STALLED {}
        emulator.kill();
        let answered = contacts.answered();
        assert!(!answered, "{}", plan.victim());
        tally.add(plan.victim(), card.autopsy(&plan, answered));
    }
    tally.print(RUN);
    for victim in [
        "VERIFY, right",
        "VERIFY, wrong",
        "PAY",
        "ENTER COIN, last piece",
    ] {
        assert!(
            tally.count(|was, _| was == victim) > 0,
            "{victim} was never killed"
        );
    }
}

/// What the second process does: shows the card of a store, and stands still at the given place.
fn stand_still(place: &str) {
    let mut parts = place.splitn(4, ' ');
    let mut number = || parts.next().unwrap().parse::<u64>().unwrap();
    let (port, before, bytes) = (number(), number(), number());
    let store = Store::open(Path::new(parts.next().unwrap())).unwrap();
    let nvm = store.card(DEFAULT_NAME).unwrap();
    let rng = Seed::Number(1).generator(DEFAULT_NAME, nvm.life()).unwrap();
    let card = EmulatedCard::new(StallNvm::new(nvm), rng);
    let bytes = usize::try_from(bytes).unwrap();
    let port = u16::try_from(port).unwrap();
    let link = Link::connect(&Address::new("127.0.0.1", port)).unwrap();
    link.serve(&mut StallingCard {
        card,
        before,
        bytes,
    })
    .unwrap();
}
