//! What a payment must keep to (`[PAY-4]`).

use super::Tillcard;
use crate::capacities::{MAX_INDEX, MAX_LOG};
use crate::payment::{Candidates, PayeeScript, Plan};
use crate::persistent::{Change, Counters, FreeSlot, Identity, Slot};
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::merchant::is_printable;
use tillcard_protocol::command::{Authority, MAX_MONEY, PaymentRequest, Source};
use tillcard_protocol::status::{self, Status};

/// A payment that every rule allows.
pub(super) struct Allowed {
    pub(super) identity: Identity,
    pub(super) plan: Plan,
    /// The counters as they will be.
    pub(super) counters: Counters,
    /// The change, if there is any, and a free place for its coin.
    pub(super) change: Option<(Slot, Change)>,
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// The rules, in the order of `[PAY-4]`, from the merchant to the room for
    /// the change.
    ///
    /// - `[LIM-2]`: each payment raises the counters.
    /// - `[NOP-1]`: without PIN, the fee counts too.
    pub(super) fn allow(
        &mut self,
        request: &PaymentRequest<'_>,
        authority: Authority,
        absent: &[Slot],
    ) -> Result<Allowed, Status> {
        let limits = self.persistent.limits()?;
        if !is_printable(request.merchant) {
            return Err(status::INCORRECT_DATA);
        }
        if !(limits.least_fee_rate..=limits.highest_fee_rate).contains(&request.fee_rate) {
            return Err(status::FEE_RATE);
        }
        let payee = PayeeScript::new(request.payee_script).ok_or(status::PAYEE_SCRIPT)?;
        if !(payee.dust()..=MAX_MONEY).contains(&request.amount) {
            return Err(status::AMOUNT);
        }
        if request.amount > limits.per_payment {
            return Err(status::OVER_PAYMENT_LIMIT);
        }
        let mut counters = self.persistent.counters()?;
        if counters.payments >= limits.payments {
            return Err(status::PAYMENTS_LIMIT);
        }
        make_room_in_log(&mut counters)?;
        let (candidates, free) = self.candidates(&counters, request.source, absent)?;
        let plan = candidates.choose(request.amount, payee.as_bytes().len(), request.fee_rate)?;
        if plan.fee > limits.fee_cap {
            return Err(status::FEE_CAP);
        }
        if authority == Authority::None && plan.amount + plan.fee > limits.without_pin_amount {
            return Err(status::SECURITY_STATUS);
        }
        // Each summand is at most MAX_MONEY.
        counters.debited += plan.amount + plan.fee;
        if counters.debited > limits.cumulative {
            return Err(status::OVER_CUMULATIVE_LIMIT);
        }
        let change = if plan.change > 0 {
            let index = self.persistent.next_change(&counters)?;
            if index >= MAX_INDEX {
                return Err(status::NO_ROOM);
            }
            let change = Change {
                amount: plan.change,
                index,
            };
            counters.change_from = index + 1;
            // The coins spent are unrooted too, and make room for it.
            Some((free.slot(false).ok_or(status::NO_ROOM)?, change))
        } else {
            None
        };
        counters.log_next = counters.log_next.checked_add(1).ok_or(status::LOG_FULL)?;
        counters.payments += 1;
        counters.without_pin += u16::from(authority == Authority::None);
        Ok(Allowed {
            identity: self.persistent.identity()?,
            plan,
            counters,
            change,
        })
    }

    /// `6982` unless the owner allows a payment of so much without PIN, before its fee is known
    /// (`[NOP-1]`).
    pub(super) fn require_allowed_without_pin(&mut self, amount: u64) -> Result<(), Status> {
        let limits = self.persistent.limits()?;
        let made = self.persistent.counters()?.without_pin;
        if amount <= limits.without_pin_amount
            && made < limits.without_pin_payments
            && self.persistent.tries_left()? > 0
        {
            Ok(())
        } else {
            Err(status::SECURITY_STATUS)
        }
    }

    /// - `[CRE-2]`: rooted and unrooted coins never meet in a payment.
    /// - `[CRE-4]`: no credit is spent at the place of a rooted coin, whose index that
    ///   would retire.
    /// - `[ABS-2]`: a coin reported in this authorisation is no candidate.
    fn candidates(
        &mut self,
        counters: &Counters,
        source: Source,
        absent: &[Slot],
    ) -> Result<(Candidates, FreeSlot), Status> {
        let unrooted = source == Source::Unrooted;
        let shared = if unrooted {
            self.persistent.shared_places()?
        } else {
            Default::default()
        };
        let mut candidates = Candidates::default();
        let mut free = FreeSlot::default();
        self.persistent
            .for_each_slot(counters.log_first, |persistent, slot, coin| {
                free.visit(slot, coin.as_ref());
                if let Some(coin) = coin
                    && coin.spent.is_none()
                    && coin.unrooted == unrooted
                    && !absent.contains(&slot)
                    && !shared.contains(&coin.place)
                    && !persistent.is_retired(coin.place)?
                {
                    candidates.add(slot, coin);
                }
                Ok(())
            })?;
        Ok((candidates, free))
    }
}

/// Where the log is full, its oldest payment makes room, if the owner has
/// acknowledged it (`[ACK-1]`).
fn make_room_in_log(counters: &mut Counters) -> Result<(), Status> {
    if counters.log_next - counters.log_first < MAX_LOG.into() {
        Ok(())
    } else if counters.log_first < counters.log_seen {
        counters.log_first += 1;
        Ok(())
    } else {
        Err(status::LOG_FULL)
    }
}
