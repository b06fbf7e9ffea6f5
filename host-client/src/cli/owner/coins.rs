//! `tillcard owner coins`.

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, Txid};

use super::visit::{Visit, Visited, at_home};
use crate::card::ImageCoin;
use crate::chain::{Chain, OutputState};
use crate::cli::Failure;
use crate::cli::output::{ChainProgress, line};
use crate::text::{counted, sat};

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
            record,
            session,
        } = self.visit.open()?;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let contents = card.read_coins().map_err(at_home(record.number))?;
        card.close()?;
        let mut free = Amount::ZERO;
        for coin in &contents.coins {
            let state = chain.output(&outpoint(coin))?;
            if coin.spent_by.is_none() && matches!(state, OutputState::Unspent { .. }) {
                free += Amount::from_sat(coin.amount);
            }
            show(coin, &state);
        }
        line(format_args!(
            "{} to be spent; the card knows {}.",
            sat(free),
            counted(contents.coins.len(), "coin")
        ));
        let mut progress = ChainProgress::default();
        let view = owner.card_coins(&chain, record.number, &mut |height, tip| {
            progress.show(height, tip)
        })?;
        drop(progress);
        let unknown = |outpoint| contents.coin(outpoint).is_none();
        let mut lacking = 0;
        for coin in view.coins.iter().filter(|coin| unknown(&coin.outpoint)) {
            lacking += 1;
            line(format_args!(
                "{:>16}  {}  the card hasn't heard of it",
                sat(coin.output.value),
                coin.outpoint
            ));
        }
        if lacking > 0 {
            line("Tell the card of these with tillcard owner enter.");
        }
        Ok(())
    }
}

fn outpoint(coin: &ImageCoin) -> OutPoint {
    OutPoint::new(
        Txid::from_byte_array(coin.outpoint.txid),
        coin.outpoint.vout,
    )
}

fn show(coin: &ImageCoin, state: &OutputState) {
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
    line(format_args!(
        "{:>16}  {}  {words}",
        sat(Amount::from_sat(coin.amount)),
        outpoint(coin)
    ));
}
