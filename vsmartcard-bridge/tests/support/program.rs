//! The program `tillcard-emu` as a process.

use std::ffi::OsStr;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;

use super::DEADLINE;
use super::driver::Driver;

pub struct Emulator {
    child: Child,
    stdout: Lines,
}

/// Standard output of the program.
type Lines = BufReader<Box<dyn Read + Send>>;

/// How an emulator ended.
pub struct Ended {
    pub status: ExitStatus,
    /// What it printed since the last line read.
    pub stdout: String,
    pub stderr: String,
}

impl Emulator {
    /// Starts the program with a home of its own.
    pub fn start<S: AsRef<OsStr>>(home: &Path, arguments: impl IntoIterator<Item = S>) -> Self {
        Self::run(&mut Self::command(home, arguments))
    }

    /// The program with a home of its own.
    pub fn command<S: AsRef<OsStr>>(
        home: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tillcard-emu"));
        command
            .env("HOME", home)
            .env_remove("XDG_DATA_HOME")
            .env_remove("TILLCARD_LOG")
            .args(arguments);
        command
    }

    /// Starts the program with its card in a test's reader.
    pub fn in_reader(home: &Path, reader: &Driver, arguments: &[&str]) -> Self {
        let address = format!("127.0.0.1:{}", reader.port());
        Self::start(home, ["--vpcd", &address].iter().chain(arguments))
    }

    pub fn run(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(Box::new(child.stdout.take().unwrap()) as _);
        Self { child, stdout }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line on standard output, which must come.
    pub fn line(&mut self) -> String {
        self.line_or_end().expect("a line")
    }

    /// The next line on standard output, without its end; none when the program closed it.
    pub fn line_or_end(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.stdout.read_line(&mut line).unwrap();
        (length > 0).then(|| line.trim_end().into())
    }

    /// The next line on standard error, without its end.
    pub fn error_line(&mut self) -> String {
        let mut line = Vec::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        let mut byte = [0];
        while stderr.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    /// What a program that ended has left on standard error.
    pub fn errors(&mut self) -> String {
        let mut errors = String::new();
        if self.child.try_wait().unwrap().is_some() {
            self.child
                .stderr
                .as_mut()
                .unwrap()
                .read_to_string(&mut errors)
                .unwrap();
        }
        errors
    }

    /// Sends a signal, named as `kill` names it.
    pub fn signal(&self, name: &str) {
        let script = format!("kill -{name} {}", self.id());
        assert!(
            Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the end of the program, which closes its standard output.
    pub fn end(mut self) -> Ended {
        let stdout = std::mem::replace(&mut self.stdout, BufReader::new(Box::new(io::empty())));
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(io::read_to_string(stdout)));
        let stdout = told
            .recv_timeout(DEADLINE)
            .expect("the program ends")
            .unwrap();
        let stderr = io::read_to_string(self.child.stderr.take().unwrap()).unwrap();
        Ended {
            status: self.child.wait().unwrap(),
            stdout,
            stderr,
        }
    }

    /// `kill -9`, and waits until the process is gone.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A test that fails leaves no process behind.
impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
