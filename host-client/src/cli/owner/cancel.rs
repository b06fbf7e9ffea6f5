//! `tillcard owner cancel` and `tillcard owner resolve`.

use tillcard::chain::{Chain, FeeRate};
use tillcard::text::sat;

use super::interrupt::say_on_interrupt;
use super::visit::{Visit, Visited};
use crate::cli::output::{line, with_progress};
use crate::cli::{Failure, arguments};

/// Blocks within which a cancellation should confirm, for the fee estimate: it races the payment.
const CONFIRMATION_TARGET: u16 = 1;

/// Takes a payment back that isn't in a block: its coins go to your wallet, for a higher fee.
#[derive(clap::Args)]
pub(in crate::cli) struct Cancel {
    /// The payment's number in the card's log
    number: u32,
    /// Fee rate in sat/vB, at least [default: the node's estimate for the next block]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    #[command(flatten)]
    visit: Visit,
}

impl Cancel {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            mut owner,
            chain,
            visit,
        } = self.visit.open()?;
        let fee_rate = match self.fee_rate {
            Some(rate) => rate,
            None => chain.fee_rate(CONFIRMATION_TARGET)?,
        };
        say_on_interrupt(
            "Ended. If the card has signed, the cancellation may be sent or not: \
             tillcard owner log says which of the two the network has; run this command \
             again.",
        )?;
        let number = self.number;
        let sent =
            with_progress(|progress| owner.cancel(visit, number, fee_rate, &chain, progress))?;
        line(format_args!(
            "Sent {}, which takes the coins of payment {number} home for a fee of {}. Whichever of \
             the two comes into a block first stands.",
            sent.transaction.compute_txid(),
            sat(sent.fee)
        ));
        line(format_args!(
            "When it is in a block: tillcard owner resolve {number}"
        ));
        Ok(())
    }
}

/// Tells the card that a payment never will be, because another transaction with its coins is in a
/// block.
#[derive(clap::Args)]
pub(in crate::cli) struct Resolve {
    /// The payment's number in the card's log
    number: u32,
    /// Blocks that must bury that transaction
    #[arg(long, value_name = "BLOCKS", default_value_t = 6)]
    confirmations: u32,
    #[command(flatten)]
    visit: Visit,
}

impl Resolve {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            chain, mut visit, ..
        } = self.visit.open()?;
        let log = with_progress(|progress| visit.log(&chain, progress))?;
        visit.resolve(&log, self.number, self.confirmations)?;
        visit.close()?;
        line(format_args!(
            "The card knows now that payment {} never will be: its limits have it back.",
            self.number
        ));
        Ok(())
    }
}
