//! Why the outcome of a payment stays open.

use bitcoin::Txid;

use super::Event;
use crate::chain::SourceProgress;
use tillcard_client::Untrusted;
use tillcard_client::advice::{Advice, Explain};
use tillcard_client::card::{CardError, CheckError};

/// Why the outcome of a payment stays open: it may still be paid, and nobody may be told that it
/// isn't. `tillcard till resume` goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Open {
    /// A card was asked to pay, and what came back proves nothing.
    #[error("it isn't known what the card did: {0}")]
    Unproven(CardError),
    /// A card was asked to pay in a plain session, where no answer proves that it didn't.
    #[error("a card without certificates can't prove that it hasn't paid")]
    NoProof,
    /// A card was asked to pay, and the one at hand can't be asked about it.
    #[error("the card can't be asked what became of the payment: {0}")]
    NotAsked(String),
    /// Another card is in the reader than the one that was asked to pay.
    #[error("this is another card than the one that was asked to pay")]
    OtherCard,
    /// The card was gone again and again after it was asked to pay.
    #[error("{0}, again and again after the card was asked to pay")]
    Lost(CardError),
    /// The card gave something else than the payment.
    #[error("{0}")]
    Dishonest(CheckError),
    /// The card says that its owner gave the payment up; the chain doesn't show it.
    #[error("the card's owner has cancelled payment {0}, and the chain doesn't show that yet")]
    CancelledByOwner(Txid),
    /// The card doesn't know the payment, and a transaction in a block pays as much to the same
    /// address: it may be this payment.
    #[error("the card doesn't know the payment, but {0} pays as much to the same address")]
    Alike(Txid),
    /// The card doesn't know the payment, and the source of the chain, which stays behind, can't say
    /// that no block has it.
    #[error("the card doesn't know the payment, and the Bitcoin node hasn't synced: {0}")]
    NodeBehind(SourceProgress),
    /// The node doesn't take the signed payment (now).
    #[error("the node doesn't take the payment: {reason}")]
    NotTaken {
        /// The node's reason.
        reason: Untrusted,
    },
    /// Another transaction spends a coin of the signed payment, and isn't as deep as the shop asks.
    #[error("{by} spends the payment's coins another way, {}", where_it_is(*.confirmations))]
    Contested {
        /// That transaction.
        by: Txid,
        /// Blocks that bury it; 0 while it waits for one.
        confirmations: u32,
    },
    /// The till can't go on.
    #[error("the till stopped before the payment's end")]
    Stopped,
}

impl Explain for Open {
    fn advice(&self) -> Advice {
        const MAY_BE_PAID: &str =
            "this payment may still be paid: don't take a second payment for it";
        match self {
            Self::Unproven(_) | Self::NoProof | Self::NotAsked(_) => Advice::new(
                "payment-uncertain",
                MAY_BE_PAID,
                "put the same card in again, at another reader if you can: tillcard till resume",
            ),
            Self::OtherCard => Advice::new(
                "other-card",
                "nothing was asked of this card, and the other one may have paid: don't take a \
                 second payment",
                "put the card in that was asked to pay: tillcard till resume",
            ),
            Self::Lost(_) => Advice::new(
                "card-lost-repeatedly",
                MAY_BE_PAID,
                "put the same card in again when reader and card are in order: tillcard till resume",
            ),
            Self::Dishonest(_) => Advice::new(
                "payment-unusable",
                MAY_BE_PAID,
                "take nothing else from this card; tillcard till resume asks it for the payment again",
            ),
            Self::CancelledByOwner(_) => Advice::new(
                "payment-cancelled-by-owner",
                MAY_BE_PAID,
                "run tillcard till resume after the next blocks: it ends when the chain shows where \
                 the coins went",
            ),
            Self::Alike(_) => Advice::new(
                "payment-found-alike",
                "the shop may be paid already: don't take a second payment",
                "look whether that transaction is of another payment; use a fresh address for each",
            ),
            Self::NodeBehind(_) => Advice::new(
                "payment-node-behind",
                MAY_BE_PAID,
                "when the node has synced, put the same card in again: tillcard till resume",
            ),
            Self::NotTaken { .. } => Advice::new(
                "payment-not-taken",
                "the card has signed, and this payment may still be paid: don't take a second payment \
                 for it",
                "hand out the goods when it is settled, or refund it then; tillcard till resume sends \
                 it again",
            ),
            Self::Contested { .. } => Advice::new(
                "payment-contested",
                "somebody is taking this payment back: it may still be paid, and most likely won't be",
                "keep the goods, or ask for them back; tillcard till resume tells which of the two \
                 was mined",
            ),
            Self::Stopped => Advice::new(
                "payment-open",
                MAY_BE_PAID,
                "go on with it when the till is in order again: tillcard till resume",
            ),
        }
    }
}

impl Open {
    /// The event that tells of it.
    pub fn event(&self) -> Event {
        let Advice {
            code,
            money,
            action,
        } = self.advice();
        Event::Open {
            code,
            reason: format!("{self}; {money}; {action}"),
        }
    }
}

fn where_it_is(confirmations: u32) -> String {
    match confirmations {
        0 => "and waits for a block".to_owned(),
        confirmations => format!("in a block ({confirmations})"),
    }
}
