//! What the card remembers without power: records in the journal.

mod coin;
mod identity;
mod log_entry;
mod retired;
mod tally;

pub use coin::{Coin, Place};
pub use identity::Identity;
pub use log_entry::LogEntry;
pub use tally::Tally;

use crate::journal::{self, Journal, Key, RECORD_MAX};
use crate::pin::{BLOCK_LENGTH, PinBlock, TRIES};
use crate::status::{self, Status};
use embedded_storage::nor_flash::NorFlash;
use retired::BLOCKS;
use zeroize::Zeroizing;

/// Coins that a card can hold.
pub const MAX_COINS: u16 = 1000;
/// Payments that the log can hold.
pub const MAX_LOG: u8 = 64;
/// Indexes on each of the two chains; none above is ever used.
pub const MAX_INDEX: u32 = retired::INDEXES;

const IDENTITY: Key = 0;
const PIN: Key = 1;
const TRIES_LEFT: Key = 2;
const TALLY: Key = 3;
const RETIRED: Key = 4;
const COINS: Key = RETIRED + BLOCKS;
const LOG: Key = COINS + MAX_COINS;
/// Number of records that there can be.
pub const KEYS: usize = (LOG + MAX_LOG as Key) as usize;

// A full card leaves three pages: the head, one free, and one for what is lost
// at the ends of pages.
const _: () = {
    const HEADER: usize = 3;
    let full = HEADER * KEYS
        + Identity::LENGTH
        + BLOCK_LENGTH
        + 1
        + Tally::LENGTH
        + BLOCKS as usize * retired::BLOCK_LENGTH
        + MAX_COINS as usize * Coin::TYPICAL_LENGTH
        + MAX_LOG as usize * log_entry::MAX_LENGTH;
    assert!(full <= crate::nvm::NVM_SIZE - 3 * crate::nvm::PAGE_SIZE);
};

/// The place of a coin in the table.
pub type Slot = u16;

/// See the [module](self).
pub struct Persistent<N> {
    journal: Journal<N>,
}

impl From<journal::Error> for Status {
    fn from(error: journal::Error) -> Self {
        match error {
            journal::Error::Full => status::NO_ROOM,
            journal::Error::Nvm
            | journal::Error::Damaged
            | journal::Error::Version
            | journal::Error::Geometry => status::MEMORY_FAILURE,
        }
    }
}

/// What a payment changes, all of it in one commit.
pub struct Payment<'a> {
    /// The slots of the coins spent.
    pub spent: &'a [Slot],
    /// Where those coins were, to be retired.
    pub places: &'a [Place],
    /// The change, if there is any.
    pub change: Option<Coin>,
    /// The counters afterwards.
    pub tally: Tally,
    /// What the log says.
    pub entry: LogEntry<'a>,
}

impl<N: NorFlash> Persistent<N> {
    /// Opens the records on an NVM. Should that fail, every use answers `6581`.
    pub fn open(nvm: N) -> Self {
        Self {
            journal: Journal::open(nvm),
        }
    }

    /// Opens them again, as after a power failure.
    pub fn reopen(&mut self) {
        self.journal.reopen();
    }

    /// The NVM below.
    pub fn nvm(&self) -> &N {
        self.journal.nvm()
    }

