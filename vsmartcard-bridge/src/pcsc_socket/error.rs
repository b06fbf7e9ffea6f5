//! What can't be done with readers of our own.

use std::io;
use std::path::PathBuf;

use crate::slot::SlotError;

/// Why a socket can't be opened, or a card not put in or taken out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The path has more bytes than a socket's address takes.
    #[error("the path of a socket has 107 bytes at most: {}", .0.display())]
    PathTooLong(PathBuf),
    /// Another program listens there.
    #[error("another program has the socket {}; choose another path, or end it", .0.display())]
    InUse(PathBuf),
    /// There is a file of another kind.
    #[error("{} is there already, and no socket; it was left as it is", .0.display())]
    NoSocket(PathBuf),
    /// The socket can't be made.
    #[error("the socket {} can't be opened: {}", .0.display(), .1)]
    Io(PathBuf, io::Error),
    /// PC/SC knows no such name.
    #[error("a reader's name has 1 to 127 bytes, and no zero among them: {0:?}")]
    ReaderName(String),
    /// Two readers of one name can't be told apart.
    #[error("there is a reader called {0} already")]
    ReaderExists(String),
    /// There is no such reader.
    #[error("there is no reader called {0}")]
    NoReader(String),
    /// A reader has one slot.
    #[error("there is a card in {0} already; take it out first")]
    Occupied(String),
    /// The reader has no keys.
    #[error("the reader {0} has no PIN pad; add it with one, or start with --pin-pad")]
    NoPinPad(String),
    /// There is no card, or a program is connected to it.
    #[error(
        "nobody can hold {0} for himself: there is no card in it, or a program is connected to it"
    )]
    NotHeld(String),
    /// The card failed, and had to leave its reader.
    #[error(transparent)]
    Card(SlotError),
}

impl SocketError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PathTooLong(_) => "socket-path-too-long",
            Self::InUse(_) => "socket-in-use",
            Self::NoSocket(_) => "not-a-socket",
            Self::Io(..) => "socket-failed",
            Self::ReaderName(_) => "reader-name",
            Self::ReaderExists(_) => "reader-exists",
            Self::NoReader(_) => "no-such-reader",
            Self::Occupied(_) => "reader-occupied",
            Self::NoPinPad(_) => "no-pin-pad",
            Self::NotHeld(_) => "reader-not-held",
            Self::Card(error) => error.code(),
        }
    }
}
