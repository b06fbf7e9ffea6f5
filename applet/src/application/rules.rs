//! What a payment must keep to (`[PAY-4]`).

use super::Tillcard;
use crate::capacities::{MAX_INDEX, MAX_LOG};
use crate::payment::{Candidates, PayeeScript, Plan};
use crate::persistent::{Change, Identity, Room, Slot, Tally};
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
    pub(super) tally: Tally,
    /// The change, if there is any, and a free place for its coin.
    pub(super) change: Option<(Slot, Change)>,
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// The rules, in the order of `[PAY-4]`, from the merchant to the room for
    /// the change.
    ///
    /// `[LIM-2]`: each payment raises the counters.
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
        let mut tally = self.persistent.tally()?;
        if tally.payments >= limits.payments {
            return Err(status::PAYMENTS_LIMIT);
        }
        make_room_in_log(&mut tally)?;
        let (candidates, room) = self.candidates(&tally, request.source, absent)?;
        let plan = candidates.choose(request.amount, payee.as_bytes().len(), request.fee_rate)?;
        if plan.fee > limits.fee_cap {
            return Err(status::FEE_CAP);
        }
        // Each summand is at most MAX_MONEY.
        tally.debited += plan.amount + plan.fee;
        if tally.debited > limits.cumulative {
            return Err(status::OVER_CUMULATIVE_LIMIT);
        }
        let change = if plan.change > 0 {
            if tally.next_change >= MAX_INDEX {
                return Err(status::NO_ROOM);
            }
            let change = Change {
                amount: plan.change,
                index: tally.next_change,
            };
            tally.next_change += 1;
            // The coins spent are unrooted too, and make room for it.
            Some((room.slot(false).ok_or(status::NO_ROOM)?, change))
        } else {
            None
        };
        tally.log_next = tally.log_next.checked_add(1).ok_or(status::LOG_FULL)?;
        tally.payments += 1;
        tally.without_pin += u16::from(authority == Authority::None);
        Ok(Allowed {
            identity: self.persistent.identity()?,
            plan,
            tally,
            change,
        })
    }

    /// `6982` unless the owner allows a payment of so much without PIN
    /// (`[NOP-1]`).
    pub(super) fn require_allowed_without_pin(&mut self, amount: u64) -> Result<(), Status> {
        let limits = self.persistent.limits()?;
        let made = self.persistent.tally()?.without_pin;
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
    /// - `[ABS-2]`: a coin reported in this authorisation is no candidate.
    fn candidates(
        &mut self,
        tally: &Tally,
        source: Source,
        absent: &[Slot],
    ) -> Result<(Candidates, Room), Status> {
        let unrooted = source == Source::Unrooted;
        let mut candidates = Candidates::default();
        let mut room = Room::default();
        self.persistent
            .for_each_slot(tally.log_first, |persistent, slot, coin| {
                room.visit(slot, coin.as_ref());
                if let Some(coin) = coin
                    && coin.spent.is_none()
                    && coin.unrooted == unrooted
                    && !absent.contains(&slot)
                    && !persistent.is_retired(coin.place)?
                {
                    candidates.add(slot, coin);
                }
                Ok(())
            })?;
        Ok((candidates, room))
    }
}

/// Where the log is full, its oldest payment makes room, if the owner has
/// acknowledged it (`[ACK-1]`).
fn make_room_in_log(tally: &mut Tally) -> Result<(), Status> {
    if tally.log_next - tally.log_first < MAX_LOG.into() {
        Ok(())
    } else if tally.log_first < tally.log_seen {
        tally.log_first += 1;
        Ok(())
    } else {
        Err(status::LOG_FULL)
    }
}
