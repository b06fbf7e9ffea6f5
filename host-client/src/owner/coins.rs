//! A card's coins, as it knows them and as the chain does: compared, and entered where they differ.

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, Transaction, Txid};
use tillcard_client::card::ImageCoin;
use tillcard_client::transport::Transport;

use super::{CardCoin, Owner, OwnerError, Progress, Visit};
use crate::chain::{Chain, OutputState};

/// Status word of a card that has used the coin's address before, and so doesn't take it
/// (`docs/protocol.md`, section 6.2).
const ADDRESS_USED: u16 = 0x940F;

/// A card's coins, as it knows them and as the chain does.
#[derive(Clone, Debug)]
pub struct ComparedCoins {
    /// The coins that the card knows, each with what the chain knows of it.
    pub known: Vec<(ImageCoin, OutputState)>,
    /// Coins of the card that the chain has, and of which the card hasn't heard.
    pub unheard: Vec<CardCoin>,
}

/// What became of a coin that the card was to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoinEntry {
    /// The card has checked it and taken it; the amount is the card's own reading.
    Taken(Amount),
    /// The card has used its address before, and doesn't spend it in shops.
    AddressUsed,
    /// The card doesn't take it, by this status word and for this reason.
    Refused(String),
    /// It isn't in a block yet, and may never be: the card wasn't told.
    Unconfirmed,
}

/// The coin's outpoint.
pub fn outpoint(coin: &ImageCoin) -> OutPoint {
    OutPoint::new(
        Txid::from_byte_array(coin.outpoint.txid),
        coin.outpoint.vout,
    )
}

impl ComparedCoins {
    /// What the card can spend: neither spent by it nor on the chain.
    pub fn spendable(&self) -> Amount {
        let free = self.known.iter().filter(|(coin, state)| {
            coin.spent_by.is_none() && matches!(state, OutputState::Unspent { .. })
        });
        free.map(|(coin, _)| Amount::from_sat(coin.amount)).sum()
    }
}

impl Owner {
    /// Compares the coins that the card knows with those that the chain has for it. The card is let
    /// go.
    ///
    /// # Errors
    /// Those of card and chain.
    pub fn compare_coins<T: Transport>(
        &self,
        mut visit: Visit<T>,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<ComparedCoins, OwnerError> {
        let contents = visit.contents()?;
        let number = visit.record.number;
        visit.close()?;
        let mut known = Vec::with_capacity(contents.coins.len());
        for coin in &contents.coins {
            known.push((*coin, chain.output(&outpoint(coin))?));
        }
        let mut unheard = self.card_coins(chain, number, progress)?.coins;
        unheard.retain(|coin| contents.coin(&coin.outpoint).is_none());
        Ok(ComparedCoins { known, unheard })
    }

    /// Tells the card of the coins that the chain has for it: those that it hasn't heard of, and
    /// those that it doubts or got from a shop. `told` is called for each. Returns how many the card
    /// took.
    ///
    /// # Errors
    /// Those of card and chain. A coin that the card doesn't take is no error.
    pub fn enter_coins<T: Transport>(
        &mut self,
        visit: &mut Visit<T>,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
        told: &mut dyn FnMut(&CardCoin, &CoinEntry),
    ) -> Result<usize, OwnerError> {
        let contents = visit.contents()?;
        let mut coins = self.card_coins(chain, visit.record.number, progress)?.coins;
        coins.retain(|coin| {
            let known = contents.coin(&coin.outpoint);
            coin.spent_by.is_none()
                && known.is_none_or(|known| {
                    known.spent_by.is_none() && (known.doubtful || known.unrooted)
                })
        });
        // The card counts on from the highest that it has.
        coins.sort_by_key(|coin| (coin.chain, coin.index));
        let mut taken = 0;
        for coin in &coins {
            if let Some(entry) = self.enter_coin(visit, coin, chain)? {
                taken += usize::from(matches!(entry, CoinEntry::Taken(_)));
                told(coin, &entry);
            }
        }
        Ok(taken)
    }

    /// None when the block with the coin went away meanwhile.
    fn enter_coin<T: Transport>(
        &mut self,
        visit: &mut Visit<T>,
        coin: &CardCoin,
        chain: &dyn Chain,
    ) -> Result<Option<CoinEntry>, OwnerError> {
        let Some(height) = coin.height else {
            return Ok(Some(CoinEntry::Unconfirmed));
        };
        let Some(transaction) = find_transaction(chain, height, &coin.outpoint.txid)? else {
            return Ok(None);
        };
        let (vout, chain, index) = (coin.outpoint.vout, coin.chain, coin.index);
        Ok(Some(
            match visit.card.enter_coin(&transaction, vout, chain, index) {
                Ok(amount) => {
                    self.mark_entered(visit.record.number, &coin.outpoint.txid)?;
                    CoinEntry::Taken(amount)
                }
                Err(error) => match error.status() {
                    Some(ADDRESS_USED) => CoinEntry::AddressUsed,
                    None => return Err(error.into()),
                    Some(_) => CoinEntry::Refused(error.to_string()),
                },
            },
        ))
    }
}

fn find_transaction(
    chain: &dyn Chain,
    height: u32,
    txid: &Txid,
) -> Result<Option<Transaction>, OwnerError> {
    let Some(hash) = chain.block_hash(height)? else {
        return Ok(None);
    };
    let mut transactions = chain.block(&hash)?.txdata.into_iter();
    Ok(transactions.find(|transaction| transaction.compute_txid() == *txid))
}
