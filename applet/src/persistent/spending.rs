//! What spending changes, all of it in one commit.

use super::log::position;
use super::{
    COINS, Coin, GIVEN, Given, LOG, LogEntry, PLEDGED, Persistent, RETIRED, Slot, TALLY, Tally,
    marks,
};
use crate::capacities::{MAX_INPUTS, MAX_LOG};
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use tillcard_protocol::command::Place;
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::Key;

/// What a payment changes (`[PAY-7]`).
pub struct Payment<'a> {
    /// The coins spent.
    pub spent: &'a [(Slot, Coin)],
    /// The change, if there is any, and a free place for it.
    pub change: Option<(Slot, Coin)>,
    /// The counters afterwards; the payment is the log's last.
    pub tally: Tally,
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
    /// At least the next change index from now on.
    pub next_change: u32,
}

type Blocks = Vec<(Key, marks::Block), { marks::BLOCKS as usize }>;

impl<N: NorFlash> Persistent<N> {
    /// Whether nothing may be received or paid at an index any more.
    ///
    /// # Errors
    /// `6581`
    pub fn is_retired(&mut self, place: Place) -> Result<bool, Status> {
        Ok(marks::contains(&self.block(RETIRED, place)?, place))
    }

    /// Whether a statement pledged a place (`[STM-4]`).
    ///
    /// # Errors
    /// `6581`
    pub fn is_pledged(&mut self, place: Place) -> Result<bool, Status> {
        Ok(marks::contains(&self.block(PLEDGED, place)?, place))
    }

    /// Pledges places (`[STM-3]`).
    ///
    /// # Errors
    /// `6581`
    pub fn pledge(&mut self, places: impl Iterator<Item = Place>) -> Result<(), Status> {
        let pledged = self.mark(PLEDGED, places)?;
        let mut change = self
            .journal
            .begin(pledged.len(), pledged.len() * marks::BLOCK_LENGTH)?;
        for (key, block) in &pledged {
            change.put(*key, block)?;
        }
        Ok(change.commit()?)
    }

    /// Makes a payment's changes (`[PAY-7]`).
    ///
    /// # Errors
    /// `6A84` when the NVM has no room left; `6581`.
    pub fn pay(&mut self, payment: &Payment<'_>) -> Result<(), Status> {
        let sequence = payment.tally.log_next - 1;
        let retired = self.mark(RETIRED, payment.spent.iter().map(|(_, coin)| coin.place))?;
        let mut spent = Vec::<_, MAX_INPUTS>::new();
        for (slot, coin) in payment.spent {
            let coin = Coin {
                spent: Some(sequence),
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
            + retired.len() * marks::BLOCK_LENGTH
            + Tally::LENGTH
            + entry.len();
        let records = coins().count() + retired.len() + 3;
        let mut change = self.journal.begin(records, data)?;
        for (slot, bytes) in coins() {
            change.put(COINS + slot, bytes)?;
        }
        for (key, block) in &retired {
            change.put(*key, block)?;
        }
        change.put(TALLY, &payment.tally.encode())?;
        change.put(LOG + position(sequence), &entry)?;
        // What stood here belonged to the payment before in this place.
        change.put(GIVEN + position(sequence), &[])?;
        Ok(change.commit()?)
    }

    /// Makes the changes of the owner's signing (`[SGN-3]`).
    ///
    /// # Errors
    /// `6A84` when the NVM has no room left; `6581`.
    pub fn sign_for_owner(&mut self, signed: &OwnerSigned<'_>) -> Result<(), Status> {
        let retired = self.mark(RETIRED, signed.places.iter().copied())?;
        let mut contested = Vec::<_, { MAX_LOG as usize }>::new();
        for sequence in signed.contested {
            let given = Given {
                contested: true,
                ..self.given(*sequence)?
            };
            contested
                .push((GIVEN + position(*sequence), given.encode()))
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        let mut tally = self.tally()?;
        tally.next_change = tally.next_change.max(signed.next_change);
        let mut change = self.journal.begin(
            signed.slots.len() + retired.len() + contested.len() + 1,
            retired.len() * marks::BLOCK_LENGTH + contested.len() * Given::LENGTH + Tally::LENGTH,
        )?;
        for slot in signed.slots {
            change.put(COINS + slot, &[])?;
        }
        for (key, block) in &retired {
            change.put(*key, block)?;
        }
        for (key, given) in &contested {
            change.put(*key, given)?;
        }
        change.put(TALLY, &tally.encode())?;
        Ok(change.commit()?)
    }

    fn block(&mut self, table: Key, place: Place) -> Result<marks::Block, Status> {
        let mut block = marks::Block::default();
        match self
            .journal
            .read(table + marks::number(place), &mut block)?
        {
            None => Ok(marks::Block::default()),
            Some(bytes) if bytes.len() == marks::BLOCK_LENGTH => Ok(block),
            Some(_) => Err(status::MEMORY_FAILURE),
        }
    }

    /// The blocks of a table in which these places are marked, with their keys.
    fn mark(&mut self, table: Key, places: impl Iterator<Item = Place>) -> Result<Blocks, Status> {
        let mut blocks = Blocks::new();
        for place in places {
            let key = table + marks::number(place);
            let at = match blocks.iter().position(|(known, _)| *known == key) {
                Some(at) => at,
                None => {
                    let block = self.block(table, place)?;
                    blocks
                        .push((key, block))
                        .map_err(|_| status::EXECUTION_ERROR)?;
                    blocks.len() - 1
                }
            };
            marks::insert(&mut blocks[at].1, place);
        }
        Ok(blocks)
    }
}
