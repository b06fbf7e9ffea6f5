//! `tillcard owner acknowledge`.

use tillcard::chain::Chain;
use tillcard::owner::PaymentStatus;
use tillcard::text::counted;

use super::log::show;
use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::chain::warn_if_behind;
use crate::cli::output::{line, with_progress};

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
            mut visit,
        } = self.visit.open()?;
        warn_if_behind(chain.reach()?);
        let log = with_progress(|progress| visit.log(&chain, progress))?;
        for (payment, status) in log.unread() {
            show(payment, status, owner.network());
        }
        let told = visit.acknowledge(&log, self.confirmations)?;
        visit.close()?;
        line(format_args!(
            "You have read {}. The card forgets {} as settled, and keeps {}.",
            counted(told.new, "new payment"),
            counted(told.forgotten, "payment"),
            told.kept
        ));
        if log.statuses.contains(&PaymentStatus::NotSent) {
            line(
                "A payment that was never sent may still be: should the shop have given nothing for \
                 it, cancel it with tillcard owner cancel.",
            );
        }
        Ok(())
    }
}
