//! Which reader the card is put into.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::failure::DemoError;
use tillcard_client::Untrusted;
use tillcard_client::transport::Readers;

/// By which pcsc-lite's library finds its service.
const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

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
            (false, None) => Err(start_anew()?),
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

/// Returns only when it can't be done.
fn start_anew() -> Result<DemoError, DemoError> {
    let folder = tempfile::Builder::new()
        .prefix("tillcard-reader-")
        .tempdir()?;
    let socket = folder.path().join("pcscd.comm");
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    command.arg("--socket").arg(&socket);
    command.env(SOCKET_VARIABLE, &socket);
    // The program that is started removes the folder.
    let folder = folder.keep();
    let error = command.exec();
    let _ = std::fs::remove_dir(folder);
    Ok(error.into())
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
