//! Which of a card's indexes it still takes coins at, by asking it: an index at which it has spent a
//! coin is out of use for ever (`docs/protocol.md`, section 7.4).

use std::collections::BTreeSet;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use tillcard_client::account::CardChain;
use tillcard_client::transport::Transport;

use super::{OwnerError, Visit};

/// Status word of a card that has used the index before (section 6.2). It comes without proof.
pub(super) const INDEX_USED: u16 = 0x940F;

/// Indexes above the next one that a card knows (section 6.2).
const AHEAD: u32 = 9;

/// No coin: the card is asked for its index alone.
fn no_coin() -> OutPoint {
    OutPoint::new(Txid::all_zeros(), 0)
}

impl<T: Transport> Visit<T> {
    /// A receive index at which the card would take a coin now: from `least` on if there is one, and
    /// none at which it has a coin or is to be told of one. It has proven that it would: a success
    /// bears a MAC.
    ///
    /// # Errors
    /// [`OwnerError::TooManyPendingTopUps`] when it knows no such index, and
    /// [`OwnerError::TopUpNotTaken`] when it takes no coin at any of them.
    pub(super) fn free_receive_index(&mut self, least: u32) -> Result<u32, OwnerError> {
        let contents = self.contents()?;
        let next = contents.header.next_receive;
        let received = contents.coins.iter().filter(|coin| coin.place.chain == 0);
        let pending = self.record.pending_top_ups().map(|top_up| top_up.index);
        let taken: BTreeSet<u32> = received
            .map(|coin| coin.place.index)
            .chain(pending)
            .collect();
        let known = (next..=next.saturating_add(AHEAD)).filter(|index| !taken.contains(index));
        let (later, earlier): (Vec<u32>, Vec<u32>) = known.partition(|index| *index >= least);
        let pending = self.record.pending_top_ups().count();
        let mut refused = OwnerError::TooManyPendingTopUps(pending);
        for index in later.into_iter().chain(earlier) {
            let asked = self
                .card
                .announce_coin(&no_coin(), CardChain::Receive, index);
            match asked {
                Ok(()) => return Ok(index),
                Err(error) if error.status() == Some(INDEX_USED) => {
                    refused = OwnerError::TopUpNotTaken(error);
                }
                Err(error) => return Err(OwnerError::TopUpNotTaken(error)),
            }
        }
        Err(refused)
    }

    /// Whether the card would spend a coin at this place in shops.
    ///
    /// # Errors
    /// When the card doesn't answer.
    pub(super) fn uses(&mut self, chain: CardChain, index: u32) -> Result<PlaceUse, OwnerError> {
        match self.card.announce_coin(&no_coin(), chain, index) {
            Ok(()) => Ok(PlaceUse::InShops),
            Err(error) => match error.status() {
                Some(INDEX_USED) => Ok(PlaceUse::SignOnlyBySaying),
                Some(_) => Ok(PlaceUse::Unknown),
                None => Err(error.into()),
            },
        }
    }
}

/// What a card does with a coin at one of its places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceUse {
    /// It has proven that the place is in use: it spends the coin in shops.
    InShops,
    /// The card's coins or the chain show that a coin was spent there: it spends the coin by the
    /// owner's signing (SIGN) only.
    SignOnly,
    /// The card says the same, without proof.
    SignOnlyBySaying,
    /// It wasn't asked, or said something else.
    Unknown,
}
