//! Why a refund isn't drafted, or not taken back.

use axum::http::StatusCode;
use bitcoin::Amount;
use tillcard::text::sat;
use tillcard_client::advice::{Advice, Explain};

use super::RefundState;

/// Why a refund isn't drafted, or not taken back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefundError {
    /// There is no refund of this name.
    #[error("there is no refund {0}")]
    Unknown(String),
    /// What was asked doesn't fit the refund's state.
    #[error("the refund is {}", .0.name())]
    WrongState(RefundState),
    /// Nothing of the payment is settled.
    #[error("nothing of this payment is settled, in a block")]
    NotSettled,
    /// More than is left of what was paid.
    #[error("{} of this payment can go back", sat(*.0))]
    OverPaid(Amount),
    /// Another refund of the payment isn't at its end.
    #[error("refund {0} of this payment isn't at its end")]
    Open(String),
    /// It can't be paid to this address.
    #[error("to isn't an address for a refund: {0}")]
    Address(String),
    /// Nodes don't relay so small an output.
    #[error("less than {} can't be sent to this address", sat(*.0))]
    Dust(Amount),
    /// The fee is more than what goes back.
    #[error("the fee would be {}, more than goes back", sat(*.0))]
    Fee(Amount),
    /// The shop's coins don't suffice.
    #[error("the coins that the till knows of don't suffice: {} is missing", sat(*.0))]
    CoinsShort(Amount),
    /// The till hasn't the shop's descriptor.
    #[error("the till hasn't the shop's descriptor")]
    NoDescriptor,
    /// What came isn't the draft with all its signatures.
    #[error("what came isn't signed as it must be: {0}")]
    NotSigned(String),
    /// What came is another transaction.
    #[error("what came is another transaction than the draft")]
    OtherTransaction,
}

impl RefundError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::WrongState(_)
            | Self::NotSettled
            | Self::Open(_)
            | Self::CoinsShort(_)
            | Self::NoDescriptor => StatusCode::CONFLICT,
            Self::OverPaid(_)
            | Self::Address(_)
            | Self::Dust(_)
            | Self::Fee(_)
            | Self::NotSigned(_)
            | Self::OtherTransaction => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

impl Explain for RefundError {
    fn advice(&self) -> Advice {
        const NO_DRAFT: &str = "nothing was drafted, and nothing goes back";
        const NOT_SENT: &str = "nothing was sent by this request";
        match self {
            Self::Unknown(_) => Advice::new(
                "refund-unknown",
                NOT_SENT,
                "look its name up in the list of refunds (GET /v1/refunds)",
            ),
            Self::WrongState(_) => Advice::new(
                "refund-state",
                NOT_SENT,
                "ask for the refund, and do what fits its state",
            ),
            Self::NotSettled => Advice::new(
                "refund-not-settled",
                NO_DRAFT,
                "wait until the payment is settled and in a block: what can still go back to the customer \
                 isn't the shop's to refund",
            ),
            Self::OverPaid(_) => Advice::new(
                "refund-over-paid",
                NO_DRAFT,
                "ask for what is left; with all refunds of it no more goes back than was paid",
            ),
            Self::Open(_) => Advice::new(
                "refund-open",
                NO_DRAFT,
                "wait until that one is settled, or cancel it if it isn't signed",
            ),
            Self::Address(_) => Advice::new(
                "refund-address",
                NO_DRAFT,
                "ask the customer for an address of his own, on the till's network",
            ),
            Self::Dust(_) => Advice::new(
                "refund-dust",
                NO_DRAFT,
                "refund more at once, or give it back in cash",
            ),
            Self::Fee(_) => Advice::new(
                "refund-fee",
                NO_DRAFT,
                "wait for lower fees, name a lower rate, or give it back in cash",
            ),
            Self::CoinsShort(_) => Advice::new(
                "refund-coins-short",
                NO_DRAFT,
                "refund less, or have the back office pay it from its own wallet",
            ),
            Self::NoDescriptor => Advice::new(
                "refund-without-descriptor",
                NO_DRAFT,
                "start the till with --descriptor, or have the back office pay it from its own wallet",
            ),
            Self::NotSigned(_) => Advice::new(
                "refund-not-signed",
                NOT_SENT,
                "have the wallet of the shop's descriptor sign the refund's psbt, and send what comes of it",
            ),
            Self::OtherTransaction => Advice::new(
                "refund-other-transaction",
                NOT_SENT,
                "send the refund's own psbt, signed; a transaction that replaces it is sent by the back \
                 office",
            ),
        }
    }
}
