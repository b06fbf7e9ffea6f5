//! When a program loses its power in the middle of what it does.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

const NEVER: u32 = u32::MAX;

/// What unwinds through a program that lost its power: nothing of it goes on.
struct PowerLost;

/// Burns down with each of a program's exchanges with card and chain; at its end the program is dead.
#[derive(Clone)]
pub struct Fuse(Arc<State>);

struct State {
    left: AtomicU32,
    is_stuck: AtomicBool,
}

impl Fuse {
    /// One that never burns down.
    pub fn new() -> Self {
        Self(Arc::new(State {
            left: AtomicU32::new(NEVER),
            is_stuck: AtomicBool::new(false),
        }))
    }

    /// The program dies before so many exchanges more are done; never without a number.
    pub fn set(&self, exchanges: Option<u32>) {
        let left = exchanges.unwrap_or(NEVER);
        self.0.left.store(left, Ordering::Relaxed);
    }

    /// An exchange.
    pub fn burn(&self) {
        match self.0.left.load(Ordering::Relaxed) {
            NEVER => {}
            0 => resume_unwind(Box::new(PowerLost)),
            left => self.0.left.store(left - 1, Ordering::Relaxed),
        }
    }

    /// The program goes round in circles: it is ended, and that is remembered.
    pub fn end_stuck(&self) -> ! {
        self.0.is_stuck.store(true, Ordering::Relaxed);
        resume_unwind(Box::new(PowerLost))
    }

    /// Whether a program had to be ended so.
    pub fn was_stuck(&self) -> bool {
        self.0.is_stuck.load(Ordering::Relaxed)
    }

    /// Runs a program until its end or the fuse's; none when it lost its power.
    pub fn run<R>(&self, program: impl FnOnce() -> R) -> Option<R> {
        let ended = catch_unwind(AssertUnwindSafe(program));
        self.set(None);
        match ended {
            Ok(result) => Some(result),
            Err(lost) if lost.is::<PowerLost>() => None,
            Err(panic) => resume_unwind(panic),
        }
    }
}

impl Default for Fuse {
    fn default() -> Self {
        Self::new()
    }
}
