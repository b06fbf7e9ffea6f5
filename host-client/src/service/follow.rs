//! What the service tells of a payment follows from its record, which is the truth, and from what the
//! till said last.

use super::bell::Stop;
use super::moment::Moment;
use super::payment::{Alarm, Passed, Payment, PinAsked, Reason, State};
use tillcard::till::{Event, PaymentRecord, PaymentState};

/// Code of [`tillcard::till::Open::Contested`].
const CONTESTED: &str = "payment-contested";

impl Payment {
    /// Follows the record that was stored, and the event that was told then.
    pub(crate) fn follow(
        &mut self,
        record: &PaymentRecord,
        event: Option<&Event>,
        stop: Option<Stop>,
        now: Moment,
    ) {
        self.txid = record.txid().map(|txid| txid.to_string());
        self.judge_again(now);
        let state = self.state_of(record, event, stop);
        if let Some(preview) = &record.preview {
            self.fee_sat = Some(preview.fee.to_sat());
        }
        if let PaymentState::Confirmed { confirmations } = record.state {
            self.confirmations = confirmations;
        }
        if let Some(event) = event {
            self.hear(event);
            self.alarm(event, now);
        }
        if record.state == PaymentState::Cancelled
            && self.state_by_address().is_some()
            && let Some(by_address) = &self.by_address
        {
            self.confirmations = by_address.confirmations;
            self.step.clone_from(&by_address.what_to_do);
        }
        if state != self.state {
            self.state = state;
            self.history.push(Passed { state, at: now });
        }
        self.updated_at = now;
    }

    /// The stored state, except that of a payment that was asked for or signed: it is in doubt once
    /// the till has said so.
    fn state_of(&self, record: &PaymentRecord, event: Option<&Event>, stop: Option<Stop>) -> State {
        match record.state {
            PaymentState::Created => State::Created,
            PaymentState::WaitingForCard => State::WaitingForCard,
            PaymentState::WaitingForPin => State::WaitingForPin,
            PaymentState::Asked => match (event, self.state) {
                (Some(Event::Signing), _) => State::Signing,
                (Some(Event::CardLost { .. } | Event::Open { .. }) | None, _) => State::Unknown,
                (Some(_), state) => state,
            },
            PaymentState::Signed => match event {
                Some(Event::Open { .. } | Event::Reorganised { .. } | Event::ConflictUndone) => {
                    State::Unknown
                }
                _ => State::Signing,
            },
            PaymentState::Broadcast => State::Broadcast,
            PaymentState::Confirmed { .. } => State::Confirmed,
            PaymentState::Settled => State::Settled,
            PaymentState::Cancelled => match self.state_by_address() {
                Some(state) => state,
                None if stop == Some(Stop::Expired) => State::Expired,
                None if self.state == State::Expired => State::Expired,
                None => State::Cancelled,
            },
            // Told with its reason, and not when the card is let go before.
            PaymentState::Declined => match event {
                Some(Event::Declined { .. }) | None => State::Declined,
                Some(_) => self.state,
            },
            PaymentState::Conflicted => State::Conflicted,
            PaymentState::Closed => State::Closed,
            // A state of a later version of the till.
            _ => self.state,
        }
    }

    fn hear(&mut self, event: &Event) {
        self.step = event.to_string();
        self.pin = match event {
            Event::WaitingForPin { tries_left } => Some(PinAsked {
                tries_left: *tries_left,
            }),
            _ => None,
        };
        match event {
            Event::CheckingCoins { fee, .. } => self.fee_sat = Some(fee.to_sat()),
            Event::Confirmed { confirmations }
            | Event::Reorganised { confirmations }
            | Event::Settled { confirmations, .. } => {
                self.confirmations = *confirmations;
            }
            Event::ConflictUndone => self.confirmations = 0,
            _ => {}
        }
        self.reason = match event {
            Event::Declined { code, reason, .. }
            | Event::Open { code, reason }
            | Event::CardUnusable { code, reason } => Some(Reason {
                code: (*code).to_owned(),
                detail: reason.clone(),
            }),
            // What was wrong last stands until the card is another, or the payment goes on.
            Event::WaitingForCard | Event::CardReleased { .. } | Event::WrongPin { .. } => {
                self.reason.take()
            }
            _ => None,
        };
    }

    /// Raises an alarm when money that was counted on went back. A double spend that is seen again and
    /// again is one.
    fn alarm(&mut self, event: &Event, now: Moment) {
        let code = match event {
            Event::Reorganised { .. } => "payment-reorganised",
            Event::ConflictUndone => "payment-conflict-undone",
            Event::Conflicted { .. } => "payment-conflicted",
            Event::Open { code, .. } if *code == CONTESTED => code,
            _ => return,
        };
        let reason = Reason {
            code: code.to_owned(),
            detail: match event {
                Event::Open { reason, .. } => reason.clone(),
                event => event.to_string(),
            },
        };
        let is_known = self.alarms.last().is_some_and(|last| last.reason == reason);
        if !(is_known && code == CONTESTED) {
            self.alarms.push(Alarm { reason, at: now });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tillcard_client::card::PaymentOrder;

    #[test]
    fn declined_is_told_with_its_reason() {
        let amount = bitcoin::Amount::from_sat(21_000);
        let rate = tillcard::chain::FeeRate::FALLBACK;
        let order = PaymentOrder::new(amount, rate, Default::default()).unwrap();
        let mut record = PaymentRecord::new("milk".into(), "bcrt1q".into(), 1, order);
        let now = Moment::now();
        let mut payment = Payment::new(&record, None, "Counter".into(), Duration::ZERO, now);
        record.state = PaymentState::Declined;
        let released = Event::CardReleased { apdus: 12 };
        payment.follow(&record, Some(&released), None, now);
        assert_eq!(payment.state, State::Created);
        let declined = Event::Declined {
            code: "no-pin",
            reason: "no PIN".to_owned(),
            outpoint: None,
        };
        payment.follow(&record, Some(&declined), None, now);
        assert_eq!(payment.state, State::Declined);
        assert!(payment.reason.is_some());
    }
}
