//! The programs of the story as processes: the emulator, and the till.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::tear::Tear;
use crate::cli_support::User;
use crate::reader_support::{DEADLINE, slot};

/// An emulator of a card that is kept in a folder.
pub(crate) struct Emulator(Child);

impl Emulator {
    /// Puts the card into the reader.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::at(folder, slot(0).port())
    }

    /// Puts the card into a slot that it is torn out of.
    pub(crate) fn start_in(tear: &Tear, folder: &Path) -> Self {
        Self::at(folder, tear.port())
    }

    fn at(folder: &Path, port: u16) -> Self {
        let emulator = Command::new(program())
            .arg("--data")
            .arg(folder)
            .args(["--vpcd", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Self(emulator.expect("an emulator"))
    }

    /// `kill -9`, and waits until the process is gone.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A test that fails leaves the slot to the next one.
impl Drop for Emulator {
    fn drop(&mut self) {
        self.end();
    }
}

fn program() -> PathBuf {
    let folder = env::var_os("TILLCARD_BIN_DIR").map(PathBuf::from).expect(
        "TILLCARD_BIN_DIR must name the folder with tillcard-emu; `make test` builds it and sets it",
    );
    folder.join("tillcard-emu")
}

/// The till's program at work.
pub(crate) struct TillProcess {
    child: Child,
    lines: Receiver<String>,
    told: Vec<String>,
}

impl TillProcess {
    /// Starts it; this is all that is typed.
    pub(crate) fn start(user: &User, arguments: &[&str], typed: &str) -> Self {
        let mut child = user
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a till");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin
            .write_all(typed.as_bytes())
            .expect("a till that reads");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            child,
            lines,
            told: Vec::new(),
        }
    }

    /// Waits for a line that begins so.
    #[track_caller]
    pub(crate) fn until(&mut self, beginning: &str) {
        loop {
            let Ok(line) = self.lines.recv_timeout(DEADLINE) else {
                panic!("the till never said “{beginning}”, but: {:#?}", self.told);
            };
            let found = line.starts_with(beginning);
            self.told.push(line);
            if found {
                return;
            }
        }
    }

    /// `kill -9`, as when its power fails.
    pub(crate) fn kill(mut self) {
        self.stop();
    }

    /// Waits for its end, which must be that of a payment. Returns all that it said.
    #[track_caller]
    pub(crate) fn settled(mut self) -> Vec<String> {
        self.until("settled");
        let status = self.child.wait().expect("its end");
        assert!(status.success(), "{status}: {:#?}", self.told);
        std::mem::take(&mut self.told)
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for TillProcess {
    fn drop(&mut self) {
        self.stop();
    }
}
