//! Following what happens on a tray, and waiting for it.

use std::time::Duration;

use super::{Awaited, Events, Tray, TrayError};

impl Tray {
    /// What happens, in order.
    #[must_use]
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Waits until a reader, and the card in it, are as it is awaited; whether they are, within the
    /// time.
    ///
    /// # Errors
    /// [`TrayError::NoReader`]
    pub fn wait_for(
        &self,
        reader: &str,
        awaited: &Awaited,
        patience: Duration,
    ) -> Result<bool, TrayError> {
        self.check_reader(reader)?;
        Ok(self.events.wait_at_most(reader, awaited, patience))
    }

    /// The reader is there.
    ///
    /// # Errors
    /// [`TrayError::NoReader`]
    pub fn check_reader(&self, reader: &str) -> Result<(), TrayError> {
        self.state().card_in(reader).map(drop)
    }

    /// Waits until there is no card in a reader: somebody took it out, or it left by itself.
    ///
    /// # Errors
    /// [`TrayError::Socket`] for an unknown reader.
    pub fn wait_for_removal(&self, reader: &str) -> Result<(), TrayError> {
        Ok(self.socket.wait_for_removal(reader)?)
    }
}
