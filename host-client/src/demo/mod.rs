//! The story of a carton of milk, played on real parts.
//!
//! The card is the emulator, a process of its own, in a PC/SC reader of its own or in pcscd's virtual
//! one; the till is a process
//! of its own; the chain is Bitcoin Core's own validation engine, embedded here and served to the
//! till on loopback. Everything lives in a temporary folder and ends with the story.

mod child;
mod emulator;
mod failure;
mod findings;
mod narrator;
mod reader;
mod stage;
mod story;
mod till;

use std::path::PathBuf;

use crate::cli::failure::Failure;
use narrator::Narrator;
use reader::ReaderKind;
use stage::Stage;

/// Plays the story: a card is issued, filled, pays for milk, is lost and blocked.
#[derive(clap::Args)]
pub struct Demo {
    /// Print one JSON object, and nothing else, on standard output
    #[arg(long)]
    json: bool,
    /// Use the virtual reader of pcscd, in the place of one of the emulator's own
    #[arg(long)]
    pcscd: bool,
    /// Where the emulator's own reader is, when this program was started anew to see it
    #[arg(long, hide = true, conflicts_with = "pcscd")]
    socket: Option<PathBuf>,
}

impl Demo {
    /// Plays it.
    ///
    /// # Errors
    /// When a step didn't go as told. It has been told by then.
    pub fn run(self) -> Result<(), Failure> {
        let mut narrator = Narrator::new(self.json);
        let outcome = ReaderKind::choose(self.pcscd, self.socket)
            .and_then(Stage::set)
            .and_then(|stage| story::play(&stage, &mut narrator));
        if narrator.end(outcome) {
            Ok(())
        } else {
            Err(Failure::told())
        }
    }
}
