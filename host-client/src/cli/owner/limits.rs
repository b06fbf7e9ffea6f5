//! `tillcard owner limits`.

use bitcoin::Amount;

use super::limit_flags::LimitFlags;
use super::visit::{Visit, Visited, at_home};
use crate::card;
use crate::cli::Failure;
use crate::cli::output::line;
use crate::owner;
use crate::text::{counted, sat};

/// Shows what the card allows shops and how much of it is used, or sets it anew.
#[derive(clap::Args)]
pub(in crate::cli) struct Limits {
    #[command(flatten)]
    visit: Visit,
    #[command(flatten)]
    limits: LimitFlags,
    /// Begin to count anew, though no limit changes
    #[arg(long)]
    renew: bool,
}

impl Limits {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            mut owner,
            record,
            session,
            ..
        } = self.visit.open()?;
        // The card told them when it was met.
        let before = record.limits.unwrap_or(owner::Limits::DEFAULT);
        let limits = self.limits.over(&before)?;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let refused = at_home(record.number);
        let header = card.read_coins().map_err(&refused)?.header;
        if self.limits.is_empty() && !self.renew {
            card.close()?;
            line("The card says that it allows shops:");
            line(limits);
            line(format_args!(
                "Used since they were set: {} in {}, {} of them without PIN.",
                sat(Amount::from_sat(header.debited)),
                counted(header.payments, "payment"),
                header.payments_without_pin
            ));
            return Ok(());
        }
        let unread = header.next_number - header.first_unacknowledged;
        if unread > 0 {
            return Err(Failure::new(format!(
                "{} new to you: read the card's log with tillcard owner acknowledge, then set the \
                 limits",
                match unread {
                    1 => "a payment is".to_owned(),
                    many => format!("{many} payments are"),
                }
            )));
        }
        card.set_limits(card::Limits::from(&limits))
            .map_err(&refused)?;
        owner.note_limits(record.number, limits)?;
        card.close()?;
        line("The card now allows shops:");
        line(limits);
        line("It counts from zero.");
        Ok(())
    }
}
