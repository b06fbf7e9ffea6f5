//! `tillcard owner pin`.

use tillcard_client::card::tries;

use super::new_pin::ask_new_pin;
use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::output::line;

/// Gives the card a new PIN, and unblocks it.
#[derive(clap::Args)]
pub(in crate::cli) struct Pin {
    #[command(flatten)]
    visit: Visit,
    /// Keep the PIN that the card has: unblock it only
    #[arg(long)]
    keep: bool,
}

impl Pin {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited { mut visit, .. } = self.visit.open()?;
        let was_blocked = visit.tries_left() == 0;
        if self.keep {
            visit.unblock_pin()?;
        } else {
            visit.set_pin(&ask_new_pin()?)?;
        }
        let number = visit.record.number;
        let tries = tries(visit.tries_left());
        visit.close()?;
        line(match self.keep {
            true => format!("Card {number} has the PIN that it had."),
            false => format!("Card {number} has its new PIN; the old one is no good any more."),
        });
        line(match was_blocked {
            true => format!("It isn't blocked any more: {tries}."),
            false => format!("It has {tries}."),
        });
        Ok(())
    }
}
