//! `tillcard owner pin`.

use super::new_pin::ask_new_pin;
use super::visit::{Visit, Visited};
use crate::card::{CardError, tries};
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
        let Visited {
            owner,
            record,
            session,
            ..
        } = self.visit.open()?;
        let was_blocked = session.tries_left() == 0;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        if self.keep {
            card.unblock_pin()?;
        } else {
            let pin = ask_new_pin()?;
            card.set_pin(&pin).map_err(not_set)?;
        }
        let session = card.leave();
        let tries = tries(session.tries_left());
        session.close()?;
        let number = record.number;
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

/// Why the new PIN isn't the card's, as far as that is known.
fn not_set(error: CardError) -> Failure {
    match error {
        CardError::Refused { .. } => error.into(),
        _ => Failure::new(format!(
            "{error}. It isn't known whether the card has the old PIN or the new one: do it again"
        )),
    }
}
