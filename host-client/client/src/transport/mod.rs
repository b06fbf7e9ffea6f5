//! The way to a card: [`Transport`], and what stands behind it.
//!
//! A transport carries command APDUs to one card and brings its answers back. It knows nothing of
//! payments; [`crate::card`] is built on it.

mod error;
mod pcsc;
mod readers;
mod waiting;
mod watch;

pub use error::TransportError;
pub use pcsc::Pcsc;
pub use readers::{Interrupt, Readers};
pub use waiting::CardWait;
pub use watch::{ReaderContent, ReaderWatch, WatchedReader};

/// One card, connected and powered. Constructing the value is connecting; dropping it, or
/// [`Transport::disconnect`], lets the card go.
pub trait Transport {
    /// The answer to reset of the last power-up (ISO/IEC 7816-3 §8), 2 to 33 bytes.
    fn atr(&self) -> &[u8];

    /// Sends a command APDU and returns the response APDU as the card gave it: at least the two
    /// bytes SW1 SW2, which are neither looked at nor acted upon here.
    ///
    /// Implementations keep no copy of the command: it may hold a PIN.
    ///
    /// # Errors
    /// [`TransportError::CardRemoved`] when the card left, also in the middle of the command;
    /// [`TransportError::CardReset`] when another program reset it since.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Command APDUs sent since this value was made.
    fn apdus(&self) -> u64;

    /// Warm reset: the card forgets its session and stays powered.
    ///
    /// # Errors
    /// [`TransportError::CardRemoved`] when the card isn't there any more.
    fn reset(&mut self) -> Result<(), TransportError>;

    /// Takes the card's power away and gives it back: a cold reset.
    ///
    /// # Errors
    /// [`TransportError::CardRemoved`] when the card isn't there any more.
    fn power_cut(&mut self) -> Result<(), TransportError>;

    /// Resets the card and lets it go, so that nobody after us finds an authorised session.
    ///
    /// # Errors
    /// As [`Transport::reset`].
    fn disconnect(self) -> Result<(), TransportError>
    where
        Self: Sized;
}
