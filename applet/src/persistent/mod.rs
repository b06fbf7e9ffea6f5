//! What the card remembers without power: records in the journal.

mod card_keys;
mod coin;
mod coins;
mod counters;
mod ending;
mod fields;
mod identity;
mod index_bitmap;
mod log;
mod log_entry;
mod record_state;
mod spending;

pub use coin::Coin;
pub use coins::FreeSlot;
pub use counters::Counters;
pub use ending::Ending;
pub use identity::Identity;
pub use log_entry::{Change, LogEntry};
pub use record_state::PaymentRecordState;
pub use spending::{OwnerSigned, Payment};

use crate::capacities::{MAX_COINS, MAX_LOG, TRIES};
use crate::key::{AccountSecret, CardKeyPairs};
use embedded_storage::nor_flash::NorFlash;
use index_bitmap::IndexBitmap;
use tillcard_protocol::command::{Certificate, Limits, Policy, TaprootScript, XOnlyKey};
use tillcard_protocol::pin::{BLOCK_LENGTH, PinBlock};
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::{self, Journal, Key, RECORD_MAX};
use zeroize::Zeroizing;

const IDENTITY: Key = 0;
const PIN: Key = 1;
const TRIES_LEFT: Key = 2;
const COUNTERS: Key = 3;
const LIMITS: Key = 4;
const RECEIVE_SCRIPT: Key = 5;
const RETIRED: Key = 6;
const COINS: Key = RETIRED + IndexBitmap::COUNT;
const LOG: Key = COINS + MAX_COINS;
const RECORD_STATES: Key = LOG + MAX_LOG as Key;
const CARD_KEYS: Key = RECORD_STATES + MAX_LOG as Key;
/// Pieces of certificates, those of one after those of another.
const CERTIFICATES: Key = CARD_KEYS + 1;
const CERTIFICATE_PIECES: Key = Certificate::ALL.len() as Key * Certificate::PIECES as Key;
/// There when the personalisation has ended.
const PERSONALISED: Key = CERTIFICATES + CERTIFICATE_PIECES;
const POLICY: Key = PERSONALISED + 1;
/// Places that a statement pledged.
const PLEDGED: Key = POLICY + 1;
/// There while the card forgets its owner.
const ENDING: Key = PLEDGED + IndexBitmap::COUNT;
/// There when the card is at the end of its life.
const TERMINATED: Key = ENDING + 1;
/// The owner key, once it was changed.
const OWNER_KEY: Key = TERMINATED + 1;
/// Number of records that there can be.
pub const KEYS: usize = (OWNER_KEY + 1) as usize;

const SCRIPT_LENGTH: usize = size_of::<TaprootScript>();

// A full card leaves three pages: the head, one free, and one for what is lost
// at the ends of pages.
const _: () = {
    const HEADER: usize = 3;
    let full = HEADER * KEYS
        + Identity::LENGTH
        + BLOCK_LENGTH
        + 1
        + Counters::LENGTH
        + Limits::LENGTH
        + SCRIPT_LENGTH
        + 2 * IndexBitmap::COUNT as usize * IndexBitmap::LENGTH
        + CardKeyPairs::LENGTH
        + Certificate::ALL.len() * card_keys::TYPICAL_CERTIFICATE
        + 1
        + Policy::LENGTH
        + Ending::LENGTH
        + size_of::<XOnlyKey>()
        + MAX_COINS as usize * Coin::TYPICAL_LENGTH
        + MAX_LOG as usize * (log_entry::TYPICAL_LENGTH + PaymentRecordState::LENGTH);
    assert!(full <= tillcard_runtime::nvm::NVM_SIZE - 3 * tillcard_runtime::nvm::PAGE_SIZE);
};

// The longest entry is one record.
const _: () = assert!(log_entry::MAX_LENGTH <= RECORD_MAX);

/// The place of a coin in the table.
pub type Slot = u16;

/// See the [module](self).
pub struct Persistent<N> {
    journal: Journal<N, KEYS>,
}

impl<N: NorFlash> Persistent<N> {
    /// Opens the records on an NVM. Should that fail, every use answers `6581`.
    ///
    /// `[NVM-4]`: images of older versions from 0.1 on are usable.
    pub fn open(nvm: N) -> Self {
        let mut opened = Self {
            journal: Journal::open(nvm),
        };
        opened.finish_ending();
        opened
    }

