//! `tillcard owner enter`.

use tillcard::owner::CoinEntry;
use tillcard::text::sat;

use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::output::{line, with_progress};

/// Tells the card of the coins that the chain has for it: those that it hasn't heard of, and those
/// that it doubts or got from a shop.
#[derive(clap::Args)]
pub(in crate::cli) struct Enter {
    #[command(flatten)]
    visit: Visit,
}

impl Enter {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            mut owner,
            chain,
            mut visit,
        } = self.visit.open()?;
        let taken = with_progress(|progress| {
            owner.enter_coins(&mut visit, &chain, progress, &mut |coin, entry| {
                let outpoint = coin.outpoint;
                match entry {
                    CoinEntry::Taken(amount) => line(format_args!(
                        "The card has taken {outpoint} ({}).",
                        sat(*amount)
                    )),
                    CoinEntry::AddressUsed => line(format_args!(
                        "{outpoint} ({}): the card says that it has used the address before, so that \
                         it doesn't spend it in shops. Take it along with tillcard owner consolidate.",
                        sat(coin.output.value)
                    )),
                    CoinEntry::Refused(reason) => line(format_args!("{outpoint}: {reason}")),
                    CoinEntry::Unconfirmed => line(format_args!(
                        "{outpoint} isn't in a block yet: wait for that."
                    )),
                }
            })
        })?;
        visit.close()?;
        if taken == 0 {
            line("There was nothing new for the card.");
        }
        Ok(())
    }
}
