//! Lines for persons, and for programs.

use std::io::{self, IsTerminal, Write};

use tillcard::owner::Progress;

/// Prints a line at once. That nobody reads it any more is no reason to stop half-way.
pub(super) fn line(text: impl std::fmt::Display) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Runs a task that reads the chain, and shows on a terminal how far it is; elsewhere nothing.
pub(super) fn with_progress<R>(task: impl FnOnce(&mut Progress<'_>) -> R) -> R {
    let mut progress = ChainProgress::default();
    task(&mut |height, tip| progress.show(height, tip))
}

/// Shows on a terminal how far the chain was read; elsewhere nothing.
#[derive(Default)]
struct ChainProgress {
    shown: bool,
}

impl ChainProgress {
    /// Blocks between two updates.
    const STEP: u32 = 100;

    fn show(&mut self, height: u32, tip: u32) {
        if !io::stderr().is_terminal() || (!height.is_multiple_of(Self::STEP) && height != tip) {
            return;
        }
        self.shown = true;
        eprint!("\rreading the chain: {height} of {tip}");
    }
}

impl Drop for ChainProgress {
    fn drop(&mut self) {
        if self.shown {
            eprint!("\r\x1b[K");
        }
    }
}
