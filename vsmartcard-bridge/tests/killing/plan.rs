//! Some commands, and what the card must remember when the last of them is killed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tillcard_protocol::command::{Apdu, Select};
use tillcard_runtime::nvm::RamNvm;

use super::command::Move;
use crate::support::contacts::Contacts;
use crate::support::driver;
use crate::support::owner::{Owner, WRONG_PIN, verify};
use crate::support::survivor::{Memory, Revived, memory, revive};

/// What became of a killed command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
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
pub struct Plan {
    moves: Vec<Move>,
    /// Status words of all but the last.
    statuses: Vec<u16>,
    before: Memory,
    after: Memory,
    try_used: Option<Memory>,
    /// APDUs before the last.
    pub apdus: u64,
    /// Bytes that the last one changes.
    pub changed: u64,
}

impl Plan {
    pub fn victim(&self) -> &Move {
        self.moves.last().unwrap()
    }

    /// Runs the moves on a card in RAM.
    pub fn rehearse(moves: Vec<Move>, owner: &mut Owner, nvm: &RamNvm) -> Self {
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
        let apdus = card.card.apdus();
        let before = current(&mut card);
        let changed = card.changed();
        let (answer, status) = card.send(&victim.apdu(owner, &challenge));
        if let (Move::Pay(amount), 0x9000) = (victim, status) {
            owner.check_payment(&answer, *amount);
        }
        let changed = card.changed() - changed;
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
    pub fn play(&self, owner: &Owner, card: &mut driver::Card, durations: &mut Durations) -> Apdu {
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

    pub fn outcome(&self, survivor: &Memory) -> Option<Outcome> {
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
pub type Durations = BTreeMap<String, Duration>;

fn current(card: &mut Revived) -> (RamNvm, Memory) {
    let nvm = card.copy();
    let memory = memory(&nvm);
    (nvm, memory)
}
