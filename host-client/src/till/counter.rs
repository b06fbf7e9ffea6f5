//! What the till does with the card and its holder, as the machine asks.

use bitcoin::{Network, OutPoint, Transaction};

use super::coins::LookUpError;
use super::driver::Hand;
use super::machine::{CardSaid, CardTask, Input};
use super::meeting::{self, KnownCard, NotMet};
use super::statement::{self, StatementAnswer};
use super::{CardRules, CardSource, Event, PinError, PinSource, Settlement, TillError};
use tillcard_client::card::{
    self, CardError, Failed, Holder, Issued, PaymentAsked, PaymentIdentity, PaymentOrder, Session,
};

/// The counter: a reader, a keyboard, and the card that is there.
pub struct Counter<'a, S: CardSource, P> {
    cards: &'a mut S,
    pins: &'a mut P,
    rules: &'a CardRules,
    network: Network,
    card: AtHand<S::Card>,
    known: Option<KnownCard>,
    /// Whether the card was asked in this session how many PIN entries are left.
    knows_tries: bool,
    statement: Option<StatementAnswer>,
}

/// The card at hand, by what may be asked of it.
enum AtHand<T> {
    Nothing,
    Issued(Session<T, Issued>),
    Holder(Session<T, Holder>),
    Offering(Session<T, PaymentAsked>),
}

/// What PREVIEW came to.
type PreviewOutcome<T> = Result<Session<T, PaymentAsked>, Failed<Session<T, Issued>>>;

/// What is said when the machine asks for what the card at hand can't do: it would be a mistake in
/// this program, and ends the attempt without a payment.
const OUT_OF_TURN: CardError = CardError::ChannelEnded;

impl<'a, S: CardSource, P: PinSource> Counter<'a, S, P> {
    /// A counter without a card.
    pub fn new(cards: &'a mut S, pins: &'a mut P, rules: &'a CardRules, network: Network) -> Self {
        Self {
            cards,
            pins,
            rules,
            network,
            card: AtHand::Nothing,
            known: None,
            knows_tries: false,
            statement: None,
        }
    }

    fn meet(&mut self, tell: &mut dyn FnMut(Event)) -> Result<CardSaid, TillError> {
        self.known = None;
        self.knows_tries = false;
        let transport = self.cards.wait(&mut |error| tell(Event::unusable(error)))?;
        Ok(match self.rules.meet::<S>(transport, self.network, tell) {
            Ok((session, known)) => {
                self.card = AtHand::Issued(session);
                self.known = Some(known);
                CardSaid::Met { keys: known.keys }
            }
            Err(NotMet::Failed(error)) => CardSaid::Failed(error),
            Err(NotMet::NotTaken(decline)) => CardSaid::NotTaken(decline),
        })
    }

    fn take_issued(&mut self) -> Option<Session<S::Card, Issued>> {
        match std::mem::replace(&mut self.card, AtHand::Nothing) {
            AtHand::Issued(session) => Some(session),
            other => {
                self.card = other;
                None
            }
        }
    }

    fn take_offering(&mut self) -> Option<Session<S::Card, PaymentAsked>> {
        match std::mem::replace(&mut self.card, AtHand::Nothing) {
            AtHand::Offering(session) => Some(session),
            other => {
                self.card = other;
                None
            }
        }
    }

    /// Keeps the session of a command that failed.
    fn failed(&mut self, failed: Failed<Session<S::Card, Issued>>) -> CardSaid {
        self.card = AtHand::Issued(failed.session);
        CardSaid::Failed(failed.error)
    }

    fn ask_state(&mut self, identity: PaymentIdentity) -> CardSaid {
        let AtHand::Issued(session) = &mut self.card else {
            return CardSaid::Failed(OUT_OF_TURN);
        };
        match session.payment_state(identity) {
            Ok(state) => CardSaid::State(state),
            Err(error) => CardSaid::Failed(error),
        }
    }

    /// The entries left are asked of the card first, in the channel if there is one: whoever sits
    /// between can't change that number.
    fn ask_pin(&mut self, tell: &mut dyn FnMut(Event)) -> Result<CardSaid, TillError> {
        let Some(mut session) = self.take_issued() else {
            return Ok(CardSaid::Failed(OUT_OF_TURN));
        };
        if !self.knows_tries {
            session = match session.query_tries() {
                Ok((_, session)) => session,
                Err(failed) => return Ok(self.failed(failed)),
            };
            self.knows_tries = true;
        }
        let tries_left = session.tries_left();
        if tries_left == 0 {
            self.card = AtHand::Issued(session);
            return Ok(CardSaid::Failed(CardError::PinBlocked));
        }
        tell(Event::WaitingForPin { tries_left });
        let said = match self.pins.ask(&pin_prompt(tries_left)) {
            Ok(pin) => match session.verify(&pin) {
                Ok(holder) => {
                    self.card = AtHand::Holder(holder);
                    return Ok(CardSaid::Verified);
                }
                Err(Failed {
                    error,
                    session: same,
                }) => {
                    session = same;
                    match error {
                        CardError::WrongPin { tries_left } => CardSaid::WrongPin { tries_left },
                        error => CardSaid::Failed(error),
                    }
                }
            },
            Err(PinError::NotAPin) => CardSaid::NotAPin,
            Err(PinError::None) => CardSaid::NoPin,
            Err(error @ PinError::Terminal(_)) => {
                self.card = AtHand::Issued(session);
                return Err(TillError::Pin(error));
            }
        };
        self.card = AtHand::Issued(session);
        Ok(said)
    }

