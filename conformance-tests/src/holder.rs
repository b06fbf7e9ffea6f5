//! A program that holds a card in a reader, and that never outlives the suite.
//!
//! Between the suite and such a program (the emulator, or what `--fresh-card-command` names)
//! stands a process of this same executable, the *holder*: `tillcard-conform hold PROGRAM ARG…`.
//! It runs the program in a process group of its own and waits until its own standard input
//! closes. The suite keeps the other end open, so that it closes when the card is to leave and
//! when the suite ends, in whatever way, SIGKILL included. The holder then ends the whole group.

use crate::failure::{Code, Failure};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long a process group may take to end after SIGTERM, before it gets SIGKILL.
const GRACE: Duration = Duration::from_secs(3);
/// How much longer than that the suite waits for the holder.
const MARGIN: Duration = Duration::from_secs(2);
/// Between two looks at whether something has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The subcommand of `tillcard-conform` that calls [`hold`].
pub const SUBCOMMAND: &str = "hold";

/// This executable, even when its file was replaced since it started.
#[must_use]
pub fn this_program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// A running program in its process group. Dropping it ends the group and waits for that, at most
/// five seconds.
pub struct Held {
    holder: Child,
}

impl Held {
    /// Starts a program, without standard input and output, under the holder `holder`, which is
    /// [`this_program`] in `tillcard-conform`.
    ///
    /// # Errors
    /// When the holder can't be started. A program that can't be started shows in
    /// [`Held::ended`].
    pub fn start(holder: &Path, program: &Command) -> Result<Self, Failure> {
        let mut command = Command::new(holder);
        command
            .arg(SUBCOMMAND)
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            // Ctrl-C in the terminal is for the suite, which then ends what it started.
            .process_group(0);
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let holder = command.spawn().map_err(|e| {
            let name = holder.display();
            Code::CardProgramFailed.because(format!("{name} can't be started: {e}"))
        })?;
        Ok(Self { holder })
    }

    /// How the program ended, if it ended by itself.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.holder.try_wait().ok().flatten()
    }

    /// The process id of the holder.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.holder.id()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let until = Instant::now() + GRACE + MARGIN;
        while Instant::now() < until {
            if !matches!(self.holder.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(LOOK_AGAIN);
        }
        // A holder that was stopped or hangs.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

/// Runs a program in a process group of its own until it ends or standard input closes, then ends
/// what is left of the group. Gives the program's exit code, 128 and the signal's number if a
/// signal ended it.
///
/// # Errors
/// When the program can't be started.
pub fn hold(program: &OsString, arguments: &[OsString]) -> io::Result<u8> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()?;
    let group = Pid::from_child(&child);
    thread::spawn(move || {
        // An error, too, means that nobody holds the other end.
        drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
        end(group);
    });
    let status = child.wait()?;
    end(group);
    let code = (status.code()).or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX))
}

/// Ends all processes of a group, by SIGTERM and then by SIGKILL.
fn end(group: Pid) {
    if kill_process_group(group, Signal::TERM).is_err() {
        return;
    }
    let until = Instant::now() + GRACE;
    while Instant::now() < until {
        if test_kill_process_group(group).is_err() {
            return;
        }
        thread::sleep(LOOK_AGAIN);
    }
    let _ = kill_process_group(group, Signal::KILL);
}
