//! The payment log: entries in a ring, and how often each was given again.

use super::log_entry::{Given, LogEntry};
use super::{COINS, GIVEN, LOG, Persistent, Slot, TALLY, Tally};
use crate::capacities::MAX_LOG;
use embedded_storage::nor_flash::NorFlash;
use tillcard_protocol::command::IDENTITY_LENGTH;
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::{Key, RECORD_MAX};

/// An entry's bytes, from which it is decoded.
pub type EntryBuffer = [u8; RECORD_MAX];

/// Where in the ring a payment stands.
pub(super) fn position(sequence: u32) -> Key {
    (sequence % u32::from(MAX_LOG)) as Key
}

impl<N: NorFlash> Persistent<N> {
    /// A payment that the log keeps, decoded from `buffer`.
    ///
    /// # Errors
    /// `6581`
    pub fn log_entry<'a>(
        &mut self,
        sequence: u32,
        buffer: &'a mut EntryBuffer,
    ) -> Result<LogEntry<'a>, Status> {
        self.journal
            .read(LOG + position(sequence), buffer)?
            .and_then(LogEntry::decode)
            .ok_or(status::MEMORY_FAILURE)
    }

    /// The kept payment with this identity.
    ///
    /// # Errors
    /// `6581`
    pub fn find_payment(
        &mut self,
        tally: &Tally,
        identity: &[u8; IDENTITY_LENGTH],
    ) -> Result<Option<u32>, Status> {
        self.find_entry(tally, |entry| entry.identity == *identity)
    }

    /// The newest kept payment of which something holds.
    ///
    /// # Errors
    /// `6581`
    pub fn find_entry(
        &mut self,
        tally: &Tally,
        holds: impl Fn(&LogEntry<'_>) -> bool,
    ) -> Result<Option<u32>, Status> {
        let mut buffer = [0; RECORD_MAX];
        for sequence in (tally.log_first..tally.log_next).rev() {
            if holds(&self.log_entry(sequence, &mut buffer)?) {
                return Ok(Some(sequence));
            }
        }
        Ok(None)
    }

    /// How often a kept payment was given again.
    ///
    /// # Errors
    /// `6581`
    pub fn given(&mut self, sequence: u32) -> Result<Given, Status> {
        let mut bytes = [0; Given::LENGTH];
        match self.journal.read(GIVEN + position(sequence), &mut bytes)? {
            None => Ok(Given::default()),
            Some(read) if read.len() == Given::LENGTH => Ok(Given::decode(bytes)),
            Some(_) => Err(status::MEMORY_FAILURE),
        }
    }

    /// Sets that.
    ///
    /// # Errors
    /// `6581`
    pub fn set_given(&mut self, sequence: u32, given: Given) -> Result<(), Status> {
        let mut change = self.journal.begin(1, Given::LENGTH)?;
        change.put(GIVEN + position(sequence), &given.encode())?;
        Ok(change.commit()?)
    }

    /// Cancels a payment: says so in the log, sets the counters, and removes the
    /// coin in `change`, all in one step (`[RES-1]`).
    ///
    /// # Errors
    /// `6581`
    pub fn cancel(
        &mut self,
        sequence: u32,
        tally: &Tally,
        change_coin: Option<Slot>,
    ) -> Result<(), Status> {
        let given = Given {
            cancelled: true,
            ..self.given(sequence)?
        };
        let records = 2 + change_coin.iter().count();
        let mut change = self.journal.begin(records, Given::LENGTH + Tally::LENGTH)?;
        change.put(GIVEN + position(sequence), &given.encode())?;
        change.put(TALLY, &tally.encode())?;
        if let Some(slot) = change_coin {
            change.put(COINS + slot, &[])?;
        }
        Ok(change.commit()?)
    }
}
