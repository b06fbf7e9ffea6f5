//! The payment log: entries in a ring, and what became of each.

use super::{
    COINS, COUNTERS, Counters, LOG, LogEntry, PaymentRecordState, Persistent, RECORD_STATES, Slot,
};
use crate::capacities::MAX_LOG;
use embedded_storage::nor_flash::NorFlash;
use subtle::ConstantTimeEq;
use tillcard_protocol::command::IDENTITY_LENGTH;
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::{Key, RECORD_MAX};

/// An entry's bytes, from which it is decoded.
pub type EntryBuffer = [u8; RECORD_MAX];

/// Where in the ring a payment stands.
pub(super) fn position(payment_number: u32) -> Key {
    (payment_number % u32::from(MAX_LOG)) as Key
}

impl<N: NorFlash> Persistent<N> {
    /// A payment that the log keeps, decoded from `buffer`.
    ///
    /// # Errors
    /// `6581`
    pub fn log_entry<'a>(
        &mut self,
        payment_number: u32,
        buffer: &'a mut EntryBuffer,
    ) -> Result<LogEntry<'a>, Status> {
        self.journal
            .read(LOG + position(payment_number), buffer)?
            .and_then(LogEntry::decode)
            .ok_or(status::MEMORY_FAILURE)
    }

    /// The kept payment with this identity. Whoever asks without PIN mustn't learn from the time
    /// how many payments there are: the work is the same whatever the log keeps.
    ///
    /// # Errors
    /// `6581`
    pub fn find_payment(
        &mut self,
        counters: &Counters,
        identity: &[u8; IDENTITY_LENGTH],
    ) -> Result<Option<u32>, Status> {
        let kept = counters.log_next.saturating_sub(counters.log_first);
        let mut found = None;
        for at in 0..u32::from(MAX_LOG) {
            let payment_number = counters.log_first.wrapping_add(at);
            let mut buffer = [0; RECORD_MAX];
            // Where no payment ever stood, another record is as good.
            let key = LOG + position(payment_number);
            let key = if self.journal.contains(key)? {
                key
            } else {
                COUNTERS
            };
            let entry = self
                .journal
                .read(key, &mut buffer)?
                .and_then(LogEntry::decode);
            if at < kept {
                let entry = entry.ok_or(status::MEMORY_FAILURE)?;
                if entry.identity.ct_eq(identity).into() {
                    found = Some(payment_number);
                }
            }
        }
        Ok(found)
    }

    /// The newest kept payment of which something holds.
    ///
    /// # Errors
    /// `6581`
    pub fn find_entry(
        &mut self,
        counters: &Counters,
        holds: impl Fn(&LogEntry<'_>) -> bool,
    ) -> Result<Option<u32>, Status> {
        let mut buffer = [0; RECORD_MAX];
        for payment_number in (counters.log_first..counters.log_next).rev() {
            if holds(&self.log_entry(payment_number, &mut buffer)?) {
                return Ok(Some(payment_number));
            }
        }
        Ok(None)
    }

    /// What became of a kept payment.
    ///
    /// # Errors
    /// `6581`
    pub fn record_state(&mut self, payment_number: u32) -> Result<PaymentRecordState, Status> {
        let mut bytes = [0; PaymentRecordState::LENGTH];
        match self
            .journal
            .read(RECORD_STATES + position(payment_number), &mut bytes)?
        {
            None => Ok(PaymentRecordState::default()),
            Some(read) if read.len() == PaymentRecordState::LENGTH => {
                Ok(PaymentRecordState::decode(bytes))
            }
            Some(_) => Err(status::MEMORY_FAILURE),
        }
    }

    /// Replaces what became of a kept payment.
    ///
    /// # Errors
    /// `6581`
    pub fn set_record_state(
        &mut self,
        payment_number: u32,
        state: PaymentRecordState,
    ) -> Result<(), Status> {
        let mut transaction = self.journal.begin(1, PaymentRecordState::LENGTH)?;
        transaction.put(RECORD_STATES + position(payment_number), &state.encode())?;
        Ok(transaction.commit()?)
    }

    /// Cancels a payment: says so in the log, sets the counters, and removes the
    /// coin in `change`, all in one step (`[RES-1]`).
    ///
    /// # Errors
    /// `6581`
    pub fn cancel(
        &mut self,
        payment_number: u32,
        counters: &Counters,
        change_coin: Option<Slot>,
    ) -> Result<(), Status> {
        let state = PaymentRecordState {
            cancelled: true,
            ..self.record_state(payment_number)?
        };
        let records = 2 + change_coin.iter().count();
        let mut transaction = self
            .journal
            .begin(records, PaymentRecordState::LENGTH + Counters::LENGTH)?;
        transaction.put(RECORD_STATES + position(payment_number), &state.encode())?;
        transaction.put(COUNTERS, &counters.encode())?;
        if let Some(slot) = change_coin {
            transaction.put(COINS + slot, &[])?;
        }
        Ok(transaction.commit()?)
    }
}
