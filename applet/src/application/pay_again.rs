//! A payment's transaction once more: to the till that asked for it, and, as an
//! ancestor, to one that meets its change. REPORT ABSENT, GET ANCESTOR.

use super::Tillcard;
use super::inputs_outputs::InputsOutputs;
use super::state::ShopSession;
use crate::capacities::MAX_INPUTS;
use crate::capacities::MAX_LOG;
use crate::persistent::{Coin, Counters, PaymentRecordState, Slot};
use crate::volatile::{Holder, MAX_REPORTS};
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{Outpoint, PaymentRequest, Source, Txid};
use tillcard_protocol::status::{self, Status};
use tillcard_runtime::journal::RECORD_MAX;

/// How often PAY gives a payment again to whoever has no holder's authorisation.
const TIMES: u8 = 16;

/// Bits for the payments in the log, by their place.
type Marks = u64;
const _: () = assert!(MAX_LOG as u32 <= Marks::BITS);

fn mark(payment_number: u32) -> Marks {
    1 << (payment_number % u32::from(MAX_LOG))
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// Whether this is byte for byte the request of a kept payment.
    pub(super) fn is_request_of(
        &mut self,
        payment_number: u32,
        request: &PaymentRequest<'_>,
    ) -> Result<bool, Status> {
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(payment_number, &mut buffer)?;
        Ok(entry.identity == request.identity
            && entry.amount == request.amount
            && entry.fee_rate == request.fee_rate
            && entry.payee_script == request.payee_script
            && entry.unrooted == (request.source == Source::Unrooted)
            && entry.merchant == request.merchant
            && entry.invoice == request.invoice)
    }

    /// Answers a payment's request again (`[REC-1]`, `[REC-2]`): always to a holder, so that
    /// whoever uses up what is given without PIN takes nothing from him.
    pub(super) fn give_again(
        &mut self,
        payment_number: u32,
        has_holder: bool,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let state = self.persistent.record_state(payment_number)?;
        if state.cancelled || (!has_holder && state.again >= TIMES) {
            return Err(status::GIVEN_TOO_OFTEN);
        }
        let counted = PaymentRecordState {
            again: state.again.saturating_add(1),
            ..state
        };
        self.sign_again(payment_number, counted, reply)
    }

    #[inline(never)]
    pub(super) fn report_absent(
        &mut self,
        _: ShopSession,
        outpoint: Outpoint,
    ) -> Result<(), Status> {
        let log_first = self.persistent.counters()?.log_first;
        let holder = offering(&mut self.volatile.holder)?;
        for (at, slot) in holder.offered.iter().enumerate() {
            let Some(coin) = self.persistent.coin(*slot, log_first)? else {
                continue;
            };
            if coin.outpoint() != outpoint {
                continue;
            }
            if holder.absent.len() == MAX_REPORTS {
                return Err(status::TOO_MANY_REPORTS);
            }
            let coin = Coin {
                doubtful: true,
                ..coin
            };
            self.persistent.set_coin(*slot, &coin)?;
            let slot = holder.offered.swap_remove(at);
            // There is room: that was looked at.
            let _ = holder.absent.push(slot);
            holder.may_preview = true;
            return Ok(());
        }
        Err(status::NOT_OFFERED)
    }

    /// `[ANC-1]`: a kept payment from which an offered coin comes.
    #[inline(never)]
    pub(super) fn get_ancestor(
        &mut self,
        _: ShopSession,
        txid: &Txid,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let counters = self.persistent.counters()?;
        let holder = offering(&mut self.volatile.holder)?;
        let given_here = holder.given;
        let offered = holder.offered.clone();
        let known = self
            .persistent
            .find_entry(&counters, |entry| entry.txid == *txid)?;
        let payment_number = match known {
            Some(payment_number)
                if self.ancestors(&counters, &offered)? & mark(payment_number) != 0 =>
            {
                payment_number
            }
            _ => return Err(status::DATA_NOT_FOUND),
        };
        let state = self.persistent.record_state(payment_number)?;
        if state.cancelled || given_here & mark(payment_number) != 0 {
            return Err(status::GIVEN_TOO_OFTEN);
        }
        let counted = PaymentRecordState {
            as_ancestor: state.as_ancestor.saturating_add(1),
            ..state
        };
        if let Some(holder) = &mut self.volatile.holder {
            holder.given |= mark(payment_number);
        }
        self.sign_again(payment_number, counted, reply)
    }

    /// The kept payments from which the offered coins come.
    fn ancestors(&mut self, counters: &Counters, offered: &[Slot]) -> Result<Marks, Status> {
        let mut marks = self.makers(counters, offered)?;
        let mut buffer = [0; RECORD_MAX];
        // A payment spends what older ones made: once round, from new to old.
        for payment_number in (counters.log_first..counters.log_next).rev() {
            if marks & mark(payment_number) != 0 {
                let inputs = self
                    .persistent
                    .log_entry(payment_number, &mut buffer)?
                    .inputs
                    .clone();
                marks |= self.makers(counters, &inputs)?;
            }
        }
        Ok(marks)
    }

    /// The kept payments whose change these coins are.
    fn makers(&mut self, counters: &Counters, slots: &[Slot]) -> Result<Marks, Status> {
        let mut marks = 0;
        for slot in slots {
            if let Some(coin) = self.persistent.coin(*slot, counters.log_first)? {
                let maker = self
                    .persistent
                    .find_entry(counters, |entry| entry.txid == coin.txid)?;
                marks |= maker.map_or(0, mark);
            }
        }
        Ok(marks)
    }

    /// Writes and signs a kept payment again, and counts that before it leaves.
    fn sign_again(
        &mut self,
        payment_number: u32,
        counted: PaymentRecordState,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.rng.require_healthy()?;
        let mut buffer = [0; RECORD_MAX];
        let entry = self.persistent.log_entry(payment_number, &mut buffer)?;
        let log_first = self.persistent.counters()?.log_first;
        let mut coins = Vec::<Coin, MAX_INPUTS>::new();
        for slot in &entry.inputs {
            let coin = self.persistent.coin(*slot, log_first)?;
            // The log keeps the coins that its payments spent.
            let coin = coin.filter(|coin| coin.spent == Some(payment_number));
            coins
                .push(coin.ok_or(status::MEMORY_FAILURE)?)
                .map_err(|_| status::MEMORY_FAILURE)?;
        }
        let identity = self.persistent.identity()?;
        let inputs_outputs = InputsOutputs::derive(&identity, coins.iter().copied(), entry.change)?;
        let draft = inputs_outputs.draft(entry.amount, entry.payee_script);
        if draft.txid() != entry.txid {
            return Err(status::MEMORY_FAILURE);
        }
        let signatures = self.sign(&identity, &inputs_outputs, &draft)?;
        self.persistent.set_record_state(payment_number, counted)?;
        draft.write(&signatures, reply)
    }
}

/// A holder to whom coins are offered; `6982`, `6985`.
fn offering(holder: &mut Option<Holder>) -> Result<&mut Holder, Status> {
    let holder = holder.as_mut().ok_or(status::SECURITY_STATUS)?;
    // An offer that was reported away to nothing is one still.
    if holder.request.is_none() {
        return Err(status::CONDITIONS);
    }
    Ok(holder)
}
