//! The card in a reader of the emulator's own, for as long as a command runs, or until a signal.

use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tempfile::TempDir;
use tillcard_emu::CardInSlot;
use tillcard_emu::pcsc_socket::{PcscSocket, SOCKET_VARIABLE};

use crate::{Arguments, Failure, tell};

/// The reader's name when none is given, with the two numbers that pcscd gives each reader.
pub const DEFAULT_NAME: &str = "Tillcard Emulator 00 00";

/// What ends the card's time in the reader.
enum End {
    Signal(i32),
    Command(io::Result<ExitStatus>),
    CardFailed,
}

/// Where the lines on the card go: a command has standard output for itself.
pub fn output(arguments: &Arguments) -> Box<dyn Write> {
    match arguments.command.is_empty() {
        true => Box::new(io::stdout()),
        false => Box::new(io::stderr()),
    }
}

/// Shows the card until the command, or the card, ends or a signal comes; in it, what the program
/// ends with.
pub fn show(
    card: Box<dyn CardInSlot>,
    arguments: &Arguments,
) -> Result<Result<ExitCode, Failure>, Failure> {
    let (socket, _folder) = open(arguments)?;
    let socket = Arc::new(socket);
    socket.add_reader(&arguments.reader)?;
    let (ended, end) = mpsc::channel();
    send_signals(ended.clone()).map_err(Failure::Signals)?;
    socket.insert(&arguments.reader, card)?;
    tell(
        output(arguments),
        &format!("card inserted in {}", arguments.reader),
    );
    let child = match arguments.command.is_empty() {
        true => {
            let path = socket.path().display();
            let line = format!("programs see it with {SOCKET_VARIABLE}={path}");
            tell(io::stderr(), &line);
            None
        }
        false => Some(start(arguments, &socket, ended.clone())?),
    };
    let watcher = watch(Arc::clone(&socket), arguments.reader.clone(), ended);
    let status = wait(child, &end);
    let removed = socket.remove(&arguments.reader);
    // The socket closes with the last who holds it, before the program ends.
    let _ = watcher.join();
    removed?;
    Ok(status)
}

/// The socket at the path that was named, or in a folder that goes with the program.
fn open(arguments: &Arguments) -> Result<(PcscSocket, Option<TempDir>), Failure> {
    if let Some(path) = &arguments.pcsc_socket {
        return Ok((PcscSocket::open(path)?, None));
    }
    let folder = tempfile::Builder::new()
        .prefix("tillcard-emu-")
        .tempdir()
        .map_err(Failure::SocketFolder)?;
    let socket = PcscSocket::open(&folder.path().join("pcscd.comm"))?;
    Ok((socket, Some(folder)))
}

/// Starts the command; its end is sent.
fn start(arguments: &Arguments, socket: &PcscSocket, ended: Sender<End>) -> Result<Pid, Failure> {
    let [program, rest @ ..] = &arguments.command[..] else {
        unreachable!("a command has a name");
    };
    let mut child: Child = Command::new(program)
        .args(rest)
        .env(SOCKET_VARIABLE, socket.path())
        .spawn()
        .map_err(|error| Failure::Command(program.clone(), error))?;
    let pid = Pid::from_child(&child);
    thread::spawn(move || ended.send(End::Command(child.wait())));
    Ok(pid)
}

fn send_signals(ended: Sender<End>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            if ended.send(End::Signal(signal)).is_err() {
                break;
            }
        }
    });
    Ok(())
}

fn watch(socket: Arc<PcscSocket>, reader: String, ended: Sender<End>) -> JoinHandle<()> {
    thread::spawn(move || {
        if socket.wait_for_removal(&reader).is_ok() {
            let _ = ended.send(End::CardFailed);
        }
    })
}

/// Waits for the end. A signal goes on to the command, whose end is awaited; one from the keyboard
/// went there already.
fn wait(child: Option<Pid>, end: &mpsc::Receiver<End>) -> Result<ExitCode, Failure> {
    for what in end {
        match (what, child) {
            (End::Command(status), _) => {
                let status =
                    status.map_err(|error| Failure::Command("the command".into(), error))?;
                return Ok(code(status));
            }
            (End::Signal(SIGINT), Some(_)) => {}
            (End::Signal(_), Some(child)) => {
                let _ = kill_process(child, Signal::TERM);
            }
            // The command sees an empty reader.
            (End::CardFailed, Some(_)) => {}
            (End::Signal(_) | End::CardFailed, None) => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The command's exit status, or 128 and the number of the signal that ended it, as in a shell.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
