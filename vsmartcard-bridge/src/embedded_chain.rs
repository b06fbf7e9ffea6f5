//! A private chain for as long as the emulator runs: the program `tillcard` serves it.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::failure::Failure;

/// What `--chain` says for it.
pub const NAME: &str = "embedded";

/// The program, unless another path is in this variable.
const PROGRAM: &str = "tillcard";
const PROGRAM_VARIABLE: &str = "TILLCARD";

/// A running `tillcard regtest`. It ends with this value, and when the emulator dies, since its
/// standard input closes then.
pub struct EmbeddedChain {
    node: Child,
    source: String,
    _folder: TempDir,
}

impl EmbeddedChain {
    /// Starts a new chain; it answers when this returns.
    pub fn start() -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("tillcard-chain-")
            .tempdir()
            .map_err(Failure::ChainFolder)?;
        let program = program();
        let mut node = Command::new(&program)
            .args(["regtest", "--port", "0", "--until-input-closes", "--folder"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C on a terminal is for the command that uses the chain.
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::NoChainProgram(program, error))?;
        let mut line = String::new();
        if let Some(output) = node.stdout.take() {
            // What can't be read is an empty line.
            let _ = BufReader::new(output).read_line(&mut line);
        }
        let source = line.trim_end().strip_prefix("--chain ").map(str::to_owned);
        let chain = Self {
            node,
            source: source.clone().unwrap_or_default(),
            _folder: folder,
        };
        source.map(|_| chain).ok_or(Failure::ChainEnded)
    }

    /// What goes into `TILLCARD_CHAIN`.
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Drop for EmbeddedChain {
    fn drop(&mut self) {
        // One that has ended is what is wanted.
        let _ = kill_process(Pid::from_child(&self.node), Signal::TERM);
        let _: io::Result<_> = self.node.wait();
    }
}

/// The program: as the environment says, or beside this one, or in `PATH`.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os(PROGRAM_VARIABLE) {
        return named.into();
    }
    let beside = std::env::current_exe().map(|emulator| emulator.with_file_name(PROGRAM));
    match beside {
        Ok(path) if path.is_file() => path,
        _ => PROGRAM.into(),
    }
}
