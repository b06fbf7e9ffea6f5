//! `tillcard owner block`.

use super::Home;
use super::interrupt::say_on_interrupt;
use crate::cli::output::{line, with_progress};
use crate::cli::{Failure, arguments};
use tillcard::chain::{Chain, ChainError, FeeRate, Reach};
use tillcard::owner::SweepOptions;
use tillcard::text::sat;

/// Blocks within which a sweep should confirm, for the fee estimate: whoever has the card may be
/// in a hurry too.
const CONFIRMATION_TARGET: u16 = 1;

/// Takes a lost card's coins back.
#[derive(clap::Args)]
pub(in crate::cli) struct Block {
    #[command(flatten)]
    home: Home,
    /// The card's number [default: the only card]
    #[arg(long, value_name = "NUMBER")]
    card: Option<u32>,
    /// Fee rate in sat/vB [default: the node's estimate for the next block]
    #[arg(long, value_name = "RATE", value_parser = arguments::fee_rate)]
    fee_rate: Option<FeeRate>,
    /// Outbid payments of the card that aren't in a block yet: a thief's, or a shop's that trusted
    /// you
    #[arg(long)]
    replace_unconfirmed: bool,
}

impl Block {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (mut owner, chain) = self.home.open()?;
        let number = owner.choose_card(self.card)?.number;
        let fee_rate = match self.fee_rate {
            Some(rate) => rate,
            None => chain.fee_rate(CONFIRMATION_TARGET)?,
        };
        let options = SweepOptions {
            fee_rate,
            replace_unconfirmed: self.replace_unconfirmed,
        };
        say_on_interrupt(
            "Ended. The sweep may be sent or not: run tillcard owner block again, which \
             takes what is left.",
        )?;
        let sweep = with_progress(|progress| owner.block(&chain, number, options, progress))?;
        line(format_args!("Card {number} is blocked."));
        for transaction in &sweep.transactions {
            let amount = transaction.output.iter().map(|output| output.value).sum();
            line(format_args!(
                "{} come back to your wallet in {}",
                sat(amount),
                transaction.compute_txid()
            ));
        }
        for txid in &sweep.pending {
            line(format_args!("An earlier sweep waits for its block: {txid}"));
        }
        for coin in &sweep.too_young {
            let delay = u32::from(owner.card(number)?.account.leaf().delay());
            let when = match coin.height {
                Some(height) => format!("when block {} is there", height + delay - 1),
                None => format!("when it is {delay} blocks deep"),
            };
            line(format_args!(
                "Too young: {}, {}: run this command again, {when}",
                coin.outpoint,
                sat(coin.output.value)
            ));
        }
        for coin in &sweep.left_behind {
            line(format_args!(
                "Left behind: {}, {}: worth less than moving it costs, or being spent",
                coin.outpoint,
                sat(coin.output.value)
            ));
        }
        let is_empty = sweep.transactions.is_empty()
            && sweep.pending.is_empty()
            && sweep.too_young.is_empty()
            && sweep.left_behind.is_empty();
        match sweep.reach {
            Reach::Complete if is_empty => line("It had no coins to take back."),
            Reach::Complete => {}
            Reach::Behind(progress) => {
                line("Whether it has other coins isn't known: run this command again.");
                return Err(ChainError::Behind(progress).into());
            }
        }
        Ok(())
    }
}
