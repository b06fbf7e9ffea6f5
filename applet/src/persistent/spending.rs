//! What spending changes, all of it in one commit.

use super::index_bitmap::IndexBitmap;
use super::log::position;
use super::{
    COINS, COUNTERS, Coin, Counters, LOG, LogEntry, PLEDGED, PaymentRecordState, Persistent,
    RECORD_STATES, RETIRED, Slot,
};
use crate::capacities::{MAX_INDEX, MAX_INPUTS, MAX_LOG};
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use tillcard_protocol::command::Place;
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::Key;

/// What a payment changes (`[PAY-7]`).
pub struct Payment<'a> {
    /// The coins spent, with their slots.
    pub spent: &'a [(Slot, Coin)],
    /// The change, if there is any, and a free place for it.
    pub change: Option<(Slot, Coin)>,
    /// The counters afterwards; the payment is the log's last.
    pub counters: Counters,
    /// What the log says.
    pub entry: LogEntry<'a>,
}

/// What the owner's signing changes (`[SGN-3]`).
pub struct OwnerSigned<'a> {
    /// Where the inputs are.
    pub places: &'a [Place],
    /// Those coins of the card among them that no payment spent.
    pub slots: &'a [Slot],
    /// Kept payments that spend one of the inputs.
    pub contested: &'a [u32],
    /// The next change index is at least this from now on.
    pub change_from: u32,
}

type Bitmaps = Vec<(Key, IndexBitmap), { IndexBitmap::COUNT as usize }>;

impl<N: NorFlash> Persistent<N> {
    /// Whether nothing may be received or paid at an index any more.
    ///
    /// # Errors
    /// `6581`
    pub fn is_retired(&mut self, place: Place) -> Result<bool, Status> {
        Ok(self.bitmap(RETIRED, place)?.contains(place))
    }

    /// The next receive index (`[RCV-1]`); past the last one when none is left.
    ///
    /// # Errors
    /// `6581`
    pub fn next_receive(&mut self, counters: &Counters) -> Result<u32, Status> {
        self.first_unretired(Place::receive(counters.receive_from))
    }

    /// The next change index (`[TX-4]`); past the last one when none is left.
    ///
    /// # Errors
    /// `6581`
    pub fn next_change(&mut self, counters: &Counters) -> Result<u32, Status> {
        self.first_unretired(Place::change(counters.change_from))
    }

    /// Whether a statement pledged a place (`[STM-4]`).
    ///
    /// # Errors
    /// `6581`
    pub fn is_pledged(&mut self, place: Place) -> Result<bool, Status> {
        Ok(self.bitmap(PLEDGED, place)?.contains(place))
    }

    /// Pledges the places of a statement's coins (`[STM-3]`).
    ///
    /// # Errors
    /// `6581`
    pub fn pledge(&mut self, places: impl Iterator<Item = Place>) -> Result<(), Status> {
        let pledged = self.with_places(PLEDGED, places)?;
        let mut transaction = self
            .journal
            .begin(pledged.len(), pledged.len() * IndexBitmap::LENGTH)?;
        for (key, bitmap) in &pledged {
            transaction.put(*key, bitmap.as_bytes())?;
        }
        Ok(transaction.commit()?)
    }

