//! What the holder may do after the PIN: one receive script, one payment
//! (`docs/protocol.md`, sections 6.1 and 7).

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Txid};
use serde::{Deserialize, Serialize};
use tillcard_protocol::command::{
    AskPaymentState, GetAncestor, KnownPayment, Pay, PayAgain, Preview as PreviewCommand,
    Previewed, ReceiveScript, ReceiveScriptAnswer, ReportAbsent,
};

use super::convert::{from_outpoint, to_outpoint};
use super::{CardError, Failed, Issued, Outcome, PaymentIdentity, PaymentOrder, Session, settle};
use crate::transport::Transport;

/// The PIN was right: the card pays once.
pub struct Holder {
    pub(super) card: Issued,
}

/// A payment was previewed: the card pays that one, and no other.
pub struct PaymentAsked {
    card: Issued,
    order: PaymentOrder,
    preview: Preview,
}

/// What the card would pay, and with which coins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Amount to the payee.
    #[serde(with = "bitcoin::amount::serde::as_sat", rename = "amount_sat")]
    pub amount: Amount,
    /// Fee.
    #[serde(with = "bitcoin::amount::serde::as_sat", rename = "fee_sat")]
    pub fee: Amount,
    /// Change; zero when there is none.
    #[serde(with = "bitcoin::amount::serde::as_sat", rename = "change_sat")]
    pub change: Amount,
    /// The coins to be spent, in the order of the inputs; at least one.
    pub outpoints: Vec<OutPoint>,
}

/// What a card knows of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// It keeps no payment of that identity.
    Unknown,
    /// It wrote this transaction, and gives it again.
    Kept(Txid),
    /// It wrote this transaction; its owner reported that a conflicting one is confirmed.
    Cancelled(Txid),
}

/// A payee script that no command can carry.
const SCRIPT_TOO_LONG: CardError =
    CardError::Unsendable("the payee's script is too long for a card");

impl<T: Transport> Session<T, Holder> {
    /// The card's next receive index and the script there (RECEIVE SCRIPT).
    ///
    /// # Errors
    /// [`CardError::Refused`].
    pub fn receive_script(&mut self) -> Result<(u32, ScriptBuf), CardError> {
        let data = self.link.ask("RECEIVE SCRIPT", &ReceiveScript::to_apdu())?;
        let answer = ReceiveScriptAnswer::parse(&data).map_err(|_| CardError::Malformed {
            command: "RECEIVE SCRIPT",
        })?;
        Ok((answer.index, ScriptBuf::from_bytes(answer.script.to_vec())))
    }

    /// Asks what `order` would spend (PREVIEW). From then on the card pays that order only.
    ///
    /// # Errors
    /// [`CardError::Refused`] with a status word of section 7; the PIN must be entered again.
    pub fn preview(
        self,
        order: PaymentOrder,
    ) -> Result<Session<T, PaymentAsked>, Failed<Session<T, Issued>>> {
        let card = self.state.card;
        self.ask_preview(card, order)
    }

    /// Has the card write and sign `order` without a preview (PAY). Returns the transaction,
    /// serialised with witness (BIP144).
    ///
    /// # Errors
    /// [`CardError::Refused`] with a status word of section 7.
    pub fn pay(mut self, order: &PaymentOrder) -> Outcome<Vec<u8>, Session<T, Issued>> {
        let outcome = pay(&mut self, order);
        let card = self.state.card;
        settle(self.end(card), outcome)
    }

    /// As [`Session::pay_again`] without the PIN, however often the payment was given before.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6A88` and `9412` as there, `9413` when it is cancelled.
    pub fn pay_again(mut self, order: &PaymentOrder) -> Outcome<Vec<u8>, Session<T, Issued>> {
        let outcome = pay_again(&mut self, order);
        let card = self.state.card;
        settle(self.end(card), outcome)
    }
}

impl<T: Transport> Session<T, PaymentAsked> {
    /// What the card would pay.
    pub fn preview(&self) -> &Preview {
        &self.state.preview
    }

    /// What was asked.
    pub fn order(&self) -> &PaymentOrder {
        &self.state.order
    }

    /// Tells the card that the chain doesn't have an offered coin, or has it spent (REPORT
    /// ABSENT). The card takes four such reports after one PIN.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `9414`, `9415`. The authorisation stands.
    pub fn report_absent(&mut self, coin: &OutPoint) -> Result<(), CardError> {
        let command = ReportAbsent(to_outpoint(coin)).to_apdu();
        self.link.ask("REPORT ABSENT", &command).map(|_| ())
    }

    /// Asks once more, after a report, what the same order would spend (PREVIEW).
    ///
    /// # Errors
    /// [`CardError::Refused`] with a status word of section 7; the PIN must be entered again.
    pub fn preview_again(self) -> Result<Self, Failed<Session<T, Issued>>> {
        let (card, order) = (self.state.card, self.state.order.clone());
        self.ask_preview(card, order)
    }

