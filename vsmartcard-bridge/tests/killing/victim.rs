//! The card that is killed, and what is left of it.

use std::path::{Path, PathBuf};

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use tempfile::TempDir;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::Store;
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::{
    GetData, ReceiveScript, ReceiveScriptAnswer, Select, State, StatusObject,
};
use tillcard_runtime::nvm::RamNvm;

use super::below;
use super::command::Move;
use super::plan::{Outcome, Plan};
use crate::support::contacts::{Contacts, powered};
use crate::support::owner::{Owner, PIN, verify};
use crate::support::survivor::{image, memory, revive};
use tillcard_test_owner::stripped;

/// A card on the disk that is killed again and again.
pub struct Victim {
    pub home: TempDir,
    pub owner: Owner,
    nvm: RamNvm,
}

impl Victim {
    pub fn new(seed: u64) -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&folder(home.path())).unwrap();
        let seed = Seed::Number(seed);
        let mut card = powered(EmulatedCard::persistent(&store, DEFAULT_NAME, seed).unwrap());
        let mut owner = Owner::issue(&mut card);
        for index in 0..6 {
            owner.enter(&mut card, index, 40_000 + 10_000 * u64::from(index), index);
        }
        drop((card, store));
        let nvm = image(&folder(home.path()));
        Self { home, owner, nvm }
    }

    pub fn tries_left(&self) -> u8 {
        let mut card = revive(&self.nvm);
        card.done(&Select::to_apdu());
        match StatusObject::parse(&card.done(&GetData::Status.to_apdu()))
            .unwrap()
            .state
        {
            State::Issued { tries_left, .. } => tries_left,
            other => panic!("no card that was issued: {other:?}"),
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
    pub fn plan(&mut self, dice: &mut ChaCha20Rng, only_writers: bool) -> Plan {
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
                    let bytes = stripped(&transaction);
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
    pub fn autopsy(&mut self, plan: &Plan, answered: bool) -> Outcome {
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
pub fn folder(home: &Path) -> PathBuf {
    home.join(".local/share/tillcard/emu")
}
