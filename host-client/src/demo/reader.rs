//! Which reader the card is put into.

use std::path::{Path, PathBuf};

use super::failure::DemoError;
use crate::own_reader;
use tillcard_client::Untrusted;
use tillcard_client::transport::Readers;

/// Name that vpcd's readers have in PC/SC.
const VIRTUAL_READER: &str = "Virtual PCD";

/// Which reader the card is put into.
pub(super) enum ReaderKind {
    /// pcscd's virtual one.
    Pcscd,
    /// One of the emulator's own, at this socket.
    Own(PathBuf),
}

impl ReaderKind {
    /// What the program was told. A reader of the emulator's own is seen by programs that are started
    /// with its socket in their environment, so this one starts itself anew with it.
    pub(super) fn choose(pcscd: bool, socket: Option<PathBuf>) -> Result<Self, DemoError> {
        match (pcscd, socket) {
            (true, _) => {
                check_pcscd()?;
                Ok(Self::Pcscd)
            }
            (false, Some(socket)) => Ok(Self::Own(socket)),
            (false, None) => Err(own_reader::start_anew("--socket").into()),
        }
    }

    /// What the emulator is told of it.
    pub(super) fn socket(&self) -> Option<&Path> {
        match self {
            Self::Pcscd => None,
            Self::Own(socket) => Some(socket),
        }
    }
}

fn check_pcscd() -> Result<(), DemoError> {
    let readers = Readers::establish(None)?;
    let is_virtual = |name: &Untrusted| name.as_given().contains(VIRTUAL_READER);
    let virtual_reader = readers
        .names()
        .ok()
        .is_some_and(|names| names.iter().any(is_virtual));
    if virtual_reader {
        return Ok(());
    }
    Err(DemoError::new(
        "the PC/SC service has no virtual reader: install vsmartcard-vpcd, then start pcscd anew",
    ))
}
