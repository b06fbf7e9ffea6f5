//! What can't be done with a tray.

use std::io;

use crate::pcsc_socket::SocketError;
use crate::slot::SlotError;
use crate::test_cards::TestCardError;

/// Why something can't be done with cards and readers. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrayError {
    /// The readers' socket.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A test card can't be made.
    #[error(transparent)]
    TestCard(#[from] TestCardError),
    /// The card's memory can't be read or written.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// There is no place for the socket.
    #[error("no folder for the reader's socket: {0}; name a path with --pcsc-socket")]
    Folder(io::Error),
    /// There is no such reader.
    #[error("there is no reader called {0}")]
    NoReader(String),
    /// The tray doesn't have this card.
    #[error("there is no card called {0} yet; put it into a reader first")]
    NoCard(String),
    /// A card of this name is there.
    #[error("there is a card called {0} already")]
    CardExists(String),
    /// There is a card in the reader.
    #[error("the card {1} is in {0} already; take it out first")]
    Occupied(String, String),
    /// The card is in another reader.
    #[error("the card {0} is in {1}; take it out first, or take another of its kind: {0}#2")]
    InUse(String, String),
    /// Nothing was saved under this label.
    #[error("nothing of the card {0} was saved as {1}")]
    NoSnapshot(String, String),
    /// Too many cards.
    #[error("a tray holds 1000 cards at most; throw some away")]
    Full,
}

impl TrayError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Socket(error) => error.code(),
            Self::TestCard(error) => error.code(),
            Self::Slot(error) => error.code(),
            Self::Folder(_) => "no-socket-folder",
            Self::NoReader(_) => "no-such-reader",
            Self::NoCard(_) => "no-such-card",
            Self::CardExists(_) => "card-exists",
            Self::Occupied(..) => "reader-occupied",
            Self::InUse(..) => "card-in-a-reader",
            Self::NoSnapshot(..) => "no-such-snapshot",
            Self::Full => "tray-full",
        }
    }
}
