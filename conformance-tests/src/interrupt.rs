//! Ctrl-C and SIGTERM.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::{io, thread};

/// Exit codes of programs that a signal ended begin here, as shells have it.
const SIGNALLED: i32 = 128;

/// A signal that ends a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interruption(i32);

impl Interruption {
    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            SIGINT => "SIGINT (Ctrl-C)",
            _ => "SIGTERM",
        }
    }

    /// The exit code of a program that it ended.
    #[must_use]
    pub const fn exit_code(self) -> i32 {
        SIGNALLED + self.0
    }
}

/// When one of the signals comes, calls this, in a thread of its own. Neither signal ends the
/// program any more.
///
/// # Errors
/// When the signals can't be caught.
pub fn on_interruption(mut then: impl FnMut(Interruption) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        for signal in signals.forever() {
            then(Interruption(signal));
        }
    });
    Ok(())
}
