//! One payment in the machine: its record, and what is known of the card at hand.

use bitcoin::{OutPoint, Transaction, Txid};

use super::{CardSaid, CardTask, ClerkSaid, Effect, Input, Outcome, Step};
use crate::chain::Reach;
use crate::till::{Decline, Event, Open, PaymentRecord, PaymentState};
use tillcard_client::card::{CardError, CardKeys, Preview};

/// What the shop wants beside the money.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Whether the card is asked first whether it pays without a PIN.
    pub without_pin: bool,
    /// Whether the card is asked for a statement on the payment.
    pub statement: bool,
}

/// What the driver is at: which inputs mean something.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
pub(super) enum Phase {
    /// Nothing.
    Idle,
    /// It waits for a card.
    Meeting,
    /// It asks the chain what it takes.
    CheckingChain,
    /// It asks for the PIN.
    AskingPin,
    /// It asks for a preview.
    Previewing,
    /// It looks at the offered coins.
    LookingUp(Preview),
    /// It tells the card which aren't there.
    Reporting,
    /// The card is asked to pay.
    Paying { with_pin: bool },
    /// It is asked what it knows of the payment.
    AskingState,
    /// It is asked for the payment that it keeps.
    PayingAgain,
    /// The chain is asked for the coins of a payment that wasn't previewed.
    LookingUpInputs {
        payment: Transaction,
        is_again: bool,
    },
    /// The chain is asked for a payment that the card doesn't know (any more).
    LookingForPayment,
    /// The chain is asked where the payment stands.
    AskingStatus,
    /// It is sent.
    Sending,
    /// The chain is asked who else spends its coins.
    LookingForConflict(Open),
    /// The chain is asked where a payment stands that had ended.
    LookingAgain,
    /// It is asked whether what took the payment's coins still has them.
    LookingForConflictAgain,
    /// Time passes.
    Waiting,
    /// Time passes; then the source that was behind is asked this again.
    Behind(Question),
    /// The driver is done with it.
    Over,
}

/// What a source that is behind can't answer.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
pub(super) enum Question {
    /// Can a card be asked to pay?
    Readiness,
    /// Are the coins of this preview there?
    Coins(Preview),
    /// Is the payment in a block, though its card doesn't know it?
    Payment,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    /// Nobody.
    Nobody,
    /// A card without certificates, or whoever sits between.
    Plain,
    /// The card that proved these keys.
    Proven(CardKeys),
}

/// A status word in the place of a payment: whoever sits at the contacts can say it.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
pub(super) struct Refusal {
    pub(super) error: CardError,
    /// Whether PAY came after a PIN.
    pub(super) with_pin: bool,
}

/// A payment, and what is forgotten of it when the till stops.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone, PartialEq, Eq))]
pub(super) struct Payment {
    pub(super) record: PaymentRecord,
    pub(super) wishes: Wishes,
    pub(super) phase: Phase,
    pub(super) peer: Peer,
    /// Whether the till only asks what became of it.
    pub(super) is_recovery: bool,
    /// Whether the card at hand was asked to pay without a PIN.
    pub(super) tried_without_pin: bool,
    /// By what the card at hand refused PAY, without proof.
    pub(super) refusal: Option<Refusal>,
    /// The txid that the card proves to keep the payment under.
    pub(super) kept: Option<Txid>,
    /// The txid of the payment that its card's owner has cancelled, as the card says.
    pub(super) cancelled_by_owner: Option<Txid>,
    /// Whether the PIN is asked for so that the card gives again what it keeps.
    pub(super) again_with_pin: bool,
    /// Reports of absent coins since the PIN, and the first of these coins.
    pub(super) reports: usize,
    pub(super) first_absent: Option<OutPoint>,
    /// How often in a row the source of the chain was behind.
    pub(super) behind: u8,
    /// How often an answer was lost after PAY.
    pub(super) lost: u8,
    /// Whether the network was given the payment, and hasn't forgotten it since.
    pub(super) is_sent: bool,
    /// Whether the clerk was told that the network has the payment, since the till is on.
    pub(super) told_sent: bool,
    /// Confirmations told last.
    pub(super) shown: u32,
    /// Whether it was told that the chain can't be asked.
    pub(super) told_unavailable: bool,
}

impl Payment {
    pub(super) fn new(record: PaymentRecord, wishes: Wishes) -> Self {
        Self {
            record,
            wishes,
            phase: Phase::Idle,
            peer: Peer::Nobody,
            is_recovery: false,
            tried_without_pin: false,
            refusal: None,
            kept: None,
            cancelled_by_owner: None,
            again_with_pin: false,
            reports: 0,
            first_absent: None,
            behind: 0,
            lost: 0,
            is_sent: false,
            told_sent: false,
            shown: 0,
            told_unavailable: false,
        }
    }

