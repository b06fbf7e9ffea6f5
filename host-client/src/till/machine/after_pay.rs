//! After a card was asked to pay. A status word without a MAC, a missing answer, and all that comes
//! in a plain session prove nothing: the outcome is open until the same card says in a channel what
//! it knows of the payment, or the payment itself is here.

use bitcoin::{Transaction, TxOut};

use super::payment::{Payment, Peer, Phase, Refusal};
use super::{CardTask, ChainTask, Effect, MOST_LOST, Step};
use crate::till::{Decline, Event, Open, PaymentState};
use tillcard_client::card::{
    CardError, CheckError, PaymentState as CardPaymentState, check_payment, check_unpreviewed,
    unpreviewed,
};

/// `9413`, by which a card that keeps a payment says that it gave it too often without the PIN.
const GIVEN_TOO_OFTEN: u16 = 0x9413;

/// `6982`, by which a card says that it wants a PIN.
const SECURITY_STATUS: u16 = 0x6982;

impl Payment {
    /// Whether what the card says of the payment is proven to be said by the card that was asked.
    fn is_proven(&self) -> bool {
        match self.peer {
            Peer::Proven(keys) => self.record.card == Some(keys),
            Peer::Plain | Peer::Nobody => false,
        }
    }

    pub(super) fn pay_failed(&mut self, error: CardError, with_pin: bool) -> Step {
        match error {
            CardError::Refused { .. } => {
                self.refusal = Some(Refusal { error, with_pin });
                self.ask_state()
            }
            // The client never sent it.
            CardError::Unsendable(_) => self.declined(Decline::Card(error)),
            error => self.lost(error),
        }
    }

    pub(super) fn ask_state(&mut self) -> Step {
        self.phase = Phase::AskingState;
        let identity = self.record.order.identity;
        Step::of(vec![Effect::Card(CardTask::AskState(identity))])
    }

    pub(super) fn state_said(&mut self, state: CardPaymentState) -> Step {
        match state {
            CardPaymentState::Unknown if self.is_proven() => self.not_known(),
            CardPaymentState::Unknown => self.said_unknown(),
            CardPaymentState::Kept(txid) => {
                self.kept = self.is_proven().then_some(txid);
                self.pay_again()
            }
            CardPaymentState::Cancelled(txid) => {
                let why = Open::CancelledByOwner(txid);
                let Some(preview) = &self.record.preview else {
                    // What it spends isn't known here; whether a block has it all the same is.
                    self.cancelled_by_owner = Some(txid);
                    return self.look_for_payment();
                };
                let task = ChainTask::Conflict {
                    txid,
                    outpoints: preview.outpoints.clone(),
                    since_height: self.record.since_height,
                };
                self.phase = Phase::LookingForConflict(why);
                Step::of(vec![Effect::Chain(task)])
            }
        }
    }

    /// The card that was asked to pay proves that it doesn't know the payment. In the channel in
    /// which it was asked that means that it refused. In another one it means that it never got the
    /// request, and never can, since the old channel's keys are gone; or that its owner had it forget
    /// a payment that is in a block long since, and then the chain has it.
    fn not_known(&mut self) -> Step {
        match self.refusal.take() {
            Some(refusal) if refusal.wants_pin() => self.ask_pin_anew(None),
            Some(refusal) => self.declined(Decline::Card(refusal.error)),
            None => self.look_for_payment(),
        }
    }

    pub(super) fn payment_found(&mut self, payment: Option<Transaction>) -> Step {
        self.behind = 0;
        match payment {
            Some(payment) if self.is_the_payment(&payment) => self.signed(payment, false),
            Some(payment) => self.open(Open::Alike(payment.compute_txid())),
            None => self.in_no_block(),
        }
    }

    /// No block has the payment that the card doesn't know, or doesn't give any more.
    fn in_no_block(&mut self) -> Step {
        match self.cancelled_by_owner {
            Some(txid) => self.open(Open::CancelledByOwner(txid)),
            None if self.is_recovery => self.declined(Decline::NeverWritten),
            None => self.ask_pin_anew(Some(Event::NothingWritten)),
        }
    }

    /// Whether this is the payment, and not another one as large to the same address.
    fn is_the_payment(&self, payment: &Transaction) -> bool {
        self.record.preview.is_some()
            || (self.is_proven() && self.cancelled_by_owner == Some(payment.compute_txid()))
    }

    /// Nothing was committed: the payment goes on with the PIN.
    fn ask_pin_anew(&mut self, told: Option<Event>) -> Step {
        self.record.state = PaymentState::WaitingForPin;
        self.record.forget_card();
        let mut effects: Vec<Effect> = told.map(Effect::Tell).into_iter().collect();
        effects.extend(self.ask_pin().effects);
        self.stored(effects)
    }

