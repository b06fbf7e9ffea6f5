//! How pcscd hears of cards: it looks at its readers, again and again.

use std::sync::PoisonError;
use std::time::Duration;

use super::Change;
use super::readers::{Readers, State};

/// How often pcscd looks at a reader that doesn't tell of its cards by itself.
const PERIOD: Duration = Duration::from_millis(400);

/// When programs hear of a card that comes or leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    /// In less than a millisecond.
    #[default]
    AtOnce,
    /// As with pcscd, whose readers are looked at every 400 ms: up to so late, and never of a card
    /// that leaves and comes back in between. To a command in which the card dies, the answer is
    /// success, with no bytes.
    LikePcscd,
}

impl Readers {
    /// Looks at the readers until the socket closes.
    pub(super) fn keep_looking(&self) {
        loop {
            let waited = self.closing.wait_timeout(self.state(), PERIOD);
            if waited.unwrap_or_else(PoisonError::into_inner).0.is_closed {
                return;
            }
            self.update(State::look);
            self.released.notify_all();
        }
    }

    /// Returns when the readers were looked at since, or when the socket closes.
    pub(super) fn wait_for_look(&self) {
        let mut state = self.state();
        let before = state.looks;
        while state.looks == before && !state.is_closed {
            let waited = self.released.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What is in a reader, other than programs know.
struct Seen {
    reader: String,
    atr: Option<Vec<u8>>,
}

impl State {
    fn look(&mut self) {
        self.looks += 1;
        let differ = self.differences();
        for seen in &differ {
            self.see(seen);
            self.changed();
        }
    }

    /// A reader that works on a command is looked at the next time.
    fn differences(&self) -> Vec<Seen> {
        let mut found = Vec::new();
        for reader in &self.readers {
            let Ok(slot) = reader.slot.try_lock() else {
                continue;
            };
            let atr = slot.atr();
            if atr.is_some() != reader.atr.is_some() {
                let reader = reader.name.clone();
                found.push(Seen { reader, atr });
            }
        }
        found
    }

    fn see(&mut self, seen: &Seen) {
        match &seen.atr {
            // No reader goes away.
            None => drop(self.leave(&seen.reader)),
            Some(atr) => {
                if let Ok(reader) = self.named(&seen.reader) {
                    reader.changed(Some(atr.clone()));
                    self.tell(&seen.reader, Change::Inserted);
                }
            }
        }
    }
}
