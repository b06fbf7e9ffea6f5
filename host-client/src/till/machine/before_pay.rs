//! Until a card is asked to pay: a refusal, a removal, a change of mind mean that nothing was
//! committed, whoever said so, since the till itself has not asked.

use bitcoin::{OutPoint, TxOut};

use super::payment::{Payment, Peer, Phase};
use super::{CardTask, DEEPEST_REORGANISATION, Effect, MOST_REPORTS, Step};
use crate::till::{Decline, Event, Open, PaymentState};
use tillcard_client::FeeRate;
use tillcard_client::card::{CardError, CardKeys, Preview, check_preview};
use tillcard_client::transport::TransportError;

impl Payment {
    /// A card that the till takes is there.
    pub(super) fn met(&mut self, keys: Option<CardKeys>) -> Step {
        self.peer = keys.map_or(Peer::Plain, Peer::Proven);
        if self.record.state != PaymentState::Asked {
            return self.check_chain();
        }
        if self.record.card.is_some() && self.record.card != keys {
            return self.open(Open::OtherCard);
        }
        self.ask_state()
    }

    pub(super) fn not_taken(&mut self, decline: Decline) -> Step {
        if self.record.state == PaymentState::Asked {
            self.open(Open::NotAsked(decline.to_string()))
        } else {
            self.declined(decline)
        }
    }

    /// The chain can be asked, and takes transactions from `least` on.
    pub(super) fn ready(&mut self, height: u32, least: FeeRate) -> Step {
        self.behind = 0;
        // Blocks may be replaced: the payment, or its conflict, then comes into a lower one.
        self.record.since_height = height.saturating_sub(DEEPEST_REORGANISATION);
        if self.record.order.fee_rate < least {
            self.end_unasked(Decline::FeeRateTooLow { least })
        } else if self.wishes.without_pin && !self.tried_without_pin {
            self.tried_without_pin = true;
            let order = self.record.order.clone();
            self.ask_to_pay(None, Vec::new(), CardTask::PayWithoutPin(order))
        } else {
            self.ask_pin()
        }
    }

    pub(super) fn ask_pin(&mut self) -> Step {
        self.phase = Phase::AskingPin;
        let effects = vec![Effect::Card(CardTask::AskPin)];
        match self.record.state {
            PaymentState::WaitingForPin | PaymentState::Asked => Step::of(effects),
            _ => {
                self.record.state = PaymentState::WaitingForPin;
                self.stored(effects)
            }
        }
    }

    pub(super) fn wrong_pin(&mut self, tries_left: u8) -> Step {
        let mut step = self.ask_pin();
        let told = Effect::Tell(Event::WrongPin { tries_left });
        step.effects.insert(0, told);
        step
    }

    /// The PIN was right: for a new payment, or for one that the card gives again.
    pub(super) fn verified(&mut self) -> Step {
        match self.again_with_pin {
            true => self.pay_again(),
            false => self.ask_preview(),
        }
    }

    fn ask_preview(&mut self) -> Step {
        self.phase = Phase::Previewing;
        let order = self.record.order.clone();
        Step::of(vec![Effect::Card(CardTask::Preview(order))])
    }

    /// The card said what it would pay: is it what was asked, at the rate that was asked?
    pub(super) fn previewed(&mut self, preview: Preview) -> Step {
        if let Err(error) = check_preview(&self.record.order, &preview) {
            return self.end_unasked(Decline::Dishonest(error));
        }
        let event = Event::CheckingCoins {
            outpoints: preview.outpoints.clone(),
            fee: preview.fee,
            change: preview.change,
        };
        self.phase = Phase::LookingUp(preview);
        Step::of(vec![Effect::Tell(event), Effect::Card(CardTask::LookUp)])
    }

    pub(super) fn looked_up(
        &mut self,
        preview: Preview,
        coins: Vec<TxOut>,
        absent: Vec<OutPoint>,
        is_crowded: bool,
    ) -> Step {
        self.behind = 0;
        if !absent.is_empty() {
            self.report(absent)
        } else if is_crowded {
            self.end_unasked(Decline::TooManyUnconfirmed)
        } else {
            self.ask_to_pay(Some(preview), coins, CardTask::Pay)
        }
    }

    /// Tells the card which of its coins aren't there, as often as it takes that (`[ABS-1]`).
    fn report(&mut self, mut absent: Vec<OutPoint>) -> Step {
        let first = *self.first_absent.get_or_insert(absent[0]);
        absent.truncate(MOST_REPORTS.saturating_sub(self.reports));
        if absent.is_empty() {
            return self.end_unasked(Decline::CoinSpent(first));
        }
        self.reports += absent.len();
        self.phase = Phase::Reporting;
        Step::of(vec![Effect::Card(CardTask::Report(absent))])
    }

    /// A card that takes no report, or has no other coins.
    pub(super) fn report_failed(&mut self, error: CardError) -> Step {
        match (&error, self.first_absent) {
            (CardError::Refused { .. }, Some(first)) => self.end_unasked(Decline::CoinSpent(first)),
            _ => self.failed_unasked(error),
        }
    }

    /// From here on a card may pay: that is stored before it is asked.
    fn ask_to_pay(&mut self, preview: Option<Preview>, coins: Vec<TxOut>, task: CardTask) -> Step {
        let with_pin = preview.is_some();
        self.record.state = PaymentState::Asked;
        self.record.card = match self.peer {
            Peer::Proven(keys) => Some(keys),
            Peer::Plain | Peer::Nobody => None,
        };
        self.record.preview = preview;
        self.record.coins = coins;
        self.phase = Phase::Paying { with_pin };
        self.stored(vec![Effect::Tell(Event::Signing), Effect::Card(task)])
    }

    /// The payment doesn't go on. If a card was asked before in this plain session, without a PIN,
    /// that proves nothing.
    pub(super) fn end_unasked(&mut self, decline: Decline) -> Step {
        if self.record.state == PaymentState::Asked {
            self.open(Open::NotAsked(decline.to_string()))
        } else {
            self.declined(decline)
        }
    }

    /// The card, or the reader, failed at something else than PAY.
    pub(super) fn failed_unasked(&mut self, error: CardError) -> Step {
        let error = match error {
            CardError::Transport(error) => error,
            error => return self.end_unasked(Decline::Card(error)),
        };
        if self.record.state == PaymentState::Asked {
            return self.lost(error.into());
        }
        let mut effects = self.release();
        match error {
            TransportError::CardRemoved | TransportError::CardReset => {
                self.record.state = PaymentState::WaitingForCard;
                effects.push(Effect::Tell(Event::CardRemoved));
                effects.extend(self.meet());
            }
            error => {
                self.record.state = PaymentState::Cancelled;
                self.phase = Phase::Over;
                effects.push(Effect::GiveUp(error));
            }
        }
        self.stored(effects)
    }
}
