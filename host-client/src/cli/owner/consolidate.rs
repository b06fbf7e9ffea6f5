//! `tillcard owner consolidate`.

use tillcard::chain::{Chain, FeeRate};
use tillcard::text::sat;

use super::interrupt::say_on_interrupt;
use super::visit::{Visit, Visited};
use crate::cli::output::{line, with_progress};
use crate::cli::{Failure, arguments};

/// Blocks within which a consolidation should confirm, for the fee estimate: it can wait.
const CONFIRMATION_TARGET: u16 = 36;

/// Moves the card's many coins into one.
#[derive(clap::Args)]
pub(in crate::cli) struct Consolidate {
    /// Fee rate in sat/vB [default: the node's estimate for six hours]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    #[command(flatten)]
    visit: Visit,
}

impl Consolidate {
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
            "Ended. If the card has signed, the coins may be on their way or not: \
             tillcard owner coins tells; tillcard owner topup, without --amount, sends \
             what is written down.",
        )?;
        let number = visit.record.number;
        let sent = with_progress(|progress| owner.consolidate(visit, fee_rate, &chain, progress))?;
        line(format_args!(
            "{} coins become one of {}, for a fee of {}, in {}.",
            sent.coins,
            sat(sent.transaction.output[0].value),
            sat(sent.fee),
            sent.transaction.compute_txid()
        ));
        line(format_args!(
            "When it is in a block, tell the card: tillcard owner topup --card {number}"
        ));
        Ok(())
    }
}