    /// The NVM below.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.journal.nvm_mut()
    }

    /// Gives the NVM back.
    pub fn into_nvm(self) -> N {
        self.journal.into_nvm()
    }

    /// Whether the card was issued.
    ///
    /// # Errors
    /// `6581`
    pub fn is_issued(&self) -> Result<bool, Status> {
        Ok(self.journal.contains(IDENTITY)?)
    }

    /// What the card became when it was issued.
    ///
    /// # Errors
    /// `6985` when it wasn't; `6581`.
    pub fn identity(&mut self) -> Result<Identity, Status> {
        let mut buffer = Zeroizing::new([0; RECORD_MAX]);
        match self.journal.read(IDENTITY, &mut *buffer)? {
            Some(bytes) => Identity::decode(bytes),
            None => Err(status::CONDITIONS),
        }
    }

    /// Makes a factory card an issued one.
    ///
    /// # Errors
    /// `6581`
    pub fn issue(&mut self, identity: &Identity, pin: &PinBlock) -> Result<(), Status> {
        let mut change = self
            .journal
            .begin(4, Identity::LENGTH + BLOCK_LENGTH + 1 + Tally::LENGTH)?;
        change.put(IDENTITY, &*identity.encode())?;
        change.put(PIN, pin.as_bytes())?;
        change.put(TRIES_LEFT, &[TRIES])?;
        change.put(TALLY, &Tally::default().encode())?;
        Ok(change.commit()?)
    }

    /// The PIN.
    ///
    /// # Errors
    /// `6581`
    pub fn pin(&mut self) -> Result<PinBlock, Status> {
        let mut bytes = Zeroizing::new([0; BLOCK_LENGTH]);
        self.read_fixed(PIN, &mut *bytes)?;
        PinBlock::from_bytes(&bytes).ok_or(status::MEMORY_FAILURE)
    }

    /// PIN tries left.
    ///
    /// # Errors
    /// `6581`
    pub fn tries_left(&mut self) -> Result<u8, Status> {
        let mut tries = [0];
        self.read_fixed(TRIES_LEFT, &mut tries)?;
        Ok(tries[0])
    }

    /// Sets the PIN tries left.
    ///
    /// # Errors
    /// `6581`
    pub fn set_tries_left(&mut self, tries: u8) -> Result<(), Status> {
        let mut change = self.journal.begin(1, 1)?;
        change.put(TRIES_LEFT, &[tries])?;
        Ok(change.commit()?)
    }

    /// The counters.
    ///
    /// # Errors
    /// `6581`
    pub fn tally(&mut self) -> Result<Tally, Status> {
        let mut bytes = [0; Tally::LENGTH];
        self.read_fixed(TALLY, &mut bytes)?;
        Ok(Tally::decode(&bytes))
    }

    /// Whether nothing may be received or paid at an index any more.
    ///
    /// # Errors
    /// `6581`
    pub fn is_retired(&mut self, place: Place) -> Result<bool, Status> {
        Ok(retired::contains(&self.retired_block(place)?, place))
    }

    /// Calls `visit` for each coin.
    ///
    /// # Errors
    /// `6581`, and what `visit` answers.
    pub fn for_each_coin(
        &mut self,
        mut visit: impl FnMut(&mut Self, Slot, Coin) -> Result<(), Status>,
    ) -> Result<(), Status> {
        for slot in 0..MAX_COINS {
            if let Some(coin) = self.coin(slot)? {
                visit(self, slot, coin)?;
            }
        }
        Ok(())
    }

    /// Whether a coin is in the table.
    ///
    /// # Errors
    /// `6581`
    pub fn has_coin(&mut self, txid: &[u8; 32], vout: u32) -> Result<bool, Status> {
        let mut found = false;
        self.for_each_coin(|_, _, coin| {
            found |= coin.txid == *txid && coin.vout == vout;
            Ok(())
        })?;
        Ok(found)
    }

    /// A free place in the table.
    ///
    /// # Errors
    /// `6A84`, `6581`
    pub fn free_slot(&self) -> Result<Slot, Status> {
        for slot in 0..MAX_COINS {
            if !self.journal.contains(COINS + slot)? {
                return Ok(slot);
            }
        }
        Err(status::NO_ROOM)
    }

    /// Adds a coin, and sets the counters.
    ///
    /// # Errors
    /// `6A84`, `6581`
    pub fn enter(&mut self, coin: &Coin, tally: Tally) -> Result<(), Status> {
        let slot = self.free_slot()?;
        let coin = coin.encode();
        let mut change = self.journal.begin(2, coin.len() + Tally::LENGTH)?;
        change.put(COINS + slot, &coin)?;
        change.put(TALLY, &tally.encode())?;
        Ok(change.commit()?)
    }

    /// Makes a payment's changes (`[PAY-7]`).
    ///
    /// # Errors
    /// `6581`
    pub fn pay(&mut self, payment: &Payment<'_>) -> Result<(), Status> {
        let change_slot = match (payment.change, payment.spent) {
            (Some(_), [first, ..]) => Some(*first),
            _ => None,
        };
        let retired = self.retire(payment.places)?;
        let entry = payment.entry.encode();
        let coin = payment.change.map(|coin| coin.encode()).unwrap_or_default();
        let mut change = self.journal.begin(
            payment.spent.len() + retired.len() + 2,
            coin.len() + retired.len() * retired::BLOCK_LENGTH + Tally::LENGTH + entry.len(),
        )?;
        for slot in payment.spent {
            let coin: &[u8] = if change_slot == Some(*slot) {
                &coin
            } else {
                &[]
            };
            change.put(COINS + slot, coin)?;
        }
        for (key, block) in &retired {
            change.put(*key, block)?;
        }
        change.put(TALLY, &payment.tally.encode())?;
        // The entry's place is the number of payments before this one.
        change.put(LOG + payment.tally.payments - 1, &entry)?;
        Ok(change.commit()?)
    }

    fn coin(&mut self, slot: Slot) -> Result<Option<Coin>, Status> {
        let mut buffer = [0; Coin::MAX_LENGTH];
        match self.journal.read(COINS + slot, &mut buffer)? {
            Some(bytes) => Coin::decode(bytes).map(Some).ok_or(status::MEMORY_FAILURE),
            None => Ok(None),
        }
    }

    fn retired_block(&mut self, place: Place) -> Result<retired::Block, Status> {
        let mut block = retired::Block::default();
        match self
            .journal
            .read(RETIRED + retired::number(place), &mut block)?
        {
            None => Ok(retired::Block::default()),
            Some(bytes) if bytes.len() == retired::BLOCK_LENGTH => Ok(block),
            Some(_) => Err(status::MEMORY_FAILURE),
        }
    }

    /// The blocks in which these places are retired, with their keys.
    fn retire(
        &mut self,
        places: &[Place],
    ) -> Result<heapless::Vec<(Key, retired::Block), { crate::payment::MAX_INPUTS }>, Status> {
        let mut blocks = heapless::Vec::new();
        for place in places {
            let key = RETIRED + retired::number(*place);
            let at = match blocks.iter().position(|(known, _)| *known == key) {
                Some(at) => at,
                None => {
                    let block = self.retired_block(*place)?;
                    blocks
                        .push((key, block))
                        .map_err(|_| status::EXECUTION_ERROR)?;
                    blocks.len() - 1
                }
            };
            retired::insert(&mut blocks[at].1, *place);
        }
        Ok(blocks)
    }

    /// Reads a record that must be there and have the buffer's length.
    fn read_fixed(&mut self, key: Key, buffer: &mut [u8]) -> Result<(), Status> {
        let length = buffer.len();
        match self.journal.read(key, buffer)? {
            Some(bytes) if bytes.len() == length => Ok(()),
            _ => Err(status::MEMORY_FAILURE),
        }
    }
}
