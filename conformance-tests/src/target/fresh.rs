//! How a fresh card comes into a reader.

use super::LinkError;
use super::pcsc::is_virtual;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to end after SIGTERM, before it is killed.
const GRACE: Duration = Duration::from_secs(3);
/// Between two looks at whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// Where vpcd listens for the card of its first slot; the next slots follow.
const FIRST_VPCD_PORT: u16 = 35_963;

/// Who changes cards.
pub enum FreshCards {
    /// A person, asked on the terminal.
    Operator,
    /// A program that keeps a fresh card in the reader for as long as it runs.
    Program(Box<dyn Fn(u64) -> Command>),
    /// The same, where the cards are emulated and cost nothing.
    Emulator(Box<dyn Fn(u64) -> Command>),
}

impl FreshCards {
    /// A command line, run by `sh` with the card's seed in `TILLCARD_SEED`. It gets SIGTERM when
    /// the card is to leave.
    #[must_use]
    pub fn shell(line: &str) -> Self {
        let line = format!("exec {line}");
        Self::Program(Box::new(move |seed| {
            let mut command = Command::new("sh");
            command
                .arg("-c")
                .arg(&line)
                .env("TILLCARD_SEED", seed.to_string());
            command
        }))
    }

    /// `tillcard-emu --ephemeral --seed N` for a virtual reader.
    #[must_use]
    pub fn emulator(program: PathBuf, reader: &CStr) -> Self {
        let port = vpcd_port(&reader.to_string_lossy());
        Self::Emulator(Box::new(move |seed| {
            let mut command = Command::new(&program);
            command.args(["--ephemeral", "--seed", &seed.to_string()]);
            command.args(["--vpcd", &format!("127.0.0.1:{port}")]);
            command
        }))
    }

    /// What fits the reader: the emulator found beside this program for a virtual one, else the
    /// operator.
    ///
    /// # Errors
    /// When the reader is virtual and the emulator isn't there.
    pub fn for_reader(reader: &CStr) -> Result<Self, LinkError> {
        if !is_virtual(reader) {
            return Ok(Self::Operator);
        }
        let program = beside_this_program("tillcard-emu")?;
        Ok(Self::emulator(program, reader))
    }

    /// Whether the cards are emulated, so that using them up costs nothing.
    #[must_use]
    pub const fn is_emulator(&self) -> bool {
        matches!(self, Self::Emulator(_))
    }

    pub(super) fn ask_for_removal(&self) {
        if matches!(self, Self::Operator) {
            eprintln!("Take the card out of the reader.");
        }
    }

    pub(super) fn ask_for_card(&self) {
        if matches!(self, Self::Operator) {
            eprintln!("Put a card in that has never been issued.");
        }
    }

    pub(super) fn insert(&self, seed: u64) -> Result<Running, LinkError> {
        match self {
            Self::Operator => Ok(Running(None)),
            Self::Program(command) | Self::Emulator(command) => {
                let mut command = command(seed);
                let name = command.get_program().to_string_lossy().into_owned();
                command
                    .stdin(Stdio::null())
                    .stdout(Stdio::null())
                    .spawn()
                    .map(|child| Running(Some(child)))
                    .map_err(|e| LinkError(format!("{name}: {e}")))
            }
        }
    }
}

/// A program with this name in the folder of the running one, or in the folder above (where
/// Cargo puts programs, seen from a test).
///
/// # Errors
/// When there is none.
pub fn beside_this_program(name: &str) -> Result<PathBuf, LinkError> {
    let here =
        std::env::current_exe().map_err(|e| LinkError(format!("this program's own path: {e}")))?;
    let folders = [here.parent(), here.parent().and_then(Path::parent)];
    folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            LinkError(format!(
                "{name} isn't beside {}: build it, or say with --fresh-card-command how a fresh \
                 card comes into the reader",
                here.display()
            ))
        })
}

/// The port of a reader's slot: `Virtual PCD 00 01` is slot 1.
fn vpcd_port(reader: &str) -> u16 {
    let slot = reader
        .rsplit(' ')
        .next()
        .and_then(|slot| u16::from_str_radix(slot, 16).ok());
    FIRST_VPCD_PORT + slot.unwrap_or(0)
}

/// The program that keeps the card in the reader; dropping it ends the program.
pub(super) struct Running(Option<Child>);

impl Running {
    /// Says so when the program ended by itself, which explains why there is no card.
    pub(super) fn explain(&mut self, error: LinkError) -> LinkError {
        match self.0.as_mut().map(Child::try_wait) {
            Some(Ok(Some(status))) => LinkError(format!(
                "{error}: the program that should keep it there ended ({status})"
            )),
            _ => error,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(child) = &mut self.0 else { return };
        let asked = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok());
        let until = Instant::now() + GRACE;
        while asked && Instant::now() < until {
            if !matches!(child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        // Only reached by a program that ignores SIGTERM; nothing better is left than SIGKILL.
        drop(child.kill());
        drop(child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::{FreshCards, vpcd_port};

    #[test]
    fn the_port_follows_the_slot() {
        assert_eq!(vpcd_port("Virtual PCD 00 00"), 35_963);
        assert_eq!(vpcd_port("Virtual PCD 00 01"), 35_964);
    }

    #[test]
    fn the_command_gets_the_seed_and_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("seed");
        let line = format!(
            "sh -c 'echo $TILLCARD_SEED > {}; exec sleep 600'",
            file.display()
        );
        let running = FreshCards::shell(&line).insert(42).unwrap();
        let pid = running.0.as_ref().unwrap().id();
        while std::fs::read_to_string(&file).unwrap_or_default() != "42\n" {
            std::thread::yield_now();
        }
        drop(running);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}