    /// Makes a payment's changes (`[PAY-7]`).
    ///
    /// # Errors
    /// `6A84` when the NVM has no room left; `6581`.
    pub fn pay(&mut self, payment: &Payment<'_>) -> Result<(), Status> {
        let payment_number = payment.counters.log_next - 1;
        let retired =
            self.with_places(RETIRED, payment.spent.iter().map(|(_, coin)| coin.place))?;
        let mut spent = Vec::<_, MAX_INPUTS>::new();
        for (slot, coin) in payment.spent {
            let coin = Coin {
                spent: Some(payment_number),
                ..*coin
            };
            spent
                .push((*slot, coin.encode()))
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        let change_coin = payment.change.map(|(slot, coin)| (slot, coin.encode()));
        let entry = payment.entry.encode();
        let coins = || spent.iter().chain(&change_coin);
        let data = coins().map(|(_, bytes)| bytes.len()).sum::<usize>()
            + retired.len() * IndexBitmap::LENGTH
            + Counters::LENGTH
            + entry.len();
        let records = coins().count() + retired.len() + 3;
        let mut transaction = self.journal.begin(records, data)?;
        for (slot, bytes) in coins() {
            transaction.put(COINS + slot, bytes)?;
        }
        for (key, bitmap) in &retired {
            transaction.put(*key, bitmap.as_bytes())?;
        }
        transaction.put(COUNTERS, &payment.counters.encode())?;
        transaction.put(LOG + position(payment_number), &entry)?;
        // What stood here belonged to the payment before in this place.
        transaction.put(RECORD_STATES + position(payment_number), &[])?;
        Ok(transaction.commit()?)
    }

    /// Makes the changes of the owner's signing (`[SGN-3]`).
    ///
    /// # Errors
    /// `6A84` when the NVM has no room left; `6581`.
    pub fn sign_for_owner(&mut self, signed: &OwnerSigned<'_>) -> Result<(), Status> {
        let retired = self.with_places(RETIRED, signed.places.iter().copied())?;
        let mut contested = Vec::<_, { MAX_LOG as usize }>::new();
        for payment_number in signed.contested {
            let state = PaymentRecordState {
                contested: true,
                ..self.record_state(*payment_number)?
            };
            contested
                .push((RECORD_STATES + position(*payment_number), state.encode()))
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        let mut counters = self.counters()?;
        counters.change_from = counters.change_from.max(signed.change_from);
        let mut transaction = self.journal.begin(
            signed.slots.len() + retired.len() + contested.len() + 1,
            retired.len() * IndexBitmap::LENGTH
                + contested.len() * PaymentRecordState::LENGTH
                + Counters::LENGTH,
        )?;
        for slot in signed.slots {
            transaction.put(COINS + slot, &[])?;
        }
        for (key, bitmap) in &retired {
            transaction.put(*key, bitmap.as_bytes())?;
        }
        for (key, state) in &contested {
            transaction.put(*key, state)?;
        }
        transaction.put(COUNTERS, &counters.encode())?;
        Ok(transaction.commit()?)
    }

    /// The first index from a place on, on its chain, that isn't retired.
    fn first_unretired(&mut self, mut place: Place) -> Result<u32, Status> {
        while place.index < MAX_INDEX {
            let bitmap = self.bitmap(RETIRED, place)?;
            let number = IndexBitmap::number(place);
            while place.index < MAX_INDEX && IndexBitmap::number(place) == number {
                if !bitmap.contains(place) {
                    return Ok(place.index);
                }
                place.index += 1;
            }
        }
        Ok(place.index)
    }

    fn bitmap(&mut self, table: Key, place: Place) -> Result<IndexBitmap, Status> {
        let mut bytes = [0; IndexBitmap::LENGTH];
        match self
            .journal
            .read(table + IndexBitmap::number(place), &mut bytes)?
        {
            None => Ok(IndexBitmap::default()),
            Some(read) if read.len() == IndexBitmap::LENGTH => Ok(IndexBitmap::from_bytes(bytes)),
            Some(_) => Err(status::MEMORY_FAILURE),
        }
    }

    /// The bitmaps of a table with these places set, under their keys.
    fn with_places(
        &mut self,
        table: Key,
        places: impl Iterator<Item = Place>,
    ) -> Result<Bitmaps, Status> {
        let mut bitmaps = Bitmaps::new();
        for place in places {
            let key = table + IndexBitmap::number(place);
            let at = match bitmaps.iter().position(|(known, _)| *known == key) {
                Some(at) => at,
                None => {
                    let bitmap = self.bitmap(table, place)?;
                    bitmaps
                        .push((key, bitmap))
                        .map_err(|_| status::EXECUTION_ERROR)?;
                    bitmaps.len() - 1
                }
            };
            bitmaps[at].1.insert(place);
        }
        Ok(bitmaps)
    }
}
