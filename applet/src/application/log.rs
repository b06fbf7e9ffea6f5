//! READ LOG, ACKNOWLEDGE LOG, RESOLVE.

use super::Tillcard;
use crate::capacities::MAX_INPUTS;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{
    AcknowledgeLog, Authority, LoggedPayment, Outpoint, PaymentState, Place, ReadLog, Resolve,
    Signed,
};
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::RECORD_MAX;

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// `[LOG-2]`: reading changes nothing.
    #[inline(never)]
    pub(super) fn read_log(
        &mut self,
        read: &Signed<'_, ReadLog>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.require_owner(read)?;
        let ReadLog(sequence) = read.command;
        let tally = self.persistent.tally()?;
        if !tally.keeps(sequence) {
            return Err(status::DATA_NOT_FOUND);
        }
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(sequence, &mut buffer)?;
        let given = self.persistent.given(sequence)?;
        let mut outpoints = Vec::<Outpoint, MAX_INPUTS>::new();
        for slot in &entry.inputs {
            let coin = self.persistent.coin(*slot, tally.log_first)?;
            outpoints
                .push(coin.ok_or(status::MEMORY_FAILURE)?.outpoint())
                .map_err(|_| status::MEMORY_FAILURE)?;
        }
        let logged = LoggedPayment {
            number: sequence,
            state: if given.cancelled {
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
            given_again: given.again,
            given_as_ancestor: given.as_ancestor,
        };
        Ok(logged.write(reply)?)
    }

    /// `[ACK-2]`: the numbers are in order, and never fall.
    #[inline(never)]
    pub(super) fn acknowledge_log(
        &mut self,
        acknowledge: &Signed<'_, AcknowledgeLog>,
    ) -> Result<(), Status> {
        self.require_owner(acknowledge)?;
        let AcknowledgeLog { seen, settled } = acknowledge.command;
        let mut tally = self.persistent.tally()?;
        let ordered = tally.log_first <= settled
            && settled <= seen
            && tally.log_seen <= seen
            && seen <= tally.log_next;
        if !ordered {
            return Err(status::INCORRECT_DATA);
        }
        tally.log_first = settled;
        tally.log_seen = seen;
        self.persistent.set_tally(&tally)
    }

    /// `[RES-2]`: not twice, and not while the change is spent.
    #[inline(never)]
    pub(super) fn resolve(&mut self, resolve: &Signed<'_, Resolve>) -> Result<(), Status> {
        self.require_owner(resolve)?;
        let Resolve(sequence) = resolve.command;
        let mut tally = self.persistent.tally()?;
        if !tally.keeps(sequence) || self.persistent.given(sequence)?.cancelled {
            return Err(status::DATA_NOT_FOUND);
        }
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(sequence, &mut buffer)?;
        let mut change = None;
        let mut spent = None;
        if let Some(made) = entry.change {
            let place = Place::change(made.index);
            self.persistent
                .for_each_slot(tally.log_first, |_, slot, coin| {
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
            && !self.persistent.given(by)?.cancelled
        {
            return Err(status::CONDITIONS);
        }
        if sequence >= tally.counted_from {
            tally.debited = tally.debited.saturating_sub(entry.amount + entry.fee);
        }
        self.persistent.cancel(sequence, &tally, change)?;
        self.volatile.withdraw(change.as_slice());
        Ok(())
    }
}
