//! What is in which reader, as the PC/SC service sees it: no card is connected to.

use std::time::Duration;

use pcsc::{PNP_NOTIFICATION, ReaderState, State};

use super::TransportError;
use super::readers::{Readers, untrusted};
use crate::Untrusted;

/// What the service says of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderContent {
    /// No card.
    Empty,
    /// A card, of whatever kind.
    Card,
    /// A card that doesn't answer to its reset.
    Mute,
    /// A card that a program holds for itself.
    Held,
}

/// Watches readers come and go, and cards in them.
pub struct ReaderWatch {
    readers: Readers,
    states: Vec<ReaderState>,
    /// Without a known state the service answers at once.
    is_first: bool,
}

/// A reader as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedReader {
    /// Its name.
    pub name: Untrusted,
    /// What is in it.
    pub content: ReaderContent,
    /// How often a card came or went: another number is another card.
    pub changes: u16,
}

impl ReaderWatch {
    /// Watches all readers.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when the service isn't running.
    pub fn establish() -> Result<Self, TransportError> {
        Ok(Self {
            readers: Readers::establish(None)?,
            states: vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)],
            is_first: true,
        })
    }

    /// Waits for a change, at most so long; then what there is.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when the service has gone.
    pub fn next(&mut self, patience: Duration) -> Result<Vec<WatchedReader>, TransportError> {
        self.readers.follow(&mut self.states)?;
        let patience = match std::mem::take(&mut self.is_first) {
            true => Duration::ZERO,
            false => patience,
        };
        self.readers
            .wait_for_change(Some(patience), &mut self.states)?;
        let mut seen = Vec::new();
        for state in &mut self.states {
            state.sync_current_state();
            if state.name() != PNP_NOTIFICATION() {
                seen.push(WatchedReader {
                    name: untrusted(state.name()),
                    content: content(state.event_state()),
                    changes: state.event_count() as u16,
                });
            }
        }
        Ok(seen)
    }
}

fn content(state: State) -> ReaderContent {
    if !state.contains(State::PRESENT) {
        ReaderContent::Empty
    } else if state.contains(State::MUTE) {
        ReaderContent::Mute
    } else if state.contains(State::EXCLUSIVE) {
        ReaderContent::Held
    } else {
        ReaderContent::Card
    }
}