    /// Somebody says that the card doesn't know the payment, and nothing proves it.
    fn said_unknown(&mut self) -> Step {
        match self.refusal.take() {
            // In the same session: whatever the card did, the same request pays once.
            Some(refusal) if refusal.wants_pin() => self.ask_pin(),
            _ => self.pay_again(),
        }
    }

    pub(super) fn state_failed(&mut self, error: CardError) -> Step {
        match (&error, self.peer) {
            (CardError::Refused { .. }, Peer::Plain) => self.said_unknown(),
            _ => self.lost(error),
        }
    }

    pub(super) fn pay_again(&mut self) -> Step {
        self.phase = Phase::PayingAgain;
        let order = self.record.order.clone();
        Step::of(vec![Effect::Card(CardTask::PayAgain(order))])
    }

    pub(super) fn pay_again_failed(&mut self, error: CardError) -> Step {
        match (&error, self.is_proven()) {
            // The card proves that it keeps the payment, and the PIN lets it give it once more
            // (`[REC-2]`): nothing is paid by that.
            (CardError::Refused { .. }, true)
                if error.status() == Some(GIVEN_TOO_OFTEN)
                    && self.kept.is_some()
                    && !self.again_with_pin =>
            {
                self.again_with_pin = true;
                let mut step = self.ask_pin();
                step.effects.insert(0, Effect::Tell(Event::PinToGiveAgain));
                step
            }
            (CardError::Refused { .. }, true) => self.open(Open::Unproven(error)),
            (CardError::Refused { .. }, false) => self.open(Open::NoProof),
            _ => self.lost(error),
        }
    }

    /// No answer, or none that can be the card's. The same card is asked for it once it is back.
    pub(super) fn lost(&mut self, error: CardError) -> Step {
        self.lost += 1;
        let mut effects = match error {
            CardError::Transport(_) => {
                self.peer = Peer::Nobody;
                vec![Effect::Card(CardTask::Forget)]
            }
            _ => self.release(),
        };
        let step = if self.lost >= MOST_LOST {
            self.open(Open::Lost(error))
        } else {
            effects.push(Effect::Tell(Event::CardLost {
                reason: error.to_string(),
            }));
            Step::of(self.meet())
        };
        effects.extend(step.effects);
        Step::of(effects)
    }

    /// A transaction came in answer to PAY.
    pub(super) fn paid(&mut self, bytes: &[u8], is_again: bool) -> Step {
        let order = &self.record.order;
        let payment = match &self.record.preview {
            Some(preview) => check_payment(bytes, order, preview, &self.record.coins),
            None => check_unpreviewed(bytes, order),
        };
        let payment = match payment {
            Ok(payment) => payment,
            Err(error) => return self.open(Open::Dishonest(error)),
        };
        if self.kept.is_some_and(|txid| txid != payment.compute_txid()) {
            return self.open(Open::Dishonest(CheckError::OtherInputs));
        }
        if self.record.preview.is_some() {
            return self.signed(payment, is_again);
        }
        let task = ChainTask::Inputs(payment.clone());
        self.phase = Phase::LookingUpInputs { payment, is_again };
        Step::of(vec![Effect::Chain(task)])
    }

    /// The coins of a payment that wasn't previewed. Where one of them looks spent the payment is
    /// kept all the same: the network judges its signatures.
    pub(super) fn inputs_looked_up(
        &mut self,
        payment: Transaction,
        is_again: bool,
        coins: Option<Vec<TxOut>>,
    ) -> Step {
        if let Some(coins) = coins {
            let order = &self.record.order;
            let bytes = bitcoin::consensus::serialize(&payment);
            let checked = unpreviewed(&payment, order, &coins)
                .ok_or(CheckError::WrongPayment)
                .and_then(|preview| check_payment(&bytes, order, &preview, &coins));
            if let Err(error) = checked {
                return self.open(Open::Dishonest(error));
            }
            self.record.coins = coins;
        }
        self.signed(payment, is_again)
    }

    /// The card has signed: that is stored before anything else.
    fn signed(&mut self, payment: Transaction, is_again: bool) -> Step {
        let txid = payment.compute_txid();
        self.record.state = PaymentState::Signed;
        self.record.transaction = Some(payment.clone());
        let mut effects = Vec::new();
        if self.wishes.statement {
            effects.push(Effect::Card(CardTask::AskStatement(txid)));
        }
        effects.extend(self.release());
        if self.wishes.statement {
            effects.push(Effect::Card(CardTask::WeighStatement(payment)));
        }
        if is_again {
            effects.push(Effect::Tell(Event::GivenAgain { txid }));
        }
        effects.extend(self.ask_status());
        self.stored(effects)
    }
}

impl Refusal {
    /// Whether it says that the card pays this with a PIN only.
    fn wants_pin(&self) -> bool {
        !self.with_pin && self.error.status() == Some(SECURITY_STATUS)
    }
}
