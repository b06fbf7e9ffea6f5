//! The link to vpcd, the driver that gives pcscd a virtual reader.
//!
//! vpcd listens on one TCP port for each slot of its reader; whoever connects is a card in that
//! slot, and leaves it by closing the connection. Either side sends frames of a big-endian `u16`
//! length and that many bytes. A frame of one byte from the reader is a control byte (power off,
//! power on, reset, ask for the ATR); any other is a command APDU. Only the ATR and APDUs are
//! answered (vsmartcard 3.3, "Virtual smart card API").
//!
//! The crate [`vpicc`] speaks this. [`Link`] gives it the control bytes alone, and carries command
//! and response APDUs itself, since vpicc 0.1.0
//!
//! - writes every frame to the `log` crate at its trace level, PINs included;
//! - leaves commands and responses in freed memory;
//! - casts the length of a response to `u16`, so that one of 65,536 bytes is announced as empty;
//! - takes an APDU of no byte for an error. A card answers it `6700`, as ISO/IEC 7816-4 has it for
//!   what is shorter than a header.
//!
//! A response that no frame can carry takes the card out of the reader: an empty one would hang
//! the driver. `docs/upstream/` has a patch for vpicc.
//!
//! vpcd sends a frame in two writes, and the second waits until the first is acknowledged. Linux
//! delays that acknowledgement by 40 ms, unless told before every read that it must not
//! (`TCP_QUICKACK`, `tcp(7)`), as the link does.
//!
//! [`Guest`] is the other end: a card that another program shows, for readers of our own.

mod address;
mod guest;
mod link;

use std::io;

pub use address::{Address, DEFAULT_PORT, NotAnAddress};
pub use guest::{Guest, GuestAnswers};
pub use link::{Link, Remover, Waited};

use crate::slot::SlotError;

/// Why a card isn't, or is no longer, in the virtual reader.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Nobody listens at the address.
    #[error(
        "nothing listens on {0}, where the virtual reader should be\n  \
         install it:  sudo apt-get install pcscd vsmartcard-vpcd\n  \
         start it:    sudo systemctl start pcscd   (without systemd: sudo pcscd)"
    )]
    NothingListens(Address),
    /// The address can't be reached.
    #[error("the virtual reader at {0} can't be reached: {1}")]
    Unreachable(Address, io::Error),
    /// The connection failed.
    #[error("the connection to the virtual reader failed: {0}")]
    Io(#[from] io::Error),
    /// The reader closed the connection.
    #[error(
        "the virtual reader went away: pcscd ended (started by systemd, it does so when no program \
         used it for 60 seconds)"
    )]
    ReaderGone,
    /// The card can't go on.
    #[error("{0}")]
    Card(SlotError),
    /// The card's answer can't be sent.
    #[error("the card answered {0} bytes; a reader takes 2 to 65535")]
    Answer(usize),
    /// The card's answer to reset can't be one.
    #[error("the card's answer to reset has {0} bytes instead of 2 to 33")]
    Atr(usize),
}

impl LinkError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingListens(_) => "vpcd-not-listening",
            Self::Unreachable(..) => "vpcd-unreachable",
            Self::Io(_) => "vpcd-connection",
            Self::ReaderGone => "vpcd-gone",
            Self::Card(error) => error.code(),
            Self::Answer(_) => "answer-length",
            Self::Atr(_) => "atr-length",
        }
    }
}
