//! Cutting the power after every byte of a command.

use super::{rng, send};
use rand_chacha::ChaCha20Rng;
use std::cell::OnceCell;
use std::collections::VecDeque;
use tillcard_applet::persistent::{Coin, Counters, PaymentRecordState, Persistent, Slot};
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{Certificate, Limits, Place, Policy, Select};
use tillcard_runtime::journal::RECORD_MAX;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::torn::TornNvm;

pub type TornCard = Card<TornNvm<RamNvm>, ChaCha20Rng>;

/// All that the card remembers, in a form that can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Account key, owner key and PIN.
    pub identity: Option<Vec<u8>>,
    pub tries: Option<u8>,
    pub counters: Option<Counters>,
    pub limits: Option<Limits>,
    pub coins: Vec<(Slot, Coin)>,
    /// The log's entries in Debug's form, and how often each was given.
    pub log: Vec<(String, PaymentRecordState)>,
    pub retired: Vec<u32>,
    pub pledged: Vec<u32>,
    pub policy: Option<Policy>,
    /// The card's own keys, and what was stored of certificates.
    pub own: Option<(Vec<u8>, Vec<Vec<u8>>, bool)>,
    pub terminated: bool,
}

pub fn remembered(nvm: RamNvm) -> Remembered {
    let mut persistent = Persistent::open(nvm);
    let mut found = Remembered {
        identity: None,
        tries: None,
        counters: None,
        limits: None,
        coins: Vec::new(),
        log: Vec::new(),
        retired: Vec::new(),
        pledged: Vec::new(),
        policy: None,
        own: own(&mut persistent),
        terminated: persistent.is_terminated().expect("the journal opens"),
    };
    if !persistent.is_issued().expect("the journal opens") {
        return found;
    }
    let counters = persistent.counters().unwrap();
    let identity = persistent.identity().unwrap();
    let pin = persistent.pin().unwrap();
    let secret = persistent.account_secret(&identity).unwrap();
    let account = identity.account.to_bytes();
    found.identity = Some(
        [
            &secret.to_bytes()[..],
            &account,
            &identity.owner_key,
            pin.as_bytes(),
        ]
        .concat(),
    );
    found.tries = Some(persistent.tries_left().unwrap());
    found.limits = Some(persistent.limits().unwrap());
    persistent
        .for_each_slot(counters.log_first, |_, slot, coin| {
            found.coins.extend(coin.map(|coin| (slot, coin)));
            Ok(())
        })
        .unwrap();
    for payment_number in counters.log_first..counters.log_next {
        let mut buffer = [0; RECORD_MAX];
        let entry = persistent.log_entry(payment_number, &mut buffer).unwrap();
        let entry = format!("{entry:?}");
        found
            .log
            .push((entry, persistent.record_state(payment_number).unwrap()));
    }
    for chain in [0, 1] {
        for index in 0..100 {
            let place = Place { chain, index };
            if persistent.is_retired(place).unwrap() {
                found.retired.push(place.to_u32());
            }
            if persistent.is_pledged(place).unwrap() {
                found.pledged.push(place.to_u32());
            }
        }
    }
    found.policy = Some(persistent.policy().unwrap());
    found.counters = Some(counters);
    found
}

fn own(persistent: &mut Persistent<RamNvm>) -> Option<(Vec<u8>, Vec<Vec<u8>>, bool)> {
    let keys = persistent.card_keys().unwrap()?;
    let pieces = Certificate::ALL
        .into_iter()
        .flat_map(|certificate| (0..Certificate::PIECES).map(move |piece| (certificate, piece)))
        .map(|(certificate, piece)| {
            persistent
                .certificate_piece(certificate, piece)
                .unwrap()
                .to_vec()
        })
        .collect();
    Some((
        keys.to_bytes().to_vec(),
        pieces,
        persistent.is_personalised().unwrap(),
    ))
}

/// What one run of the last command came to.
pub struct Outcome {
    pub status: u16,
    pub answer: Vec<u8>,
    pub changed: u64,
    pub nvm: RamNvm,
}

