//! What the holder may do after the PIN: one receive script, one payment
//! (`docs/protocol.md`, sections 6.1 and 7).

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Txid};
use tillcard_applet::command::{
    Network as CardNetwork, Pay, PaymentRequest, Preview as PreviewCommand, Previewed,
    ReceiveScript, ReceiveScriptAnswer,
};

use super::{CardError, Failed, Issued, Outcome, Session, settle};
use crate::chain::FeeRate;
use crate::transport::Transport;

/// The PIN was right: the card pays once.
pub struct Holder {
    pub(super) network: CardNetwork,
}

/// A payment was previewed: the card pays that one, and no other.
pub struct PaymentAsked {
    network: CardNetwork,
    order: PaymentOrder,
    preview: Preview,
}

/// What a shop asks a card to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentOrder {
    /// Amount to the payee.
    pub amount: Amount,
    /// Fee rate of the transaction.
    pub fee_rate: FeeRate,
    /// The payee's scriptPubKey.
    pub payee: ScriptBuf,
}

/// What the card would pay, and with which coins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Amount to the payee.
    pub amount: Amount,
    /// Fee.
    pub fee: Amount,
    /// Change; zero when there is none.
    pub change: Amount,
    /// The coins to be spent, in the order of the inputs; at least one.
    pub outpoints: Vec<OutPoint>,
}

impl PaymentOrder {
    fn request(&self) -> PaymentRequest<'_> {
        PaymentRequest {
            amount: self.amount.to_sat(),
            fee_rate: self.fee_rate.to_sat_per_kvb(),
            payee_script: self.payee.as_bytes(),
        }
    }
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
        mut self,
        order: PaymentOrder,
    ) -> Result<Session<T, PaymentAsked>, Failed<Session<T, Issued>>> {
        let outcome = PreviewCommand::to_apdu(order.request())
            .map_err(|_| SCRIPT_TOO_LONG)
            .and_then(|command| self.link.ask("PREVIEW", &command))
            .and_then(|data| read_preview(&data));
        match outcome {
            Ok(preview) => {
                let network = self.state.network;
                Ok(self.with(PaymentAsked {
                    network,
                    order,
                    preview,
                }))
            }
            Err(error) => Err(Failed {
                error,
                session: self.end(),
            }),
        }
    }

    /// Has the card write and sign `order` without a preview (PAY). Returns the transaction,
    /// serialised with witness (BIP144).
    ///
    /// # Errors
    /// [`CardError::Refused`] with a status word of section 7.
    pub fn pay(mut self, order: &PaymentOrder) -> Outcome<Vec<u8>, Session<T, Issued>> {
        let outcome = pay(&mut self, order);
        settle(self.end(), outcome)
    }

    /// Gives up the authorisation on our side. The card keeps its own until it is reset.
    fn end(self) -> Session<T, Issued> {
        let (network, tries_left) = (self.state.network, self.capabilities.tries);
        self.with(Issued {
            network,
            tries_left,
        })
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

    /// Has the card write and sign what was previewed (PAY). Returns the transaction, serialised
    /// with witness (BIP144).
    ///
    /// # Errors
    /// [`CardError::Refused`] with a status word of section 7.
    pub fn pay(mut self) -> Outcome<Vec<u8>, Session<T, Issued>> {
        let order = self.state.order.clone();
        let outcome = pay(&mut self, &order);
        let (network, tries_left) = (self.state.network, self.capabilities.tries);
        let session = self.with(Issued {
            network,
            tries_left,
        });
        settle(session, outcome)
    }
}

fn pay<T: Transport, S>(
    session: &mut Session<T, S>,
    order: &PaymentOrder,
) -> Result<Vec<u8>, CardError> {
    let command = Pay::to_apdu(order.request()).map_err(|_| SCRIPT_TOO_LONG)?;
    session.link.ask("PAY", &command)
}

fn read_preview(data: &[u8]) -> Result<Preview, CardError> {
    let malformed = CardError::Malformed { command: "PREVIEW" };
    let answer = Previewed::parse(data).map_err(|_| malformed)?;
    Ok(Preview {
        amount: Amount::from_sat(answer.amount),
        fee: Amount::from_sat(answer.fee),
        change: Amount::from_sat(answer.change),
        outpoints: answer
            .outpoints()
            .map(|(txid, vout)| OutPoint::new(Txid::from_byte_array(txid), vout))
            .collect(),
    })
}
