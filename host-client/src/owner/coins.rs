//! A card's coins, as it knows them and as the chain does: compared, and entered where they differ.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, Transaction, Txid};
use tillcard_client::account::CardChain;
use tillcard_client::card::{CardContents, ImageCoin};
use tillcard_client::transport::Transport;

use super::places::{INDEX_USED, PlaceUse};
use super::{CardCoin, CardView, Owner, OwnerError, Progress, Visit};
use crate::chain::{Chain, OutputState, Reach};

/// A card's coins, as it knows them and as the chain does.
#[derive(Clone, Debug)]
pub struct ComparedCoins {
    /// The coins that the card knows.
    pub known: Vec<KnownCoin>,
    /// Coins of the card that the chain has, and of which the card hasn't heard.
    pub unheard: Vec<CardCoin>,
    /// Whether the source had come as far as its chain; if it hadn't, that it doesn't know a coin says
    /// nothing.
    pub reach: Reach,
}

/// A coin that a card knows.
#[derive(Clone, Debug)]
pub struct KnownCoin {
    /// What the card knows of it.
    pub coin: ImageCoin,
    /// What the chain knows of it.
    pub state: OutputState,
    /// Whether the card spends it in shops, as far as its place decides that.
    pub place: PlaceUse,
}

impl KnownCoin {
    /// Whether it is on the chain, and the card hasn't spent it.
    fn is_free(&self) -> bool {
        self.coin.spent_by.is_none() && matches!(self.state, OutputState::Unspent { .. })
    }
}

/// What became of a coin that the card was to be told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoinEntry {
    /// The card has checked it and taken it; the amount is the card's own reading.
    Taken(Amount),
    /// The card says that it has used its address before, and so doesn't spend it in shops.
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
    /// What the card can spend in shops: on the chain, not spent by it, at a place in use.
    pub fn spendable(&self) -> Amount {
        self.sum(|place| place == PlaceUse::InShops)
    }

    /// What only the owner's signing can spend.
    pub fn for_signing(&self) -> Amount {
        self.sum(|place| matches!(place, PlaceUse::SignOnly | PlaceUse::SignOnlyBySaying))
    }

    fn sum(&self, counts: impl Fn(PlaceUse) -> bool) -> Amount {
        let free = self.known.iter().filter(|known| known.is_free());
        let counted = free.filter(|known| counts(known.place));
        counted
            .map(|known| Amount::from_sat(known.coin.amount))
            .sum()
    }
}

/// The chain of a coin's place.
pub(super) fn chain_of(coin: &ImageCoin) -> CardChain {
    match coin.place.chain {
        0 => CardChain::Receive,
        _ => CardChain::Change,
    }
}

/// Where coins of the card were spent, by its own coins and by the chain.
fn spent_places(contents: &CardContents, view: &CardView) -> BTreeSet<(CardChain, u32)> {
    let spent = contents.coins.iter().filter(|coin| coin.spent_by.is_some());
    let by_card = spent.map(|coin| (chain_of(coin), coin.place.index));
    view.spent_places.iter().copied().chain(by_card).collect()
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
        let view = self.card_coins(chain, visit.record.number, progress)?;
        let contents = visit.contents()?;
        let mut uses: BTreeMap<(CardChain, u32), PlaceUse> = spent_places(&contents, &view)
            .into_iter()
            .map(|place| (place, PlaceUse::SignOnly))
            .collect();
        let mut known = Vec::with_capacity(contents.coins.len());
        for coin in &contents.coins {
            let state = chain.output(&outpoint(coin))?;
            let place = (chain_of(coin), coin.place.index);
            let mut compared = KnownCoin {
                coin: *coin,
                state,
                place: uses.get(&place).copied().unwrap_or(PlaceUse::Unknown),
            };
            if compared.is_free() && !uses.contains_key(&place) {
                compared.place = visit.uses(place.0, place.1)?;
                uses.insert(place, compared.place);
            }
            known.push(compared);
        }
        visit.close()?;
        let reach = view.reach;
        let mut unheard = view.coins;
        unheard.retain(|coin| contents.coin(&coin.outpoint).is_none());
        Ok(ComparedCoins {
            known,
            unheard,
            reach,
        })
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
                    Some(INDEX_USED) => CoinEntry::AddressUsed,
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
