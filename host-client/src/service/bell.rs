//! What is said to a counter from outside while it waits: a PIN, or to stop.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tillcard_client::card::PinBlock;

/// Why a counter stops to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The clerk doesn't want the payment any more.
    Clerk,
    /// Its time is over.
    Expired,
    /// It was paid from a wallet.
    PaidOtherwise,
    /// The service ends.
    Service,
}

/// A counter's bell.
pub(crate) struct Bell {
    state: Mutex<Rung>,
    rung: Condvar,
    deadline: Instant,
}

#[derive(Default)]
struct Rung {
    stop: Option<Stop>,
    is_asking: bool,
    /// In a place of its own, which is wiped when it is taken: it would leave its bytes here.
    pin: Option<Box<PinBlock>>,
}

/// The PIN isn't asked for.
pub(crate) struct NotAsked;

impl Bell {
    /// One that rings by itself after this time.
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            state: Mutex::default(),
            rung: Condvar::new(),
            deadline: Instant::now() + patience,
        }
    }

    /// Says that the counter is to stop.
    pub(crate) fn stop(&self, why: Stop) {
        self.lock().stop.get_or_insert(why);
        self.rung.notify_all();
    }

    /// Gives the PIN to the counter that asks for it.
    pub(crate) fn give_pin(&self, pin: PinBlock) -> Result<(), NotAsked> {
        let mut state = self.lock();
        if !state.is_asking || state.pin.is_some() {
            return Err(NotAsked);
        }
        state.pin = Some(Box::new(pin));
        self.rung.notify_all();
        Ok(())
    }

    /// Whether the counter is to stop, and why.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        let mut state = self.lock();
        if state.stop.is_none() && Instant::now() >= self.deadline {
            state.stop = Some(Stop::Expired);
        }
        state.stop
    }

    /// From now on a PIN is taken, before it is announced that one is asked for; or no longer.
    pub(crate) fn set_asking(&self, is_asking: bool) {
        let mut state = self.lock();
        state.is_asking = is_asking;
        state.pin = None;
    }

    /// Waits for the PIN; none when the counter is to stop.
    pub(crate) fn wait_for_pin(&self) -> Option<PinBlock> {
        self.wait_until(self.deadline);
        let mut state = self.lock();
        state.is_asking = false;
        state.pin.take().map(|pin| *pin)
    }

    /// Lets time pass, as long as nothing is said.
    pub(crate) fn wait(&self, time: Duration) {
        self.wait_until(self.deadline.min(Instant::now() + time));
    }

    fn wait_until(&self, end: Instant) {
        let left = end.saturating_duration_since(Instant::now());
        let state = self.lock();
        let waited = self.rung.wait_timeout_while(state, left, |state| {
            state.stop.is_none() && state.pin.is_none()
        });
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin() -> PinBlock {
        PinBlock::from_digits(b"271828").unwrap()
    }

    #[test]
    fn a_pin_is_taken_while_it_is_asked_for_and_once() {
        let bell = Bell::new(Duration::from_secs(60));
        assert!(bell.give_pin(pin()).is_err(), "nobody asks");
        bell.set_asking(true);
        std::thread::scope(|scope| {
            let asking = scope.spawn(|| bell.wait_for_pin());
            while bell.give_pin(pin()).is_err() {
                std::thread::yield_now();
            }
            assert!(asking.join().unwrap().is_some());
        });
        assert!(bell.give_pin(pin()).is_err(), "it was taken");
        assert_eq!(bell.stopped(), None);
    }

    #[test]
    fn who_stops_ends_the_wait() {
        let bell = Bell::new(Duration::from_secs(60));
        bell.stop(Stop::Clerk);
        bell.stop(Stop::Service);
        assert!(bell.wait_for_pin().is_none());
        assert_eq!(bell.stopped(), Some(Stop::Clerk), "the first word counts");
    }

    #[test]
    fn time_ends_the_wait() {
        let bell = Bell::new(Duration::ZERO);
        assert!(bell.wait_for_pin().is_none());
        assert_eq!(bell.stopped(), Some(Stop::Expired));
    }
}
