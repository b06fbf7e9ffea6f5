//! What goes wrong with cards of a tray.

use super::{Tray, TrayError};
use crate::layers::FaultSwitch;
use crate::layers::faults::Fault;

impl Tray {
    /// Sets a fault of a card, which is in a reader or not.
    ///
    /// # Errors
    /// [`TrayError::NoCard`]
    pub fn set_fault(&self, card: &str, fault: Fault) -> Result<(), TrayError> {
        self.faults(card)?.set(fault);
        self.events.card_changed(card);
        Ok(())
    }

    /// Takes all faults of a card away.
    ///
    /// # Errors
    /// [`TrayError::NoCard`]
    pub fn clear_faults(&self, card: &str) -> Result<(), TrayError> {
        self.faults(card)?.clear();
        self.events.card_changed(card);
        Ok(())
    }

    /// The switch of a card's faults.
    ///
    /// # Errors
    /// [`TrayError::NoCard`]
    pub fn faults(&self, card: &str) -> Result<FaultSwitch, TrayError> {
        Ok(self.current().held(card)?.faults.clone())
    }
}
