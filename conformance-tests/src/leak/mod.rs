//! The leak sweep: every answer of the run is searched for what must never leave a card.
//!
//! Of bytes that the suite knows it looks for any eight in a row, in both byte orders (but for what
//! the owner may read, in answers to the owner). Of secret keys that it doesn't know it knows the
//! public ones: each 32 bytes in a row of each answer are tried as a secret key. Protected answers
//! are searched as they came and decrypted. What a card has to keep its driver says.

mod guard;

use crate::multiples::SECRET;
use guard::Guard;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many bytes in a row count as a leak.
const WINDOW: usize = 8;
/// INS of GET RESPONSE, whose answer continues the one before.
const INS_GET_RESPONSE: u8 = 0xC0;

/// Bytes that must not leave a card.
#[derive(Clone)]
pub struct Known {
    /// What a part of them is called.
    pub name: &'static str,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether the card's owner may read them.
    pub readable: bool,
}

impl Known {
    /// Bytes that nobody may read.
    #[must_use]
    pub fn new(name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            name,
            bytes: bytes.into(),
            readable: false,
        }
    }

    /// Bytes that nobody but the owner may read.
    #[must_use]
    pub fn readable(name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            readable: true,
            ..Self::new(name, bytes)
        }
    }
}

/// What one card must keep.
#[derive(Clone, Default)]
pub struct Secrets {
    /// Bytes that the suite knows.
    pub bytes: Vec<Known>,
    /// Public keys on secp256k1, x-only, whose secrets the suite may not know.
    pub secp256k1: Vec<[u8; SECRET]>,
    /// The same on P-256.
    pub p256: Vec<[u8; SECRET]>,
    /// Whether the suite chose keys among them, such as 1.
    pub chosen: bool,
}

impl Secrets {
    /// These and more.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.bytes.extend(more.bytes);
        self.secp256k1.extend(more.secp256k1);
        self.p256.extend(more.p256);
        self.chosen |= more.chosen;
        self
    }
}

/// An answer of a card that has secrets, put together from its parts.
struct Seen {
    case: String,
    header: Vec<u8>,
    data: Vec<u8>,
    /// Answered to the owner.
    for_the_owner: bool,
}

/// Something found in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The case in which the answer was given.
    pub case: String,
    /// Which answer and what was in it, without the secret itself.
    pub what: String,
}

/// What a search of answers gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Searched {
    /// How many answers were searched.
    pub answers: usize,
    /// How many bytes they had together.
    pub bytes: usize,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Collects answers and searches them.
///
/// A card's life is a time in which it has secrets that it hadn't before; what it had it must keep
/// on. Answers are searched while their life lasts, for the secrets of this life and of those
/// before.
#[derive(Default)]
pub struct Leaks {
    /// What the card now in use must keep.
    guard: Guard,
    /// How many lives it has begun.
    lives: usize,
    /// Answers to be searched, all of its present life.
    pending: Vec<Seen>,
    searched: Searched,
}

impl Leaks {
    /// Goes on after a search that gave this.
    #[must_use]
    pub fn after(searched: Searched) -> Self {
        Self {
            searched,
            ..Self::default()
        }
    }

    /// From here on answers come from another card.
    pub fn next_card(&mut self) {
        self.sweep();
        self.guard = Guard::default();
        self.lives = 0;
    }

    /// From here on the card now in use must keep these, and those of before still. The last answer
    /// tells the owner of them.
    pub fn guard(&mut self, secrets: &Secrets) {
        let made = self.pending.pop();
        self.sweep();
        self.pending.extend(made);
        self.for_the_owner();
        self.lives += 1;
        self.guard.begin(self.lives);
        self.guard.add(secrets);
    }

    /// The card now in use must keep these too, since it got what it keeps last. Nothing is
    /// noted of a card that keeps nothing yet.
    pub fn guard_too(&mut self, more: &Secrets) {
        if self.lives > 0 {
            self.guard.add(more);
        }
    }

    /// The last answer was to a command of the owner's: it may hold what the owner may read, and
    /// nothing else of what is looked for.
    pub fn for_the_owner(&mut self) {
        if let Some(last) = self.pending.last_mut() {
            last.for_the_owner = true;
        }
    }

    /// The card now in use answered what the suite knew it would, to the byte: 32 bytes of that
    /// needn't be tried as a secret key, which takes its time.
    pub fn predicted(&mut self, bytes: &[u8]) {
        self.guard.predicted(bytes);
    }

    /// Takes note of an exchange.
    pub fn saw(&mut self, case: &str, command: &[u8], answer: &[u8]) {
        if self.lives == 0 || answer.len() <= 2 {
            return;
        }
        let data = &answer[..answer.len() - 2];
        if command.get(1) == Some(&INS_GET_RESPONSE)
            && let Some(last) = self.pending.last_mut()
        {
            last.data.extend_from_slice(data);
            return;
        }
        self.pending.push(Seen {
            case: case.to_owned(),
            header: command.iter().take(4).copied().collect(),
            data: data.to_vec(),
            for_the_owner: false,
        });
    }

    /// What the searches so far gave.
    #[must_use]
    pub const fn searched(&self) -> &Searched {
        &self.searched
    }

    /// Searches the answers that weren't yet, and gives what was found since this was asked last.
    pub(crate) fn take_searched(&mut self) -> Searched {
        self.sweep();
        std::mem::take(&mut self.searched)
    }

    /// A search apart from this one gave this.
    pub(crate) fn add_searched(&mut self, other: Searched) {
        self.searched.answers += other.answers;
        self.searched.bytes += other.bytes;
        self.searched.findings.extend(other.findings);
    }

    /// Searches the answers that weren't yet, and gives what was found in all.
    pub fn sweep(&mut self) -> &Searched {
        for seen in std::mem::take(&mut self.pending) {
            self.searched.answers += 1;
            self.searched.bytes += seen.data.len();
            if let Some(what) = self.guard.find(&seen.data, seen.for_the_owner) {
                self.searched.findings.push(Finding {
                    case: seen.case,
                    what: format!(
                        "the answer to {} holds {what}",
                        hex::encode_upper(&seen.header)
                    ),
                });
            }
        }
        &self.searched
    }
}

#[cfg(test)]
mod tests;
