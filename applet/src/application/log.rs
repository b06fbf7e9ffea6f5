//! READ LOG, ACKNOWLEDGE LOG, RESOLVE.

use super::Tillcard;
use super::state::OwnerAuthorised;
use crate::capacities::MAX_INPUTS;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{
    AcknowledgeLog, Authority, LoggedPayment, Outpoint, PaymentState, Place, ReadLog, Resolve,
};
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::RECORD_MAX;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[LOG-2]`: reading changes nothing.
    #[inline(never)]
    pub(super) fn read_log(
        &mut self,
        _: OwnerAuthorised,
        ReadLog(payment_number): ReadLog,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let counters = self.persistent.counters()?;
        if !counters.keeps(payment_number) {
            return Err(status::DATA_NOT_FOUND);
        }
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(payment_number, &mut buffer)?;
        let state = self.persistent.record_state(payment_number)?;
        let mut outpoints = Vec::<Outpoint, MAX_INPUTS>::new();
        for slot in &entry.inputs {
            let coin = self.persistent.coin(*slot, counters.log_first)?;
            outpoints
                .push(coin.ok_or(status::MEMORY_FAILURE)?.outpoint())
                .map_err(|_| status::MEMORY_FAILURE)?;
        }
        let logged = LoggedPayment {
            number: payment_number,
            state: if state.cancelled {
                PaymentState::Cancelled
            } else {
                PaymentState::Standing
            },
            txid: entry.txid,
            payee_script: entry.payee_script,
            amount: entry.amount,
            fee: entry.fee,
            change: entry.change.map_or(0, |change| change.amount),
            fee_rate: entry.fee_rate,
            authority: if entry.without_pin {
                Authority::None
            } else {
                Authority::Pin
            },
            identity: entry.identity,
            merchant: entry.merchant,
            invoice: entry.invoice,
            outpoints: outpoints.iter().copied(),
            given_again: state.again,
            given_as_ancestor: state.as_ancestor,
        };
        Ok(logged.write(reply)?)
    }

    /// `[ACK-2]`: the numbers are in order, and never fall.
    #[inline(never)]
    pub(super) fn acknowledge_log(
        &mut self,
        _: OwnerAuthorised,
        AcknowledgeLog { seen, settled }: AcknowledgeLog,
    ) -> Result<(), Status> {
        let mut counters = self.persistent.counters()?;
        let ordered = counters.log_first <= settled
            && settled <= seen
            && counters.log_seen <= seen
            && seen <= counters.log_next;
        if !ordered {
            return Err(status::INCORRECT_DATA);
        }
        counters.log_first = settled;
        counters.log_seen = seen;
        self.persistent.set_counters(&counters)
    }

    /// `[RES-2]`: not twice, and not while the change is spent.
    #[inline(never)]
    pub(super) fn resolve(
        &mut self,
        _: OwnerAuthorised,
        Resolve(payment_number): Resolve,
    ) -> Result<(), Status> {
        let mut counters = self.persistent.counters()?;
        if !counters.keeps(payment_number)
            || self.persistent.record_state(payment_number)?.cancelled
        {
            return Err(status::DATA_NOT_FOUND);
        }
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(payment_number, &mut buffer)?;
        let mut change = None;
        let mut spent = None;
        if let Some(made) = entry.change {
            let place = Place::change(made.index);
            self.persistent
                .for_each_slot(counters.log_first, |_, slot, coin| {
                    match coin {
                        Some(coin) if coin.txid != entry.txid || coin.place != place => {}
                        Some(coin) if coin.spent.is_some() => spent = coin.spent,
                        Some(_) => change = Some(slot),
                        None => {}
                    }
                    Ok(())
                })?;
        }
        if let Some(by) = spent
            && !self.persistent.record_state(by)?.cancelled
        {
            return Err(status::CONDITIONS);
        }
        if payment_number >= counters.counted_from {
            counters.debited = counters.debited.saturating_sub(entry.amount + entry.fee);
        }
        self.persistent.cancel(payment_number, &counters, change)?;
        self.volatile.withdraw(change.as_slice());
        Ok(())
    }
}
