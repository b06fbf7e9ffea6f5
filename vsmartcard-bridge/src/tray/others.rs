//! What others do at readers: the holder at the PIN pad, another program.

use super::{Tray, TrayError};
use crate::pcsc_socket::Key;

impl Tray {
    /// Presses keys of a reader's PIN pad, for the program that asks for a PIN, or for the next one while
    /// the same card is in.
    ///
    /// # Errors
    /// [`TrayError::Socket`] for an unknown reader, or one without a PIN pad.
    pub fn press(&self, reader: &str, keys: &[Key]) -> Result<(), TrayError> {
        Ok(self.socket.press(reader, keys)?)
    }

    /// Types a PIN, and Enter.
    ///
    /// # Errors
    /// As [`press`](Self::press).
    pub fn type_pin(&self, reader: &str, digits: &str) -> Result<(), TrayError> {
        let mut keys = Key::digits(digits);
        keys.push(Key::Enter);
        self.press(reader, &keys)
    }

    /// Has another program hold the card in a reader for itself, until [`let_go`](Self::let_go), or until the
    /// card leaves.
    ///
    /// # Errors
    /// [`TrayError::Socket`]: no such reader, no card, or a program is connected to it.
    pub fn hold(&self, reader: &str) -> Result<(), TrayError> {
        Ok(self.socket.hold(reader)?)
    }

    /// The other program lets the card go, if it holds it.
    ///
    /// # Errors
    /// [`TrayError::Socket`] for an unknown reader.
    pub fn let_go(&self, reader: &str) -> Result<(), TrayError> {
        Ok(self.socket.let_go(reader)?)
    }
}
