//! Where the card under test is: in this process, or in a reader.
//!
//! The suite has its own seam to a card rather than the host client's. It must be able to talk to
//! a card that doesn't even answer SELECT, and a manufacturer should not have to build a wallet to
//! run it.

mod emulator;
mod fresh;
mod pcsc;

pub use emulator::EmulatorTarget;
pub use fresh::{FreshCards, beside_this_program};
pub use pcsc::PcscTarget;

use std::fmt;

/// The harness's own failure: the reader, the link, or the program that changes cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkError(pub String);

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for LinkError {}

/// How a card is started anew (ISO/IEC 7816-3 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The power goes off and on again.
    Cold,
    /// The reset line alone.
    Warm,
}

/// A card with power on. Dropping it takes the card out.
pub trait Link {
    /// The answer to the last reset.
    fn atr(&self) -> Vec<u8>;

    /// Sends a command APDU as it is and gives back the response APDU as it is: nothing here
    /// looks at status words.
    ///
    /// # Errors
    /// When the reader or the link failed, or the card went away.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError>;

    /// Starts the card anew.
    ///
    /// # Errors
    /// As for [`Link::transmit`].
    fn reset(&mut self, how: Reset) -> Result<(), LinkError>;
}

/// A source of fresh cards, one after the other.
pub trait Target {
    /// For the report: `emulator`, or `pcsc:` and the reader's name.
    fn name(&self) -> String;

    /// Puts in a card that has never been issued. The one before must have been dropped. An
    /// emulated card takes all its randomness from `seed`; a real one ignores it.
    ///
    /// # Errors
    /// When no card can be had.
    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError>;
}
