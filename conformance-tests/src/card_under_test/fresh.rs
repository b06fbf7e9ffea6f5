//! How a fresh card comes into a reader.

use crate::failure::{Code, Failure};
use crate::holder::Held;
use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where vpcd listens for the card of its first slot; the next slots follow.
const FIRST_VPCD_PORT: u16 = 35_963;

/// Who changes cards.
pub enum FreshCards {
    /// A person, asked on the terminal.
    Operator(Operator),
    /// A program that keeps a fresh card in the reader for as long as it runs.
    Program(Program),
    /// The suite's own emulator, whose cards cost nothing.
    Emulator(Program),
}

/// A person at the reader.
#[derive(Debug, Clone, Copy)]
pub struct Operator {
    /// How long a change of cards may take.
    pub patience: Duration,
    /// Whether there is a terminal that shows what is asked.
    pub terminal: bool,
}

impl Operator {
    pub(super) fn ask(self, prompt: &str) -> Result<(), Failure> {
        if !self.terminal {
            return Err(Code::NoTerminal.because(format!(
                "nobody can be told: \"{prompt}\" There is no terminal; name a program with \
                 --fresh-card-command"
            )));
        }
        // On a line of its own: the progress of the run stands on the last one.
        eprintln!("\n{prompt} (within {} s)", self.patience.as_secs());
        Ok(())
    }
}

/// A program to be run anew for each card.
pub struct Program {
    command: Box<dyn Fn(u64) -> Command>,
    holder: PathBuf,
}

impl Program {
    /// Puts a card in. It leaves when what is returned is dropped.
    ///
    /// # Errors
    /// When the program can't be run.
    pub fn insert(&self, seed: u64) -> Result<Held, Failure> {
        Held::start(&self.holder, &(self.command)(seed))
    }
}

impl FreshCards {
    /// A command line, run by `sh` as it is written, with the card's seed in `TILLCARD_SEED`. It
    /// and all that it started get SIGTERM when the card is to leave.
    #[must_use]
    pub fn shell(line: &str, holder: PathBuf) -> Self {
        let line = line.to_owned();
        let command = move |seed: u64| {
            let mut command = Command::new("sh");
            command
                .arg("-c")
                .arg(&line)
                .env("TILLCARD_SEED", seed.to_string());
            command
        };
        Self::Program(Program {
            command: Box::new(command),
            holder,
        })
    }

    /// `tillcard-emu --ephemeral --seed N` for a virtual reader.
    #[must_use]
    pub fn emulator(program: PathBuf, reader: &CStr, holder: PathBuf) -> Self {
        let port = vpcd_port(&reader.to_string_lossy());
        let command = move |seed: u64| {
            let mut command = Command::new(&program);
            command.args(["--ephemeral", "--seed", &seed.to_string()]);
            command.args(["--vpcd", &format!("127.0.0.1:{port}")]);
            command
        };
        Self::Emulator(Program {
            command: Box::new(command),
            holder,
        })
    }

    /// Whether the cards are those of the suite's own emulator, so that using them up costs
    /// nothing.
    #[must_use]
    pub const fn is_own_emulator(&self) -> bool {
        matches!(self, Self::Emulator(_))
    }
}

/// A program with this name in the folder of the running one, or in the folder above (where
/// Cargo puts programs, seen from a test).
///
/// # Errors
/// When there is none.
pub fn beside_this_program(name: &str) -> Result<PathBuf, Failure> {
    let here = std::env::current_exe()
        .map_err(|e| Code::NoEmulator.because(format!("this program's own path: {e}")))?;
    let folders = [here.parent(), here.parent().and_then(Path::parent)];
    folders
        .into_iter()
        .flatten()
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
        .ok_or_else(|| {
            Code::NoEmulator.because(format!(
                "{name} isn't beside {}; build it: cargo build -p tillcard-emu",
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
    FIRST_VPCD_PORT.saturating_add(slot.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::{Operator, vpcd_port};
    use crate::failure::Code;
    use std::time::Duration;

    #[test]
    fn the_port_follows_the_slot() {
        assert_eq!(vpcd_port("Virtual PCD 00 00"), 35_963);
        assert_eq!(vpcd_port("Virtual PCD 00 01"), 35_964);
    }

    #[test]
    fn nobody_is_asked_where_nobody_sees_it() {
        let operator = Operator {
            patience: Duration::from_secs(1),
            terminal: false,
        };
        let refused = operator
            .ask("Take the card out of the reader.")
            .unwrap_err();
        assert_eq!(refused.code, Code::NoTerminal);
    }
}
