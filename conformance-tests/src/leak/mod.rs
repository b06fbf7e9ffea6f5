//! The leak sweep: every answer of the run is searched for what must never leave a card.
//!
//! Of bytes that the suite knows it looks for any eight in a row, in both byte orders (but for what
//! the owner may read, in answers to the owner). Of secret keys that it doesn't know it knows the
//! public ones: each 32 bytes in a row of each answer are tried as a secret key. Protected answers
//! are searched as they came and decrypted. What a card has to keep its driver says.

mod guard;

use crate::multiples::SECRET;
use guard::Guard;

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

/// A time of a card's, in which it has secrets that it hadn't before. What it had it must keep on.
struct Life {
    /// How many answers had been seen when it began: those that made the secrets tell of them.
    from: usize,
    secrets: Secrets,
}

/// An answer of a card that has secrets, put together from its parts.
struct Seen {
    card: usize,
    case: String,
    header: Vec<u8>,
    data: Vec<u8>,
    /// Answered to the owner.
    for_the_owner: bool,
}

/// Something found in an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The case in which the answer was given.
    pub case: String,
    /// Which answer and what was in it, without the secret itself.
    pub what: String,
}

/// Collects answers and searches them.
#[derive(Default)]
pub struct Leaks {
    cards: Vec<Vec<Life>>,
    seen: Vec<Seen>,
    /// Bytes that the suite worked out by itself before a card answered them, with the card.
    predicted: Vec<(usize, Vec<u8>)>,
}

impl Leaks {
    /// From here on answers come from another card.
    pub fn next_card(&mut self) {
        self.cards.push(Vec::new());
    }

    /// From here on the card now in use must keep these, and those of before still.
    pub fn guard(&mut self, secrets: Secrets) {
        let from = self.seen.len();
        if let Some(card) = self.cards.last_mut() {
            card.push(Life { from, secrets });
        }
    }

    /// The card now in use must keep these too, since it got what it keeps last. Nothing is
    /// noted of a card that keeps nothing yet.
    pub fn guard_too(&mut self, more: Secrets) {
        let last = self.cards.last_mut().and_then(|lives| lives.last_mut());
        if let Some(Life { secrets, .. }) = last {
            secrets.bytes.extend(more.bytes);
            secrets.secp256k1.extend(more.secp256k1);
            secrets.p256.extend(more.p256);
            secrets.chosen |= more.chosen;
        }
    }

    /// The last answer was to a command of the owner's: it may hold what the owner may read, and
    /// nothing else of what is looked for.
    pub fn for_the_owner(&mut self) {
        if let Some(last) = self.seen.last_mut() {
            last.for_the_owner = true;
        }
    }

    /// The card now in use answered what the suite knew it would, to the byte: 32 bytes of that
    /// needn't be tried as a secret key, which takes its time.
    pub fn predicted(&mut self, bytes: Vec<u8>) {
        if let Some(card) = self.cards.len().checked_sub(1) {
            self.predicted.push((card, bytes));
        }
    }

    /// Takes note of an exchange.
    pub fn saw(&mut self, case: &str, command: &[u8], answer: &[u8]) {
        let keeps = self.cards.last().is_some_and(|lives| !lives.is_empty());
        if !keeps || answer.len() <= 2 {
            return;
        }
        let card = self.cards.len() - 1;
        let data = &answer[..answer.len() - 2];
        if command.get(1) == Some(&INS_GET_RESPONSE)
            && let Some(last) = self.seen.last_mut().filter(|last| last.card == card)
        {
            last.data.extend_from_slice(data);
            return;
        }
        self.seen.push(Seen {
            card,
            case: case.to_owned(),
            header: command.iter().take(4).copied().collect(),
            data: data.to_vec(),
            for_the_owner: false,
        });
    }

    /// How many answers there are to search.
    #[must_use]
    pub const fn answers(&self) -> usize {
        self.seen.len()
    }

    /// How many bytes the answers have together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.seen.iter().map(|seen| seen.data.len()).sum()
    }

    /// Searches all answers.
    #[must_use]
    pub fn sweep(&self) -> Vec<Finding> {
        let mut guards: Vec<Guard> = self.cards.iter().map(|lives| Guard::new(lives)).collect();
        for (card, bytes) in &self.predicted {
            let windows = bytes
                .windows(SECRET)
                .filter_map(|window| <[u8; SECRET]>::try_from(window).ok());
            guards[*card].tried.extend(windows);
        }
        let mut findings = Vec::new();
        for (position, seen) in self.seen.iter().enumerate() {
            let lives = &self.cards[seen.card];
            let begun = lives.iter().filter(|life| life.from <= position).count();
            let guard = &mut guards[seen.card];
            if let Some(what) = guard.find(&seen.data, begun, seen.for_the_owner) {
                findings.push(Finding {
                    case: seen.case.clone(),
                    what: format!(
                        "the answer to {} holds {what}",
                        hex::encode_upper(&seen.header)
                    ),
                });
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests;