    /// The payment of this card that has the txid, if it is an ancestor of an offered coin (GET
    /// ANCESTOR), serialised with witness.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6A88` when it is none, `9413` when it was given too often.
    pub fn ancestor(&mut self, txid: Txid) -> Result<Vec<u8>, CardError> {
        let command = GetAncestor(txid.to_byte_array()).to_apdu();
        self.link.ask("GET ANCESTOR", &command)
    }

    /// Has the card write and sign what was previewed (PAY). Returns the transaction, serialised
    /// with witness (BIP144).
    ///
    /// # Errors
    /// [`CardError::Refused`] with a status word of section 7.
    pub fn pay(mut self) -> Outcome<Vec<u8>, Session<T, Issued>> {
        let order = self.state.order.clone();
        let outcome = pay(&mut self, &order);
        let card = self.state.card;
        settle(self.end(card), outcome)
    }

    /// Gives the payment up on our side. The card keeps its authorisation until it is reset.
    pub fn give_up(self) -> Session<T, Issued> {
        let card = self.state.card;
        self.end(card)
    }
}

impl<T: Transport> Session<T, Issued> {
    /// Has the card pay `order` without a PIN (PAY): because its owner allows that, or because it
    /// wrote this payment before and the answer was lost. Then it answers the same transaction
    /// again, and nothing is debited twice. Returns the transaction, serialised with witness.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` when neither is so, and the status words of section 7.
    pub fn pay_without_pin(mut self, order: &PaymentOrder) -> Outcome<Vec<u8>, Self> {
        let outcome = pay(&mut self, order);
        settle(self, outcome)
    }

    /// Has the card give a payment again that it wrote before (PAY, again only). A card that keeps no
    /// such payment writes none. Returns the transaction, serialised with witness.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6A88` when it keeps no such payment, `9412` when another order has
    /// this one's identity, `9413` when it was given too often or is cancelled. A refusal comes
    /// without proof: [`Self::payment_state`] asks for one.
    pub fn pay_again(&mut self, order: &PaymentOrder) -> Result<Vec<u8>, CardError> {
        pay_again(self, order)
    }

    /// What the card knows of the payment with this identity (PAYMENT STATE); nothing is paid, and
    /// nothing changes.
    ///
    /// In a secure channel the answer is proven to be the card's (section 7.9 of the protocol says
    /// what follows from it); in a plain session anybody at the contacts can have written it.
    ///
    /// # Errors
    /// [`CardError::Refused`]: `6982` in a plain session in which the card's owner allows no payments.
    pub fn payment_state(&mut self, identity: PaymentIdentity) -> Result<PaymentState, CardError> {
        const NAME: &str = "PAYMENT STATE";
        let command = AskPaymentState(identity.to_bytes()).to_apdu();
        let data = self.link.ask(NAME, &command)?;
        let known = KnownPayment::parse(&data);
        Ok(
            match known.map_err(|_| CardError::Malformed { command: NAME })? {
                KnownPayment::Unknown => PaymentState::Unknown,
                KnownPayment::Kept(txid) => PaymentState::Kept(Txid::from_byte_array(txid)),
                KnownPayment::Cancelled(txid) => {
                    PaymentState::Cancelled(Txid::from_byte_array(txid))
                }
            },
        )
    }
}

impl<T: Transport, S> Session<T, S> {
    fn ask_preview(
        mut self,
        card: Issued,
        order: PaymentOrder,
    ) -> Result<Session<T, PaymentAsked>, Failed<Session<T, Issued>>> {
        let outcome = PreviewCommand::to_apdu(order.request())
            .map_err(|_| SCRIPT_TOO_LONG)
            .and_then(|command| self.link.ask("PREVIEW", &command))
            .and_then(|data| read_preview(&data));
        match outcome {
            Ok(preview) => Ok(self.with(PaymentAsked {
                card,
                order,
                preview,
            })),
            Err(error) => Err(Failed {
                error,
                session: self.end(card),
            }),
        }
    }

    /// Gives up the authorisation on our side. The card keeps its own until it is reset.
    fn end(self, card: Issued) -> Session<T, Issued> {
        let tries_left = self.capabilities.tries;
        self.with(Issued { tries_left, ..card })
    }
}

fn pay<T: Transport, S>(
    session: &mut Session<T, S>,
    order: &PaymentOrder,
) -> Result<Vec<u8>, CardError> {
    let command = Pay::to_apdu(order.request()).map_err(|_| SCRIPT_TOO_LONG)?;
    session.link.ask("PAY", &command)
}

fn pay_again<T: Transport, S>(
    session: &mut Session<T, S>,
    order: &PaymentOrder,
) -> Result<Vec<u8>, CardError> {
    let command = PayAgain::to_apdu(order.request()).map_err(|_| SCRIPT_TOO_LONG)?;
    session.link.ask("PAY", &command)
}

fn read_preview(data: &[u8]) -> Result<Preview, CardError> {
    let malformed = CardError::Malformed { command: "PREVIEW" };
    let answer = Previewed::parse(data).map_err(|_| malformed)?;
    Ok(Preview {
        amount: Amount::from_sat(answer.amount),
        fee: Amount::from_sat(answer.fee),
        change: Amount::from_sat(answer.change),
        outpoints: answer.outpoints.map(from_outpoint).collect(),
    })
}
