//! `tillcard owner enter`.

use bitcoin::Transaction;

use super::visit::{Visit, Visited, at_home};
use crate::chain::{Chain, CoreRpc};
use crate::cli::Failure;
use crate::cli::output::{ChainProgress, line};
use crate::owner::CardCoin;
use crate::text::sat;

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
            record,
            session,
        } = self.visit.open()?;
        let authority = owner.authority(&record)?;
        let mut card = session.as_owner(&authority);
        let refused = at_home(record.number);
        let contents = card.read_coins().map_err(&refused)?;
        let mut progress = ChainProgress::default();
        let view = owner.card_coins(&chain, record.number, &mut |height, tip| {
            progress.show(height, tip)
        })?;
        drop(progress);
        let mut coins = view.coins;
        coins.retain(|coin| {
            let known = contents.coin(&coin.outpoint);
            coin.spent_by.is_none()
                && known.is_none_or(|known| {
                    known.spent_by.is_none() && (known.doubtful || known.unrooted)
                })
        });
        // The card counts on from the highest that it has.
        coins.sort_by_key(|coin| (coin.chain, coin.index));
        let mut entered = 0;
        for coin in &coins {
            let Some(transaction) = transaction_of(coin, &chain)? else {
                continue;
            };
            match card.enter_coin(&transaction, coin.outpoint.vout, coin.chain, coin.index) {
                Ok(amount) => {
                    entered += 1;
                    line(format_args!(
                        "The card has taken {} ({}).",
                        coin.outpoint,
                        sat(amount)
                    ));
                    owner.mark_entered(record.number, &coin.outpoint.txid)?;
                }
                Err(error) if error.status() == Some(0x940F) => line(format_args!(
                    "{} ({}) was paid to an address that the card has used before: it doesn't spend \
                     it in shops. Take it along with tillcard owner consolidate.",
                    coin.outpoint,
                    sat(coin.output.value)
                )),
                Err(error) if error.status().is_some_and(|status| status != 0x6982) => {
                    line(format_args!("{}: {error}", coin.outpoint));
                }
                Err(error) => return Err(refused(error)),
            }
        }
        card.close()?;
        if entered == 0 {
            line("There was nothing new for the card.");
        }
        Ok(())
    }
}

/// The transaction that made a coin, which is in a block; none while it isn't: it may never be.
fn transaction_of(coin: &CardCoin, chain: &CoreRpc) -> Result<Option<Transaction>, Failure> {
    let Some(height) = coin.height else {
        line(format_args!(
            "{} isn't in a block yet: wait for that.",
            coin.outpoint
        ));
        return Ok(None);
    };
    let Some(hash) = chain.block_hash(height)? else {
        return Ok(None);
    };
    let block = chain.block(&hash)?;
    let mut transactions = block.txdata.into_iter();
    Ok(transactions.find(|transaction| transaction.compute_txid() == coin.outpoint.txid))
}
