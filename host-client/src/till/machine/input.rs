//! What a payment's machine is told.

use bitcoin::{OutPoint, Transaction, TxOut, Txid};

use crate::chain::Reach;
use crate::till::Decline;
use tillcard_client::card::{CardError, CardKeys, PaymentState as CardPaymentState, Preview};
use tillcard_client::{FeeRate, Untrusted};

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The clerk, or the program that acts for the shop, says something.
    Clerk(ClerkSaid),
    /// A card or its holder answers the task at hand.
    Card(CardSaid),
    /// The chain answers the task at hand.
    Chain(ChainSaid),
    /// The time that was to be waited is over.
    TimePassed,
    /// The driver can't do the task at hand, and stops.
    Stopped,
}

/// What the clerk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClerkSaid {
    /// A card may come.
    Begin,
    /// The till is back after it had stopped.
    Resume,
    /// The payment isn't wanted any more.
    Cancel,
    /// The shop waits no longer for a payment whose outcome is open, at its own risk.
    Close,
}

/// What came from a card.
#[derive(Debug)]
pub enum CardSaid {
    /// A card that the till takes is there: with the keys that it proved in the channel, or in a
    /// plain session.
    Met {
        /// Its keys; nothing in a plain session.
        keys: Option<CardKeys>,
    },
    /// A card that the till doesn't take.
    NotTaken(Decline),
    /// The PIN was right.
    Verified,
    /// The PIN was wrong.
    WrongPin {
        /// Entries left.
        tries_left: u8,
    },
    /// What was typed is no PIN; the card hasn't seen it.
    NotAPin,
    /// Nobody typed one.
    NoPin,
    /// What the card would pay.
    Previewed(Preview),
    /// The offered coins, looked up.
    LookedUp {
        /// Those that are there, in the order of the offer.
        coins: Vec<TxOut>,
        /// Those that are spent, or never were.
        absent: Vec<OutPoint>,
        /// Whether they hang on so many unconfirmed transactions that nodes take no more.
        is_crowded: bool,
        /// How far the source of the chain had come when it was asked.
        reach: Reach,
    },
    /// The transaction that the card wrote, serialised, unchecked.
    Paid(Vec<u8>),
    /// What the card says that it knows of the payment.
    State(CardPaymentState),
    /// The task at hand failed.
    Failed(CardError),
}

/// What the chain says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChainSaid {
    /// Its height, and what it takes.
    Ready {
        /// Height of the last block.
        height: u32,
        /// The least fee rate that the node takes.
        least: FeeRate,
        /// How far it had come as a source.
        reach: Reach,
    },
    /// The coins of a payment that wasn't previewed, in the order of its inputs; nothing when one of
    /// them is spent, or unknown.
    Inputs(Option<Vec<TxOut>>),
    /// It took the payment, or has it.
    Sent,
    /// It didn't take the payment.
    Refused {
        /// Its reason.
        reason: Untrusted,
        /// How far it had come as a source.
        reach: Reach,
    },
    /// It doesn't know the payment.
    Unknown,
    /// The payment waits for a block.
    InMempool,
    /// The payment is in a block.
    Confirmed {
        /// Blocks that bury it, its own included.
        confirmations: u32,
    },
    /// Where a payment stands that had ended.
    LookedAgain {
        /// Blocks that bury it; 0 while it waits for one, nothing when it isn't known.
        confirmations: Option<u32>,
        /// How far the source had come when it was asked.
        reach: Reach,
    },
    /// What was found of a transaction in a block that pays what was asked.
    Found {
        /// The transaction, if there is one.
        payment: Option<Transaction>,
        /// How far the source had come when it was asked.
        reach: Reach,
    },
    /// What was found of another transaction that spends a coin of the payment.
    Conflict {
        /// The transaction, if there is one.
        conflict: Option<Conflict>,
        /// How far the source had come when it was asked.
        reach: Reach,
    },
    /// It can't be asked just now.
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// Another transaction that spends a coin of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Its id.
    pub by: Txid,
    /// Blocks that bury it, its own included; 0 while it waits for one.
    pub confirmations: u32,
}
