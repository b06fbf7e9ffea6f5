//! The story of a carton of milk, played on real parts.
//!
//! The card is the emulator, a process of its own, in a virtual PC/SC reader; the till is a process
//! of its own; the chain is Bitcoin Core's own validation engine, embedded here and served to the
//! till on loopback. Everything lives in a temporary folder and ends with the story.

mod child;
mod emulator;
mod failure;
mod findings;
mod narrator;
mod stage;
mod story;
mod till;

use crate::cli::failure::Failure;
use narrator::Narrator;
use stage::Stage;

/// Plays the story: a card is issued, filled, pays for milk, is lost and blocked.
#[derive(clap::Args)]
pub struct Demo {
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long)]
    json: bool,
}

impl Demo {
    /// Plays it.
    ///
    /// # Errors
    /// When a step didn't go as told. It has been told by then.
    pub fn run(self) -> Result<(), Failure> {
        let mut narrator = Narrator::new(self.json);
        let outcome = Stage::set().and_then(|stage| story::play(&stage, &mut narrator));
        if narrator.end(outcome) {
            Ok(())
        } else {
            Err(Failure::told())
        }
    }
}
