//! RECEIVE SCRIPT, ENTER COIN.

use super::state::{Issued, OwnerAuthorised, ShopSession};
use super::{Tillcard, script_at};
use crate::capacities::MAX_INDEX;
use crate::persistent::{Coin, Slot};
use crate::transaction_parser::TransactionParser;
use crate::volatile::Stream;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{
    Announced, CoinEntered, Place, ReceiveScriptAnswer, TaprootScript,
};
use tillcard_protocol::status::{self, Status};

/// How many receive indexes the owner may use, from the next one on.
pub(super) const WINDOW: u32 = 10;
/// How many of them a credit may use.
const CREDIT_WINDOW: u32 = 1;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// - `[RCV-1]`: the next receive index; asking changes nothing.
    /// - `[RCV-2]`: for the holder alone.
    #[inline(never)]
    pub(super) fn receive_script(
        &mut self,
        _: ShopSession,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        if self.volatile.holder.is_none() {
            return Err(status::SECURITY_STATUS);
        }
        let (index, script) = self.next_receive()?;
        if index >= MAX_INDEX {
            return Err(status::NO_ROOM);
        }
        Ok(ReceiveScriptAnswer { index, script }.write(reply)?)
    }

    /// The next receive index, and the card's script there.
    pub(super) fn next_receive(&mut self) -> Result<(u32, TaprootScript), Status> {
        let counters = self.persistent.counters()?;
        let index = self.persistent.next_receive(&counters)?;
        let script = if index == counters.receive_from {
            self.persistent.receive_script()?
        } else {
            // The index whose script is kept has been retired.
            script_at(&self.persistent.identity()?, Place::receive(index))?
        };
        Ok((index, script))
    }

    #[inline(never)]
    pub(super) fn begin_coin(
        &mut self,
        _: OwnerAuthorised,
        announced: Announced,
    ) -> Result<(), Status> {
        self.begin_entry(announced, false)
    }

    /// `[CRE-1]`: a credit needs the holder, and ends the authorisation.
    #[inline(never)]
    pub(super) fn begin_credit(
        &mut self,
        _: ShopSession,
        announced: Announced,
    ) -> Result<(), Status> {
        self.volatile.holder.take().ok_or(status::SECURITY_STATUS)?;
        self.begin_entry(announced, true)
    }

    /// - `[ENT-2]`: the refusals, in this order.
    /// - `[CRE-4]`: no credit at the place of a rooted coin.
    /// - `[CRE-5]`: nor above the next receive index.
    /// - `[ENT-6]`: a spent coin is known, or its index is retired.
    fn begin_entry(&mut self, announced: Announced, unrooted: bool) -> Result<(), Status> {
        let place = announced.place;
        let counters = self.persistent.counters()?;
        let given_out = if place.chain == Place::RECEIVE {
            let window = if unrooted { CREDIT_WINDOW } else { WINDOW };
            (self.persistent.next_receive(&counters)? + window).min(MAX_INDEX)
        } else if unrooted {
            0
        } else {
            self.persistent.next_change(&counters)?
        };
        if place.index >= given_out {
            return Err(status::COIN_INDEX_UNKNOWN);
        }
        if unrooted && self.persistent.has_rooted_at(place)? {
            // Spending the credit would retire the index of the other.
            return Err(status::COIN_INDEX_UNKNOWN);
        }
        if self.persistent.is_retired(place)? {
            return Err(status::COIN_INDEX_RETIRED);
        }
        self.slot_for(&announced, unrooted)?;
        self.volatile.stream = Stream::CoinEntry(TransactionParser::new(announced, unrooted));
        Ok(())
    }

    /// The place for a coin: a free one, or, when the owner enters it again, the
    /// one that it has (`[ENT-7]`).
    fn slot_for(&mut self, announced: &Announced, unrooted: bool) -> Result<Slot, Status> {
        match self.persistent.find_coin(&announced.txid, announced.vout)? {
            None => self.persistent.free_slot(unrooted),
            Some((slot, coin))
                if !unrooted && coin.spent.is_none() && (coin.unrooted || coin.doubtful) =>
            {
                Ok(slot)
            }
            Some(_) => Err(status::COIN_EXISTS),
        }
    }

    /// - `[ENT-1]`: the coin is in the card before the answer.
    /// - `[ENT-5]`: a refusal ends the entry.
    /// - `[CRE-3]`: no limit and no counter changes.
    /// - `[CRE-5]`: a credit moves no index.
    #[inline(never)]
    pub(super) fn take_coin_piece(
        &mut self,
        _: Issued,
        bytes: &[u8],
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let Stream::CoinEntry(mut entry) = core::mem::take(&mut self.volatile.stream) else {
            return Err(status::CONDITIONS);
        };
        if !entry.take(bytes)? {
            self.volatile.stream = Stream::CoinEntry(entry);
            return Ok(());
        }
        let identity = self.persistent.identity()?;
        let script = script_at(&identity, entry.place())?;
        let least = self.persistent.limits()?.least_coin;
        let unrooted = entry.is_unrooted();
        let verified = entry.verify(&script, least.into())?;
        let Announced { txid, vout, place } = verified.announced;
        let coin = Coin {
            txid,
            vout,
            amount: verified.amount,
            place,
            unrooted,
            doubtful: false,
            spent: None,
        };
        let slot = self.slot_for(&verified.announced, unrooted)?;
        let mut counters = self.persistent.counters()?;
        let mut receive_script = self.persistent.receive_script()?;
        if place.chain == Place::RECEIVE && !unrooted && place.index >= counters.receive_from {
            counters.receive_from = place.index + 1;
            receive_script = script_at(&identity, Place::receive(counters.receive_from))?;
        }
        self.persistent
            .enter(slot, &coin, &counters, &receive_script)?;
        let amount = verified.amount;
        Ok(CoinEntered { amount }.write(reply)?)
    }
}
