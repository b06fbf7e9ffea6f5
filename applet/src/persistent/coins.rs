//! The table of coins.

use super::{COINS, COUNTERS, Coin, Counters, Persistent, RECEIVE_SCRIPT, Slot};
use crate::capacities::{MAX_COINS, MAX_UNROOTED};
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use tillcard_protocol::command::{Place, TaprootScript, Txid};
use tillcard_protocol::status::{self, Status};

impl<N: NorFlash> Persistent<N> {
    /// The coin in a slot of the table, unless the slot is free: empty, or of
    /// a coin that a payment spent which the log keeps no longer.
    ///
    /// # Errors
    /// `6581`
    pub fn coin(&mut self, slot: Slot, log_first: u32) -> Result<Option<Coin>, Status> {
        let mut buffer = [0; Coin::MAX_LENGTH];
        let Some(bytes) = self.journal.read(COINS + slot, &mut buffer)? else {
            return Ok(None);
        };
        let coin = Coin::decode(bytes).ok_or(status::MEMORY_FAILURE)?;
        Ok(Some(coin).filter(|coin| coin.spent.is_none_or(|by| by >= log_first)))
    }

    /// Calls `visit` for each slot of the table.
    ///
    /// # Errors
    /// `6581`, and what `visit` answers.
    pub fn for_each_slot(
        &mut self,
        log_first: u32,
        mut visit: impl FnMut(&mut Self, Slot, Option<Coin>) -> Result<(), Status>,
    ) -> Result<(), Status> {
        for slot in 0..MAX_COINS {
            let coin = self.coin(slot, log_first)?;
            visit(self, slot, coin)?;
        }
        Ok(())
    }

    /// Finds a coin, spent ones included.
    ///
    /// # Errors
    /// `6581`
    pub fn find_coin(&mut self, txid: &Txid, vout: u32) -> Result<Option<(Slot, Coin)>, Status> {
        let log_first = self.counters()?.log_first;
        for slot in 0..MAX_COINS {
            if let Some(coin) = self.coin(slot, log_first)?
                && coin.vout == vout
                && coin.txid == *txid
            {
                return Ok(Some((slot, coin)));
            }
        }
        Ok(None)
    }

    /// Whether an unspent rooted coin stands at a place.
    ///
    /// # Errors
    /// `6581`
    pub fn has_rooted_at(&mut self, place: Place) -> Result<bool, Status> {
        let log_first = self.counters()?.log_first;
        let mut found = false;
        self.for_each_slot(log_first, |_, _, coin| {
            found |= coin
                .is_some_and(|coin| coin.place == place && !coin.unrooted && coin.spent.is_none());
            Ok(())
        })?;
        Ok(found)
    }

    /// The places at which both an unspent rooted coin and an unspent unrooted one stand
    /// (`[CRE-4]`).
    ///
    /// # Errors
    /// `6581`
    pub fn shared_places(&mut self) -> Result<Vec<Place, { MAX_UNROOTED as usize }>, Status> {
        let log_first = self.counters()?.log_first;
        let mut credited = Vec::<(Place, bool), { MAX_UNROOTED as usize }>::new();
        self.for_each_slot(log_first, |_, _, coin| match coin {
            Some(coin) if coin.unrooted && coin.spent.is_none() => credited
                .push((coin.place, false))
                .map_err(|_| status::EXECUTION_ERROR),
            _ => Ok(()),
        })?;
        if !credited.is_empty() {
            self.for_each_slot(log_first, |_, _, coin| {
                if let Some(coin) = coin.filter(|coin| !coin.unrooted && coin.spent.is_none()) {
                    for (place, is_shared) in &mut credited {
                        *is_shared |= *place == coin.place;
                    }
                }
                Ok(())
            })?;
        }
        let shared = credited.iter().filter(|(_, is_shared)| *is_shared);
        Ok(shared.map(|(place, _)| *place).collect())
    }

    /// A free slot for a coin.
    ///
    /// # Errors
    /// `6A84`, for an unrooted coin also when there are as many as may be;
    /// `6581`.
    pub fn free_slot(&mut self, unrooted: bool) -> Result<Slot, Status> {
        let log_first = self.counters()?.log_first;
        let mut free = FreeSlot::default();
        self.for_each_slot(log_first, |_, slot, coin| {
            free.visit(slot, coin.as_ref());
            Ok(())
        })?;
        free.slot(unrooted).ok_or(status::NO_ROOM)
    }

    /// Puts a coin into a slot, sets the counters, and the script at the receive index
    /// above the highest rooted coin's.
    ///
    /// # Errors
    /// `6581`
    pub fn enter(
        &mut self,
        slot: Slot,
        coin: &Coin,
        counters: &Counters,
        receive_script: &TaprootScript,
    ) -> Result<(), Status> {
        let coin = coin.encode();
        let mut transaction = self
            .journal
            .begin(3, coin.len() + Counters::LENGTH + receive_script.len())?;
        transaction.put(COINS + slot, &coin)?;
        transaction.put(COUNTERS, &counters.encode())?;
        transaction.put(RECEIVE_SCRIPT, receive_script)?;
        Ok(transaction.commit()?)
    }

    /// Replaces a coin, in a slot that has it.
    ///
    /// # Errors
    /// `6581`
    pub fn set_coin(&mut self, slot: Slot, coin: &Coin) -> Result<(), Status> {
        let coin = coin.encode();
        let mut transaction = self.journal.begin(1, coin.len())?;
        transaction.put(COINS + slot, &coin)?;
        Ok(transaction.commit()?)
    }
}

/// Finds a free slot of the table, and counts what the bound on unrooted coins counts.
#[derive(Default)]
pub struct FreeSlot {
    first: Option<Slot>,
    unrooted: u8,
}

impl FreeSlot {
    /// Takes a slot into account.
    pub fn visit(&mut self, slot: Slot, coin: Option<&Coin>) {
        match coin {
            None => {
                self.first.get_or_insert(slot);
            }
            Some(coin) => self.unrooted += u8::from(coin.unrooted && coin.spent.is_none()),
        }
    }

    /// The slot for one more coin; `None` when there is none, or too many unrooted coins.
    pub fn slot(&self, unrooted: bool) -> Option<Slot> {
        self.first
            .filter(|_| !unrooted || self.unrooted < MAX_UNROOTED)
    }
}