    /// Opens them again, as after a power failure.
    pub fn reopen(&mut self) {
        self.journal.reopen();
        self.finish_ending();
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

    /// Whether the NVM can be used; if not, why.
    ///
    /// # Errors
    /// Those of [`Journal::check`].
    pub fn check(&self) -> Result<(), journal::Error> {
        self.journal.check()
    }

    /// Whether the card was issued.
    ///
    /// # Errors
    /// `6581`
    pub fn is_issued(&self) -> Result<bool, Status> {
        Ok(self.journal.contains(IDENTITY)?)
    }

    /// Makes a factory card an issued one.
    ///
    /// # Errors
    /// `6581`
    pub fn issue(
        &mut self,
        identity: &Identity,
        secret: &AccountSecret,
        pin: &PinBlock,
        allowed: (&Limits, Policy),
        receive_script: &TaprootScript,
        card_keys: &CardKeyPairs,
    ) -> Result<(), Status> {
        const FIXED: usize = BLOCK_LENGTH
            + 1
            + Counters::LENGTH
            + Limits::LENGTH
            + SCRIPT_LENGTH
            + Policy::LENGTH
            + CardKeyPairs::LENGTH;
        let (limits, policy) = allowed;
        let mut transaction = self.journal.begin(8, Identity::LENGTH + FIXED)?;
        transaction.put(IDENTITY, &*identity.encode(secret))?;
        transaction.put(PIN, pin.as_bytes())?;
        transaction.put(TRIES_LEFT, &[TRIES])?;
        transaction.put(COUNTERS, &Counters::default().encode())?;
        transaction.put(LIMITS, &limits.to_bytes())?;
        transaction.put(RECEIVE_SCRIPT, receive_script)?;
        transaction.put(POLICY, &[policy.to_byte()])?;
        transaction.put(CARD_KEYS, &*card_keys.to_bytes())?;
        Ok(transaction.commit()?)
    }

    /// What the owner allows in others' sessions; under versions 0.1 and 0.2 there
    /// were plain ones only.
    ///
    /// # Errors
    /// `6581`
    pub fn policy(&mut self) -> Result<Policy, Status> {
        let mut byte = [0; Policy::LENGTH];
        match self.journal.read(POLICY, &mut byte)? {
            Some(&[byte]) => Policy::from_byte(byte).ok_or(status::MEMORY_FAILURE),
            Some(_) => Err(status::MEMORY_FAILURE),
            None => Ok(Policy {
                plain_sessions: true,
                statements: false,
            }),
        }
    }

    /// Replaces the policy (`[POL-2]`).
    ///
    /// # Errors
    /// `6581`
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), Status> {
        let mut transaction = self.journal.begin(1, Policy::LENGTH)?;
        transaction.put(POLICY, &[policy.to_byte()])?;
        Ok(transaction.commit()?)
    }

    /// What the owner allows in shops.
    ///
    /// # Errors
    /// `6581`
    pub fn limits(&mut self) -> Result<Limits, Status> {
        let mut bytes = [0; Limits::LENGTH];
        self.read_fixed(LIMITS, &mut bytes)?;
        Ok(Limits::from_bytes(&bytes))
    }

    /// Replaces the limits, and begins to count anew (`[LIM-3]`).
    ///
    /// # Errors
    /// `6581`
    pub fn set_limits(&mut self, limits: &Limits) -> Result<(), Status> {
        let before = self.counters()?;
        let counters = Counters {
            debited: 0,
            payments: 0,
            without_pin: 0,
            counted_from: before.log_next,
            ..before
        };
        let mut transaction = self.journal.begin(2, Limits::LENGTH + Counters::LENGTH)?;
        transaction.put(LIMITS, &limits.to_bytes())?;
        transaction.put(COUNTERS, &counters.encode())?;
        Ok(transaction.commit()?)
    }

    /// The script at the receive index above the highest rooted coin's, which is the next
    /// receive index unless that one is retired.
    ///
    /// # Errors
    /// `6581`
    pub fn receive_script(&mut self) -> Result<TaprootScript, Status> {
        let mut script = [0; SCRIPT_LENGTH];
        self.read_fixed(RECEIVE_SCRIPT, &mut script)?;
        Ok(script)
    }

    /// The PIN, as a block to compare with.
    ///
    /// # Errors
    /// `6581`
    pub fn pin(&mut self) -> Result<PinBlock, Status> {
        let mut bytes = Zeroizing::new([0; BLOCK_LENGTH]);
        self.read_fixed(PIN, &mut *bytes)?;
        PinBlock::from_bytes(&bytes).ok_or(status::MEMORY_FAILURE)
    }

    /// How many wrong PINs may still follow; 0 when the PIN is blocked.
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
        let mut transaction = self.journal.begin(1, 1)?;
        transaction.put(TRIES_LEFT, &[tries])?;
        Ok(transaction.commit()?)
    }

    /// Gives all tries back, with a new PIN where there is one (`[RRC-1]`).
    ///
    /// # Errors
    /// `6581`
    pub fn reset_retry_counter(&mut self, new_pin: Option<&PinBlock>) -> Result<(), Status> {
        let records = 1 + usize::from(new_pin.is_some());
        let data = 1 + new_pin.map_or(0, |_| BLOCK_LENGTH);
        let mut transaction = self.journal.begin(records, data)?;
        if let Some(pin) = new_pin {
            transaction.put(PIN, pin.as_bytes())?;
        }
        transaction.put(TRIES_LEFT, &[TRIES])?;
        Ok(transaction.commit()?)
    }

    /// The counters as they were committed last.
    ///
    /// # Errors
    /// `6581`
    pub fn counters(&mut self) -> Result<Counters, Status> {
        let mut bytes = [0; Counters::LENGTH];
        self.read_fixed(COUNTERS, &mut bytes)?;
        Counters::decode(&bytes).ok_or(status::MEMORY_FAILURE)
    }

    /// Replaces the counters.
    ///
    /// # Errors
    /// `6581`
    pub fn set_counters(&mut self, counters: &Counters) -> Result<(), Status> {
        let mut transaction = self.journal.begin(1, Counters::LENGTH)?;
        transaction.put(COUNTERS, &counters.encode())?;
        Ok(transaction.commit()?)
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