    pub(super) fn record(&self) -> &PaymentRecord {
        &self.record
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    pub(super) fn step(&mut self, input: Input) -> Step {
        match input {
            Input::Clerk(said) => self.clerk_said(said),
            Input::Card(said) => self.card_said(said),
            Input::Chain(said) => self.chain_said(said),
            Input::TimePassed => self.time_passed(),
            Input::Stopped => self.stopped(),
        }
    }

    fn card_said(&mut self, said: CardSaid) -> Step {
        match (std::mem::replace(&mut self.phase, Phase::Idle), said) {
            (Phase::Meeting, CardSaid::Met { keys }) => self.met(keys),
            (Phase::Meeting, CardSaid::NotTaken(decline)) => self.not_taken(decline),
            (Phase::AskingPin, CardSaid::Verified) => self.verified(),
            (Phase::AskingPin, CardSaid::WrongPin { tries_left }) => self.wrong_pin(tries_left),
            (Phase::AskingPin, CardSaid::NotAPin) => self.ask_pin(),
            (Phase::AskingPin, CardSaid::NoPin) => self.end_unasked(Decline::NoPin),
            (Phase::Previewing | Phase::Reporting, CardSaid::Previewed(preview)) => {
                self.previewed(preview)
            }
            (
                Phase::LookingUp(preview),
                CardSaid::LookedUp {
                    coins,
                    absent,
                    is_crowded,
                    reach,
                },
            ) => match reach {
                Reach::Complete => self.looked_up(preview, coins, absent, is_crowded),
                Reach::Behind(progress) => self.wait_for_source(progress, Question::Coins(preview)),
            },
            (Phase::Reporting, CardSaid::Failed(error)) => self.report_failed(error),
            (
                Phase::Meeting | Phase::AskingPin | Phase::Previewing | Phase::LookingUp(_),
                CardSaid::Failed(error),
            ) => self.failed_unasked(error),
            (Phase::Paying { .. }, CardSaid::Paid(bytes)) => self.paid(&bytes, false),
            (Phase::Paying { with_pin }, CardSaid::Failed(error)) => {
                self.pay_failed(error, with_pin)
            }
            (Phase::AskingState, CardSaid::State(state)) => self.state_said(state),
            (Phase::AskingState, CardSaid::Failed(error)) => self.state_failed(error),
            (Phase::PayingAgain, CardSaid::Paid(bytes)) => self.paid(&bytes, true),
            (Phase::PayingAgain, CardSaid::Failed(error)) => self.pay_again_failed(error),
            (phase, _) => {
                self.phase = phase;
                Step::default()
            }
        }
    }

    fn clerk_said(&mut self, said: ClerkSaid) -> Step {
        match (said, self.record.state) {
            (ClerkSaid::Begin, PaymentState::Created) => {
                self.record.state = PaymentState::WaitingForCard;
                let meet = self.meet();
                self.stored(meet)
            }
            (ClerkSaid::Resume, PaymentState::Asked) => {
                self.is_recovery = true;
                Step::of(self.meet())
            }
            (
                ClerkSaid::Resume,
                PaymentState::Signed | PaymentState::Broadcast | PaymentState::Confirmed { .. },
            ) => Step::of(self.ask_status()),
            (ClerkSaid::Resume, PaymentState::Settled | PaymentState::Conflicted)
                if self.record.is_watched =>
            {
                self.look_again()
            }
            (ClerkSaid::Resume | ClerkSaid::Cancel, state) if state.is_before_pay() => {
                self.cancelled()
            }
            (ClerkSaid::Cancel, state) if !state.is_final() => self.open(Open::Stopped),
            (ClerkSaid::Close, state) if state.may_be_closed() => self.closed(),
            _ => Step::default(),
        }
    }

    /// No card was asked to pay: the till's own silence is the proof.
    fn cancelled(&mut self) -> Step {
        self.record.state = PaymentState::Cancelled;
        self.record.forget_card();
        let mut effects = self.release();
        let id = self.record.id.clone();
        effects.push(Effect::Tell(Event::Cancelled { id }));
        effects.push(Effect::End(Outcome::Cancelled));
        self.phase = Phase::Over;
        self.stored(effects)
    }

    /// The shop waits for it no longer. It may still be paid.
    fn closed(&mut self) -> Step {
        self.record.state = PaymentState::Closed;
        self.record.forget_card();
        let id = self.record.id.clone();
        self.phase = Phase::Over;
        self.stored(vec![
            Effect::Tell(Event::Closed { id }),
            Effect::End(Outcome::Closed),
        ])
    }

    /// The driver can't go on.
    fn stopped(&mut self) -> Step {
        let state = self.record.state;
        if state.is_before_pay() {
            self.cancelled()
        } else if state.is_final() {
            Step::default()
        } else {
            self.open(Open::Stopped)
        }
    }

    /// It is proven that no card committed to the payment.
    pub(super) fn declined(&mut self, decline: Decline) -> Step {
        self.record.state = PaymentState::Declined;
        self.record.forget_card();
        let mut effects = self.release();
        effects.push(Effect::Tell(decline.event()));
        effects.push(Effect::End(Outcome::Declined(decline)));
        self.phase = Phase::Over;
        self.stored(effects)
    }

    /// The outcome stays open; the record stays as it was stored.
    pub(super) fn open(&mut self, why: Open) -> Step {
        let mut effects = self.release();
        effects.push(Effect::Tell(why.event()));
        effects.push(Effect::End(Outcome::Open(why)));
        self.phase = Phase::Over;
        Step::of(effects)
    }

    /// Waits for a card.
    pub(super) fn meet(&mut self) -> Vec<Effect> {
        self.phase = Phase::Meeting;
        self.tried_without_pin = false;
        self.again_with_pin = false;
        self.refusal = None;
        self.reports = 0;
        self.first_absent = None;
        vec![
            Effect::Tell(Event::WaitingForCard),
            Effect::Card(CardTask::Meet),
        ]
    }

    /// Lets the card at hand go, if there is one.
    pub(super) fn release(&mut self) -> Vec<Effect> {
        match std::mem::replace(&mut self.peer, Peer::Nobody) {
            Peer::Nobody => Vec::new(),
            Peer::Plain | Peer::Proven(_) => vec![Effect::Card(CardTask::Release)],
        }
    }

    /// A step that stores the record as it is now.
    pub(super) fn stored(&self, effects: Vec<Effect>) -> Step {
        Step {
            write: Some(self.record.clone()),
            effects,
        }
    }
}

impl Step {
    /// A step that leaves the record as it was stored.
    pub(super) fn of(effects: Vec<Effect>) -> Self {
        Self {
            write: None,
            effects,
        }
    }
}