/// Runs `prepare` with power, then `command` until the cut.
pub fn run(
    start: &RamNvm,
    cut: Option<u64>,
    prepare: &dyn Fn(&mut TornCard),
    command: &dyn Fn(&mut TornCard) -> (Vec<u8>, u16),
) -> Outcome {
    let mut card = Card::new(
        TornNvm::counting(start.clone()),
        rng(77),
        Configuration::ANY_NETWORK,
    );
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    prepare(&mut card);
    card.nvm_mut().start_counting(cut);
    let (answer, status) = command(&mut card);
    let changed = card.nvm().changed();
    Outcome {
        status,
        answer,
        changed,
        nvm: card.into_nvm().into_inner(),
    }
}

/// Cuts after every byte and hands each outcome to `check`, with the outcome of
/// the uncut run; answers how many positions there were.
pub fn sweep(
    name: &str,
    start: &RamNvm,
    prepare: &dyn Fn(&mut TornCard),
    command: &dyn Fn(&mut TornCard) -> (Vec<u8>, u16),
    check: &dyn Fn(u64, &Outcome, &Outcome),
) -> u64 {
    sweep_some(name, start, prepare, command, check, &|_| true)
}

/// [`sweep`] at those positions of which `when` holds.
pub fn sweep_some(
    name: &str,
    start: &RamNvm,
    prepare: &dyn Fn(&mut TornCard),
    command: &dyn Fn(&mut TornCard) -> (Vec<u8>, u16),
    check: &dyn Fn(u64, &Outcome, &Outcome),
    when: &dyn Fn(u64) -> bool,
) -> u64 {
    let whole = run(start, None, prepare, command);
    assert!(whole.changed > 0);
    let mut positions = 0;
    for cut in (0..whole.changed).filter(|cut| when(*cut)) {
        positions += 1;
        let outcome = run(start, Some(cut), prepare, command);
        assert_eq!(outcome.changed, cut);
        assert_eq!(outcome.status, 0x6581, "{name} cut after {cut} bytes");
        assert!(outcome.answer.is_empty(), "{name} cut after {cut} bytes");
        check(cut, &outcome, &whole);
    }
    println!("{name}: {positions} positions of {}", whole.changed);
    positions
}

/// NVMs on which a command finds the journal in different places: as it is, and
/// `back` commits of 16 bytes before it turns to a new page for the times named.
/// The 31st time finds no page free, so that the oldest, with the card's first
/// records, is copied; the 32nd finds nothing on it that still counts.
pub fn starts(nvm: RamNvm, back: usize, turns: &[usize]) -> Vec<RamNvm> {
    let mut starts = vec![nvm.clone()];
    let mut persistent = Persistent::open(nvm);
    let tries = persistent.tries_left().unwrap();
    let mut former = VecDeque::from([persistent.nvm().clone()]);
    let mut turned = 0;
    while starts.len() <= turns.len() {
        persistent.set_tries_left(tries).unwrap();
        let changed = former[0]
            .as_bytes()
            .iter()
            .zip(persistent.nvm().as_bytes())
            .filter(|(a, b)| a != b)
            .count();
        if changed > 16 {
            turned += 1;
            if turns.contains(&turned) {
                starts.push(former[back - 1].clone());
            }
        }
        former.push_front(persistent.nvm().clone());
        former.truncate(back);
    }
    starts
}

/// Checks of one sweep that there is the state of `start`, or that of the uncut run.
pub fn old_or_new(name: &str, start: &RamNvm) -> impl Fn(u64, &Outcome, &Outcome) {
    let old = remembered(start.clone());
    let new = OnceCell::new();
    let name = name.to_owned();
    move |cut, outcome, whole| {
        // The uncut run is the same at each position.
        let new = new.get_or_init(|| remembered(whole.nvm.clone()));
        let found = remembered(outcome.nvm.clone());
        assert!(
            found == old || found == *new,
            "{name} cut after {cut} bytes: {found:?} is neither {old:?} nor {new:?}"
        );
        // A second look, and a card on it that works.
        let mut card = Card::new(outcome.nvm.clone(), rng(5), Configuration::ANY_NETWORK);
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        assert_eq!(remembered(card.into_nvm()), found);
    }
}
