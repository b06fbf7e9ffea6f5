//! Readers of the emulator's own for this program alone.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// By which pcsc-lite's library finds its service.
const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// Starts this program anew, with `option` and the path of a socket: programs see the readers behind a
/// socket that are started with it in their environment. Returns only when it can't be done.
pub(crate) fn start_anew(option: &str) -> io::Error {
    match begin(option) {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

fn begin(option: &str) -> io::Result<std::convert::Infallible> {
    let folder = tempfile::Builder::new()
        .prefix("tillcard-reader-")
        .tempdir()?;
    let socket: PathBuf = folder.path().join("pcscd.comm");
    let mut command = Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    command.arg(option).arg(&socket);
    command.env(SOCKET_VARIABLE, &socket);
    // The program that is started removes the folder.
    let folder = folder.keep();
    let error = command.exec();
    let _ = std::fs::remove_dir(folder);
    Err(error)
}
