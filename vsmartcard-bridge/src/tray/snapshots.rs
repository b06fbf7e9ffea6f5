//! Memories of cards that are kept under a label.

use super::held::Place;
use super::{Tray, TrayError};
use crate::test_cards::{Description, TestCard};

impl Tray {
    /// Keeps a copy of a card's memory under a label, between two commands.
    ///
    /// # Errors
    /// [`TrayError::NoCard`], [`TrayError::Slot`]
    pub fn save(&self, card: &str, label: &str) -> Result<(), TrayError> {
        let mut state = self.current();
        let held = state.held(card)?;
        let snapshot = match &mut held.place {
            Place::Out(card) => card.snapshot()?,
            Place::In(reader) => {
                let snapshot = self.socket.snapshot(reader)?;
                snapshot.ok_or_else(|| TrayError::NoCard(card.to_owned()))?
            }
        };
        held.snapshots.insert(label.to_owned(), snapshot);
        self.events.card_changed(card);
        Ok(())
    }

    /// Makes a card's memory what it was when it was saved under the label, and takes its power.
    ///
    /// # Errors
    /// [`TrayError::NoCard`], [`TrayError::NoSnapshot`], [`TrayError::Slot`]
    pub fn restore(&self, card: &str, label: &str) -> Result<(), TrayError> {
        let mut state = self.current();
        let held = state.held(card)?;
        let snapshot = held.snapshot(label)?;
        match &mut held.place {
            Place::Out(card) => card.restore(&snapshot)?,
            Place::In(reader) => {
                self.socket.restore(reader, &snapshot)?;
            }
        }
        Ok(())
    }

    /// Lays a card called `name` on the tray that has the memory which was saved under the label: both
    /// cards go their own ways from there.
    ///
    /// # Errors
    /// [`TrayError::NoCard`], [`TrayError::NoSnapshot`], [`TrayError::CardExists`], [`TrayError::Full`]
    pub fn fork(&self, card: &str, label: &str, name: &str) -> Result<Description, TrayError> {
        let mut state = self.current();
        let held = state.held(card)?;
        let mut about = held.about.clone();
        name.clone_into(&mut about.name);
        let twin = TestCard::twin(about.clone(), &held.snapshot(label)?, self.seed)?;
        self.add(&mut state, twin)?;
        Ok(about)
    }
}
