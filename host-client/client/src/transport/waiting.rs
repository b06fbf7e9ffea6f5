//! Waiting for a card with our application, while readers and cards of all kinds come and go.

use std::time::{Duration, Instant};

use pcsc::{PNP_NOTIFICATION, ReaderState, State};

use super::readers::{Readers, Slot, untrusted};
use super::{Pcsc, TransportError};
use crate::Untrusted;

/// How long to wait before a card that another program holds is tried again. The PC/SC service
/// announces cards that come and go, but not that a program lets one go.
const RETRY_HELD_CARD: Duration = Duration::from_millis(250);

/// A wait for a card with our application. It knows which cards it has looked at: each is asked once.
pub struct CardWait<'a> {
    readers: &'a Readers,
    states: Vec<ReaderState>,
    held: Vec<Untrusted>,
    /// Without a known state the service answers at once.
    is_first: bool,
}

impl<'a> CardWait<'a> {
    pub(super) fn new(readers: &'a Readers) -> Self {
        Self {
            readers,
            states: vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)],
            held: Vec::new(),
            is_first: true,
        }
    }

    /// Waits, at most so long, and connects to the first card that has our application; nothing when
    /// the time is over. `unusable` is told of each card that can't be used, once: the wait goes on.
    ///
    /// # Errors
    /// [`TransportError::NoService`]; [`TransportError::Cancelled`] after
    /// [`Interrupt::cancel`](super::Interrupt::cancel).
    pub fn next(
        &mut self,
        patience: Option<Duration>,
        unusable: &mut dyn FnMut(&TransportError),
    ) -> Result<Option<Pcsc>, TransportError> {
        let deadline = patience.map(|patience| Instant::now() + patience);
        loop {
            if let Some(card) = self.look(deadline, unusable)? {
                return Ok(Some(card));
            }
            if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return Ok(None);
            }
        }
    }

    /// Waits for one change, and looks at the cards that came.
    fn look(
        &mut self,
        deadline: Option<Instant>,
        unusable: &mut dyn FnMut(&TransportError),
    ) -> Result<Option<Pcsc>, TransportError> {
        self.readers.follow(&mut self.states)?;
        let patience = self.patience(deadline);
        self.readers.wait_for_change(patience, &mut self.states)?;
        let held_before = std::mem::take(&mut self.held);
        for state in &mut self.states {
            let changed = state.event_state().contains(State::CHANGED);
            state.sync_current_state();
            if !state.event_state().contains(State::PRESENT) {
                continue;
            }
            let name = untrusted(state.name());
            let was_held = held_before.contains(&name);
            if !changed && !was_held {
                continue;
            }
            match self.readers.try_reader(name.as_given())? {
                Slot::Ours(card) => return Ok(Some(card)),
                Slot::HeldByAnother(error) => {
                    if !was_held {
                        unusable(&error);
                    }
                    self.held.push(name);
                }
                Slot::NotOurs(error) => unusable(&error),
                Slot::Gone => {}
            }
        }
        Ok(None)
    }

    fn patience(&mut self, deadline: Option<Instant>) -> Option<Duration> {
        if std::mem::take(&mut self.is_first) {
            return Some(Duration::ZERO);
        }
        let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
        match self.held.is_empty() {
            true => left,
            false => Some(left.map_or(RETRY_HELD_CARD, |left| left.min(RETRY_HELD_CARD))),
        }
    }
}
