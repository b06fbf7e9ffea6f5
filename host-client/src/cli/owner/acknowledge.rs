//! `tillcard owner acknowledge`.

use super::log::show;
use super::visit::{Visit, Visited, at_home, look_up};
use crate::cli::Failure;
use crate::cli::output::line;
use crate::owner::{Fate, History};
use crate::text::counted;

/// Reads the card's log and tells the card that its owner has: new payments get room, and new
/// limits can be set.
#[derive(clap::Args)]
pub(in crate::cli) struct Acknowledge {
    #[command(flatten)]
    visit: Visit,
    /// Blocks that must bury a payment before the card may forget it
    #[arg(long, value_name = "BLOCKS", default_value_t = 6)]
    confirmations: u32,
}

impl Acknowledge {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            owner,
            chain,
            record,
            session,
        } = self.visit.open()?;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let refused = at_home(record.number);
        let history = History::read(&mut card).map_err(&refused)?;
        let header = history.contents.header;
        let fates = look_up(&history, &record, &chain)?;
        for (payment, fate) in history.payments.iter().zip(&fates) {
            if payment.number >= header.first_unacknowledged {
                show(payment, fate, owner.network());
            }
        }
        let settled = history.settled(&fates, self.confirmations.max(1));
        card.acknowledge(header.next_number, settled)
            .map_err(&refused)?;
        card.close()?;
        let new = header.next_number - header.first_unacknowledged;
        line(format_args!(
            "You have read {}. The card forgets {} as settled, and keeps {}.",
            counted(new, "new payment"),
            counted(settled - header.first_kept, "payment"),
            header.next_number - settled
        ));
        if fates.contains(&Fate::NotSent) {
            line(
                "A payment that was never sent may still be: should the shop have given nothing for \
                 it, cancel it with tillcard owner cancel.",
            );
        }
        Ok(())
    }
}
