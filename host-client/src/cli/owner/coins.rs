//! `tillcard owner coins`.

use bitcoin::Amount;
use tillcard::chain::{OutputState, Reach};
use tillcard::owner::{KnownCoin, PlaceUse, outpoint};
use tillcard::text::{counted, sat};

use super::visit::{Visit, Visited};
use crate::cli::Failure;
use crate::cli::chain::warn_if_behind;
use crate::cli::output::{line, with_progress};

/// Shows the card's coins as it knows them, beside what the chain knows.
#[derive(clap::Args)]
pub(in crate::cli) struct Coins {
    #[command(flatten)]
    visit: Visit,
}

impl Coins {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Visited {
            owner,
            chain,
            visit,
        } = self.visit.open()?;
        let coins = with_progress(|progress| owner.compare_coins(visit, &chain, progress))?;
        warn_if_behind(coins.reach);
        for known in &coins.known {
            show(known, coins.reach);
        }
        line(format_args!(
            "{} to be spent; the card knows {}.",
            sat(coins.spendable()),
            counted(coins.known.len(), "coin")
        ));
        if coins.for_signing() > Amount::ZERO {
            line(format_args!(
                "{} are for SIGN only, not for shops: take them along with tillcard owner consolidate.",
                sat(coins.for_signing())
            ));
        }
        for coin in &coins.unheard {
            line(format_args!(
                "{:>16}  {}  the card hasn't heard of it",
                sat(coin.output.value),
                coin.outpoint
            ));
        }
        if !coins.unheard.is_empty() {
            line("Tell the card of these with tillcard owner enter.");
        }
        Ok(())
    }
}

fn show(known: &KnownCoin, reach: Reach) {
    let KnownCoin { coin, state, place } = known;
    let mut words = match (coin.spent_by, state) {
        (Some(number), OutputState::Unspent { .. }) => {
            format!("spent by payment {number}, which the network doesn't have")
        }
        (Some(number), OutputState::SpentOrUnknown) => format!("spent by payment {number}"),
        (
            None,
            OutputState::Unspent {
                confirmations: 0, ..
            },
        ) => "not in a block yet".into(),
        (None, OutputState::Unspent { .. }) => "on the chain".into(),
        (None, OutputState::SpentOrUnknown) if reach != Reach::Complete => {
            "unknown to the node, which hasn't synced".into()
        }
        (None, OutputState::SpentOrUnknown) => {
            "NOT on the chain: spent elsewhere, or its transaction isn't known".into()
        }
    };
    if coin.doubtful {
        words.push_str("; doubtful: a till didn't find it");
    }
    if coin.unrooted {
        words.push_str("; unrooted: a credit that you haven't entered");
    }
    if coin.spent_by.is_none() && matches!(state, OutputState::Unspent { .. }) {
        words.push_str(match place {
            PlaceUse::InShops => "",
            PlaceUse::SignOnly => "; for SIGN only: its address was used before",
            PlaceUse::SignOnlyBySaying => {
                "; for SIGN only, as is said in the card's name without proof: its address was used \
                 before"
            }
            PlaceUse::Unknown => "; whether the card spends it in shops isn't known",
        });
    }
    line(format_args!(
        "{:>16}  {}  {words}",
        sat(Amount::from_sat(coin.amount)),
        outpoint(coin)
    ));
}
