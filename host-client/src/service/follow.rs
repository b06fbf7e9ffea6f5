//! What the service tells of a payment follows from its record, which is the truth, and from what the
//! till said last.

use super::bell::Stop;
use super::moment::Moment;
use super::payment::{Passed, Payment, PinAsked, Reason, State};
use tillcard::till::{Event, PaymentRecord, PaymentState};

impl Payment {
    /// Follows the record that was stored, and the event that was told then.
    pub(crate) fn follow(
        &mut self,
        record: &PaymentRecord,
        event: Option<&Event>,
        stop: Option<Stop>,
        now: Moment,
    ) {
        let state = self.state_of(record, event, stop);
        self.txid = record.txid().map(|txid| txid.to_string());
        if let Some(preview) = &record.preview {
            self.fee_sat = Some(preview.fee.to_sat());
        }
        if let PaymentState::Confirmed { confirmations } = record.state {
            self.confirmations = confirmations;
        }
        if let Some(event) = event {
            self.hear(event);
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
                Some(Event::Open { .. }) => State::Unknown,
                _ => State::Signing,
            },
            PaymentState::Broadcast => State::Broadcast,
            PaymentState::Confirmed { .. } => State::Confirmed,
            PaymentState::Settled => State::Settled,
            PaymentState::Cancelled if stop == Some(Stop::Expired) => State::Expired,
            PaymentState::Cancelled if self.state == State::Expired => State::Expired,
            PaymentState::Cancelled => State::Cancelled,
            PaymentState::Declined => State::Declined,
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
            Event::Confirmed { confirmations } | Event::Settled { confirmations, .. } => {
                self.confirmations = *confirmations;
            }
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
}
