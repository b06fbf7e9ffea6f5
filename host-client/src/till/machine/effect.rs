//! What a payment's machine asks its driver to do.

use bitcoin::{OutPoint, Transaction, Txid};

use crate::till::{Decline, Event, Open, PaymentRecord};
use tillcard_client::card::{PaymentIdentity, PaymentOrder};
use tillcard_client::transport::TransportError;

/// What follows from an input: first the record is stored, then the effects are done, in their order.
/// The last effect is one that answers with the next input, or the end.
#[derive(Debug, Default)]
pub struct Step {
    /// To be stored before anything of the effects is done.
    pub write: Option<PaymentRecord>,
    /// To be done.
    pub effects: Vec<Effect>,
}

/// Something to be done.
#[derive(Debug)]
pub enum Effect {
    /// Tell the clerk. It has no answer.
    Tell(Event),
    /// Ask a card, or its holder.
    Card(CardTask),
    /// Ask the chain.
    Chain(ChainTask),
    /// Wait; the answer is [`Input::TimePassed`](super::Input::TimePassed).
    Wait,
    /// The payment needs nothing more.
    End(Outcome),
    /// The reader fails, before a card was asked to pay.
    GiveUp(TransportError),
}

/// A task for which a card is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardTask {
    /// Wait for a card, open a channel to it, see whether it is genuine.
    Meet,
    /// Ask what it knows of the payment (PAYMENT STATE).
    AskState(PaymentIdentity),
    /// Ask the holder for the PIN, and the card whether it is right (VERIFY).
    AskPin,
    /// Ask what the card would pay (PREVIEW).
    Preview(PaymentOrder),
    /// Look up the coins that it offers, sending what they hang on.
    LookUp,
    /// Tell it that these offered coins aren't there, and ask again what it would pay.
    Report(Vec<OutPoint>),
    /// Have it pay what was previewed (PAY).
    Pay,
    /// Have it pay without a PIN (PAY).
    PayWithoutPin(PaymentOrder),
    /// Have it give the payment that it keeps, and make no other (PAY, again only).
    PayAgain(PaymentOrder),
    /// Ask for its statement on the payment. It has no answer.
    AskStatement(Txid),
    /// Tell what the statement is worth. It has no answer.
    WeighStatement(Transaction),
    /// Let the card go, and say so. It has no answer.
    Release,
    /// Forget a card that is gone. It has no answer.
    Forget,
}

/// A question to the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainTask {
    /// How high is it, and what does it take?
    Check,
    /// Which coins does the transaction spend?
    Inputs(Transaction),
    /// Send it.
    Send(Transaction),
    /// Where does the payment stand?
    Status {
        /// Its id.
        txid: Txid,
        /// The height from which on it may be in a block.
        since_height: u32,
    },
    /// Where does a payment stand that had ended, as far as the source has come?
    LookAgain {
        /// Its id.
        txid: Txid,
        /// The height from which on it may be in a block.
        since_height: u32,
    },
    /// Which transaction in a block pays the order, and spends these coins if any are named?
    FindPayment {
        /// What it pays.
        order: PaymentOrder,
        /// The coins, in the order of the inputs; empty when they aren't known.
        outpoints: Vec<OutPoint>,
        /// The height from which on it may be in a block.
        since_height: u32,
    },
    /// Which transaction in a block, or waiting for one, other than the payment, spends one of these
    /// coins?
    Conflict {
        /// The payment's id.
        txid: Txid,
        /// The coins.
        outpoints: Vec<OutPoint>,
        /// The height from which on it may be in a block.
        since_height: u32,
    },
}

/// How a payment ended, or how far the till came with it.
#[derive(Debug)]
pub enum Outcome {
    /// The shop has its money.
    Settled(Transaction),
    /// There is no payment, and it is proven that no card committed to it.
    Declined(Decline),
    /// It was given up before a card was asked to pay.
    Cancelled,
    /// The shop waits for it no longer, though it may still be paid.
    Closed,
    /// Another transaction that spends its coins is in a block.
    Conflicted {
        /// That transaction.
        by: Txid,
    },
    /// It had ended before, and still stands so.
    AsBefore {
        /// Blocks that bury it, or what took its coins.
        confirmations: u32,
    },
    /// It may still be paid: `tillcard till resume` goes on with it.
    Open(Open),
}
