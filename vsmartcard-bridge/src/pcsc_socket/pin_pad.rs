//! A reader's PIN pad: its keys, and a program that waits for them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long a reader waits for a key when the program doesn't say.
const PATIENCE: Duration = Duration::from_secs(30);

/// The most keys that wait for a program.
const KEYS_MAX: usize = 64;

/// A key of the pad.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A digit, as a number from 0 to 9.
    Digit(u8),
    /// The PIN is complete.
    Enter,
    /// What was typed so far is taken back.
    Clear,
    /// Nothing is to be done.
    Cancel,
}

/// Why no PIN was typed, as the reader's answer says it (PC/SC part 10, section 2.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPin {
    TimedOut,
    Cancelled,
    NotTheSame,
    TooShortOrLong,
    /// The card left the reader.
    CardLeft,
}

#[derive(Default)]
pub(super) struct PinPad {
    state: Mutex<Typed>,
    changed: Condvar,
}

#[derive(Default)]
struct Typed {
    keys: Zeroizing<Vec<u8>>,
    /// How often the reader was emptied.
    removals: u64,
}

const ENTER: u8 = b'\r';
const CLEAR: u8 = 0x08;
const CANCEL: u8 = 0x1B;

impl Key {
    /// The keys of these digits; what is no digit has no key.
    #[must_use]
    pub fn digits(text: &str) -> Vec<Self> {
        let digits = text.bytes().filter(u8::is_ascii_digit);
        digits.map(|digit| Self::Digit(digit - b'0')).collect()
    }

    fn code(self) -> u8 {
        match self {
            Self::Digit(digit) => b'0' + digit % 10,
            Self::Enter => ENTER,
            Self::Clear => CLEAR,
            Self::Cancel => CANCEL,
        }
    }
}

impl PinPad {
    /// Presses keys, for the program that waits or for the next one.
    pub(super) fn press(&self, keys: &[Key]) {
        let mut state = self.state();
        // No copy of a secret is left behind by a vector that grows.
        state.keys.reserve_exact(KEYS_MAX);
        for key in keys {
            if state.keys.len() < KEYS_MAX {
                state.keys.push(key.code());
            }
        }
        self.changed.notify_all();
    }

    /// The card left: who waits is told, and nobody gets what was typed.
    pub(super) fn card_left(&self) {
        let mut state = self.state();
        state.removals += 1;
        state.keys = Zeroizing::default();
        self.changed.notify_all();
    }

    /// Waits for a PIN of so many digits, so many seconds for the first key and for the others; 0 is the
    /// reader's own time.
    pub(super) fn pin(
        &self,
        [fewest, most]: [u8; 2],
        [first, others]: [u8; 2],
    ) -> Result<Zeroizing<Vec<u8>>, NoPin> {
        let mut digits = Zeroizing::new(Vec::with_capacity(KEYS_MAX));
        let mut until = Instant::now() + patience(first);
        let mut state = self.state();
        let removals = state.removals;
        loop {
            if state.removals != removals {
                return Err(NoPin::CardLeft);
            }
            if !state.keys.is_empty() {
                match state.keys.remove(0) {
                    ENTER => break,
                    CANCEL => return Err(NoPin::Cancelled),
                    CLEAR => digits.clear(),
                    digit => digits.push(digit),
                }
                if others > 0 {
                    until = Instant::now() + patience(others);
                }
                continue;
            }
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                return Err(NoPin::TimedOut);
            }
            let waited = self.changed.wait_timeout(state, rest);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        match (usize::from(fewest)..=usize::from(most)).contains(&digits.len()) {
            true => Ok(digits),
            false => Err(NoPin::TooShortOrLong),
        }
    }

    fn state(&self) -> MutexGuard<'_, Typed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn patience(seconds: u8) -> Duration {
    match seconds {
        0 => PATIENCE,
        seconds => Duration::from_secs(seconds.into()),
    }
}
