//! Why a payment doesn't take place: each reason stands where it is proven that no card committed to
//! it.

use bitcoin::OutPoint;

use super::Event;
use super::pin::NO_PIN;
use super::refusal;
use crate::chain::SourceProgress;
use tillcard_client::FeeRate;
use tillcard_client::advice::{Advice, Explain};
use tillcard_client::card::{CardError, CheckError};
use tillcard_client::vetting::VettingError;

/// Why a payment doesn't take place. The till itself and the chain are in order, and no card
/// committed to it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Decline {
    /// A coin that the card would spend is spent already, or never was.
    #[error("coin {0} is spent already")]
    CoinSpent(OutPoint),
    /// The holder gave no PIN.
    #[error("no PIN was entered")]
    NoPin,
    /// The card refused.
    #[error("{}", refusal::what_happened(.0))]
    Card(CardError),
    /// The card that was asked to pay proves that it hadn't.
    #[error("the card hadn't paid")]
    NeverWritten,
    /// Nobody believed vouches for the card, or its proof is wrong.
    #[error("the card isn't taken: {0}")]
    NotGenuine(VettingError),
    /// The card has no certificates, so that there is no secure channel.
    #[error("the card has no certificates")]
    Uncertified,
    /// What the card would pay isn't what it was asked for.
    #[error("{0}")]
    Dishonest(#[from] CheckError),
    /// The node takes no transaction at the fee rate asked for.
    #[error("the node takes no payment below {least} just now")]
    FeeRateTooLow {
        /// The least rate that it takes.
        least: FeeRate,
    },
    /// The source of the chain stays behind: what it says of the card's coins proves nothing.
    #[error("the Bitcoin node hasn't synced: {0}")]
    NodeBehind(SourceProgress),
    /// The card's coins hang on so many transactions without a block that nodes take no more.
    #[error("the card's coins hang on too many payments that wait for a block")]
    TooManyUnconfirmed,
}

impl Explain for Decline {
    fn advice(&self) -> Advice {
        const UNASKED: &str = "the card wasn't asked to pay, and nothing was debited";
        match self {
            Self::CoinSpent(_) => Advice::new(
                "coin-spent",
                UNASKED,
                "ask for another card: this one was blocked, or its coins were moved",
            ),
            Self::NoPin => NO_PIN,
            Self::Card(error) => refusal::advice(error),
            Self::NeverWritten => Advice::new(
                "payment-never-made",
                "nothing was debited, and nothing is owed",
                "begin the payment anew if it is still wanted",
            ),
            Self::NotGenuine(error) => error.advice(),
            Self::Uncertified => Advice::new(
                "card-without-certificates",
                "the till sends no PIN to a card without certificates, and nothing was paid",
                "use another card; --plain takes such cards, at a reader with a PIN pad or one that \
                 nobody can tamper with",
            ),
            Self::Dishonest(error) => error.advice(),
            Self::FeeRateTooLow { .. } => Advice::new(
                "fee-rate-below-mempool",
                UNASKED,
                "begin the payment anew at a higher --fee-rate",
            ),
            Self::NodeBehind(_) => Advice::new(
                "till-node-behind",
                UNASKED,
                "wait until the node has synced, or name another one with --chain, then begin the \
                 payment anew",
            ),
            Self::TooManyUnconfirmed => Advice::new(
                "too-many-unconfirmed",
                UNASKED,
                "wait for the next block, or ask for another card",
            ),
        }
    }
}

impl Decline {
    /// The coin that stands in the way, if it is a coin.
    pub fn outpoint(&self) -> Option<OutPoint> {
        match self {
            Self::CoinSpent(outpoint) | Self::Dishonest(CheckError::Signature(outpoint)) => {
                Some(*outpoint)
            }
            _ => None,
        }
    }

    /// The event that tells of it.
    pub fn event(&self) -> Event {
        let Advice {
            code,
            money,
            action,
        } = self.advice();
        Event::Declined {
            code,
            reason: format!("{self}; {money}; {action}"),
            outpoint: self.outpoint(),
        }
    }
}