    fn preview(&mut self, order: PaymentOrder) -> CardSaid {
        let holder = match std::mem::replace(&mut self.card, AtHand::Nothing) {
            AtHand::Holder(holder) => holder,
            other => {
                self.card = other;
                return CardSaid::Failed(OUT_OF_TURN);
            }
        };
        self.previewed(holder.preview(order))
    }

    fn previewed(&mut self, outcome: PreviewOutcome<S::Card>) -> CardSaid {
        match outcome {
            Ok(session) => {
                let preview = session.preview().clone();
                self.card = AtHand::Offering(session);
                CardSaid::Previewed(preview)
            }
            Err(failed) => self.failed(failed),
        }
    }

    fn look_up(&mut self, settlement: &mut Settlement<'_>) -> Result<CardSaid, TillError> {
        let AtHand::Offering(session) = &mut self.card else {
            return Ok(CardSaid::Failed(OUT_OF_TURN));
        };
        match settlement.look_up(session) {
            Ok(said) => Ok(said),
            Err(LookUpError::Card(error)) => Ok(CardSaid::Failed(error)),
            Err(LookUpError::Till(error)) => Err(error),
        }
    }

    fn report(&mut self, absent: Vec<OutPoint>, tell: &mut dyn FnMut(Event)) -> CardSaid {
        let Some(mut session) = self.take_offering() else {
            return CardSaid::Failed(OUT_OF_TURN);
        };
        for outpoint in absent {
            match session.report_absent(&outpoint) {
                Ok(()) => tell(Event::CoinAbsent { outpoint }),
                Err(error) => {
                    self.card = AtHand::Offering(session);
                    return CardSaid::Failed(error);
                }
            }
        }
        self.previewed(session.preview_again())
    }

    fn pay(&mut self) -> CardSaid {
        let Some(session) = self.take_offering() else {
            return CardSaid::Failed(OUT_OF_TURN);
        };
        let outcome = session.pay();
        self.paid(outcome)
    }

    fn pay_without_pin(&mut self, order: &PaymentOrder) -> CardSaid {
        let Some(session) = self.take_issued() else {
            return CardSaid::Failed(OUT_OF_TURN);
        };
        let outcome = session.pay_without_pin(order);
        self.paid(outcome)
    }

    fn paid(&mut self, outcome: card::Outcome<Vec<u8>, Session<S::Card, Issued>>) -> CardSaid {
        match outcome {
            Ok((bytes, session)) => {
                self.card = AtHand::Issued(session);
                CardSaid::Paid(bytes)
            }
            Err(failed) => self.failed(failed),
        }
    }

    fn pay_again(&mut self, order: &PaymentOrder) -> CardSaid {
        match std::mem::replace(&mut self.card, AtHand::Nothing) {
            AtHand::Issued(mut session) => {
                let given = session.pay_again(order);
                self.card = AtHand::Issued(session);
                given.map_or_else(CardSaid::Failed, CardSaid::Paid)
            }
            AtHand::Holder(session) => {
                let outcome = session.pay_again(order);
                self.paid(outcome)
            }
            other => {
                self.card = other;
                CardSaid::Failed(OUT_OF_TURN)
            }
        }
    }

    fn weigh(&mut self, payment: &Transaction, settlement: &mut Settlement<'_>) {
        let said = self.statement.take();
        let identity = self.known.and_then(|known| known.identity());
        let worth = statement::worth(said.as_ref(), identity, payment, settlement.chain);
        settlement.tell(match worth {
            Ok(block) => Event::SingleSigner { block },
            Err(missing) => Event::NoPromise { missing },
        });
    }

    fn release(&mut self, tell: &mut dyn FnMut(Event)) {
        match std::mem::replace(&mut self.card, AtHand::Nothing) {
            AtHand::Nothing => {}
            AtHand::Issued(session) => meeting::release(session, tell),
            AtHand::Holder(session) => meeting::release(session, tell),
            AtHand::Offering(session) => meeting::release(session, tell),
        }
    }
}

impl<S: CardSource, P: PinSource> Hand for Counter<'_, S, P> {
    fn perform(
        &mut self,
        task: CardTask,
        settlement: &mut Settlement<'_>,
    ) -> Result<Option<Input>, TillError> {
        let mut tell = |event| settlement.tell(event);
        let said = match task {
            CardTask::Meet => self.meet(&mut tell)?,
            CardTask::AskState(identity) => self.ask_state(identity),
            CardTask::AskPin => self.ask_pin(&mut tell)?,
            CardTask::Preview(order) => self.preview(order),
            CardTask::LookUp => self.look_up(settlement)?,
            CardTask::Report(absent) => self.report(absent, &mut tell),
            CardTask::Pay => self.pay(),
            CardTask::PayWithoutPin(order) => self.pay_without_pin(&order),
            CardTask::PayAgain(order) => self.pay_again(&order),
            CardTask::AskStatement(txid) => {
                if let AtHand::Issued(session) = &mut self.card {
                    self.statement = StatementAnswer::ask(session, &txid);
                }
                return Ok(None);
            }
            CardTask::WeighStatement(payment) => {
                self.weigh(&payment, settlement);
                return Ok(None);
            }
            CardTask::Release => {
                self.release(&mut tell);
                return Ok(None);
            }
            CardTask::Forget => {
                // Nobody is told that it can be removed: it is gone.
                self.release(&mut |_| ());
                return Ok(None);
            }
        };
        Ok(Some(Input::Card(said)))
    }
}

fn pin_prompt(tries_left: u8) -> String {
    match tries_left {
        1 => "PIN (last try)".into(),
        n => format!("PIN ({n} tries left)"),
    }
}
