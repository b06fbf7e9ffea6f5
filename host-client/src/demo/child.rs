//! Processes that the demonstration starts, hears, and ends.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::failure::DemoError;

/// Time within which a process of the story says its next line, or ends. All of them answer within
/// a second; a machine under load may be slower.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process, shared with whoever ends the demonstration early.
#[derive(Clone)]
pub(super) struct Handle(Arc<Mutex<Child>>);

impl Handle {
    fn lock(&self) -> MutexGuard<'_, Child> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it at once, if it hasn't ended, and waits for its end.
    pub(super) fn kill(&self) {
        let mut child = self.lock();
        // Both fail only when there is nothing left to do.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// What a process says: its lines on standard output and standard error, in their order.
pub(super) enum Line {
    Out(String),
    Err(String),
}

/// A process of the story.
pub(super) struct Player {
    name: &'static str,
    handle: Handle,
    stdin: Option<ChildStdin>,
    lines: Receiver<Line>,
    /// All that it said.
    said: Vec<u8>,
}

impl Player {
    /// Starts `command`, with pipes to it.
    pub(super) fn start(name: &'static str, command: &mut Command) -> Result<Self, DemoError> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| DemoError::new(format!("{name} can't be started: {error}")))?;
        let stdin = child.stdin.take();
        let (sender, lines) = channel();
        let out = child.stdout.take().map(|out| (out, sender.clone()));
        let err = child.stderr.take().map(|err| (err, sender));
        let handle = Handle(Arc::new(Mutex::new(child)));
        if let Some((out, sender)) = out {
            forward(out, move |line| sender.send(Line::Out(line)).is_ok());
        }
        if let Some((err, sender)) = err {
            forward(err, move |line| sender.send(Line::Err(line)).is_ok());
        }
        Ok(Self {
            name,
            handle,
            stdin,
            lines,
            said: Vec::new(),
        })
    }

    /// What it takes to end it.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(super) fn pid(&self) -> u32 {
        self.handle.lock().id()
    }

    /// Its standard input.
    pub(super) fn stdin(&mut self) -> Result<&mut ChildStdin, DemoError> {
        let name = self.name;
        self.stdin
            .as_mut()
            .ok_or_else(|| DemoError::new(format!("{name} doesn't listen")))
    }

    /// Its next line; `None` when it has said all that it will.
    pub(super) fn next_line(&mut self) -> Result<Option<Line>, DemoError> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                let (Line::Out(text) | Line::Err(text)) = &line;
                self.said.extend_from_slice(text.as_bytes());
                self.said.push(b'\n');
                Ok(Some(line))
            }
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(DemoError::new(format!(
                "{} has said nothing for {} seconds",
                self.name,
                PATIENCE.as_secs()
            ))),
        }
    }

    /// Asks it to end, as Ctrl-C does.
    pub(super) fn interrupt(&self) -> Result<(), DemoError> {
        let mut child = self.handle.lock();
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let (None, Some(pid)) = (child.try_wait()?, pid) {
            kill_process(pid, Signal::INT)?;
        }
        Ok(())
    }

    /// Waits for its end: the remaining lines, then the status.
    pub(super) fn finish(mut self) -> Result<(ExitStatus, Vec<u8>), DemoError> {
        drop(self.stdin.take());
        while self.next_line()?.is_some() {}
        let status = self.handle.lock().wait()?;
        Ok((status, std::mem::take(&mut self.said)))
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.handle.kill();
    }
}

/// Reads lines on a thread of its own until the end, or until nobody wants them.
fn forward(from: impl Read + Send + 'static, send: impl Fn(String) -> bool + Send + 'static) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines() {
            let Ok(line) = line else { break };
            if !send(line) {
                break;
            }
        }
    });
}
