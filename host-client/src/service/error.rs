//! Why the service doesn't do what it was asked.

use axum::http::StatusCode;
use bitcoin::Amount;
use tillcard::chain::ChainError;
use tillcard::text::sat;
use tillcard::till::{PinError, TillError};
use tillcard_client::advice::{Advice, Explain};
use tillcard_client::transport::TransportError;
use tillcard_http::Problem;

use super::payment::State;
use super::refund::RefundError;

/// Why the service doesn't do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServiceError {
    /// There is no payment of this name.
    #[error("there is no payment {0}")]
    NoPayment(String),
    /// There is no webhook of this name.
    #[error("there is no webhook {0}")]
    NoWebhook(String),
    /// There is no reader of this name.
    #[error("there is no reader of this name")]
    NoReader,
    /// There are several readers, and none was chosen.
    #[error("there are several readers: {0}")]
    ReaderNotChosen(String),
    /// Another payment is at this reader.
    #[error("payment {0} is at this reader")]
    ReaderBusy(String),
    /// What was asked doesn't fit the payment's state.
    #[error("the payment is {}", .0.name())]
    WrongState(State),
    /// No PIN is asked for.
    #[error("no PIN is asked for just now")]
    PinNotAsked,
    /// A part of the request isn't what it should be.
    #[error("{0}")]
    Invalid(String),
    /// The payment has no address of its own.
    #[error("the payment has no address of its own")]
    NoQrCode,
    /// A payment above the shop's ceiling was to be settled without a block.
    #[error("a payment without a block may be of {} at most", sat(*.0))]
    Unconfirmed(Amount),
    /// What a bitcoin costs can't be found out.
    #[error("there is no rate: {0}")]
    NoRate(String),
    /// The rate is too old.
    #[error("the rate is of {0}, which is too long ago")]
    StaleRate(String),
    /// The same idempotency key came with another request.
    #[error("this Idempotency-Key came before, with another request")]
    KeyReused,
    /// A refund isn't drafted, or not taken back.
    #[error(transparent)]
    Refund(#[from] RefundError),
    /// The chain can't be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The reader service can't be asked.
    #[error(transparent)]
    Reader(#[from] TransportError),
    /// The till can't go on.
    #[error(transparent)]
    Till(#[from] TillError),
    /// The service's file can't be read or written.
    #[error("the service's file: {0}")]
    Book(String),
    /// What was typed is no PIN.
    #[error(transparent)]
    Pin(PinError),
}

impl ServiceError {
    /// The service's file can't be read or written.
    pub(crate) fn book(error: impl std::fmt::Display) -> Self {
        Self::Book(error.to_string())
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::NoPayment(_) | Self::NoWebhook(_) | Self::NoReader | Self::NoQrCode => {
                StatusCode::NOT_FOUND
            }
            Self::ReaderBusy(_) | Self::WrongState(_) | Self::PinNotAsked => StatusCode::CONFLICT,
            Self::Refund(error) => error.status(),
            Self::Chain(ChainError::Rejected { .. })
            | Self::ReaderNotChosen(_)
            | Self::Invalid(_)
            | Self::Unconfirmed(_)
            | Self::KeyReused
            | Self::Pin(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Chain(_) | Self::Reader(_) | Self::NoRate(_) | Self::StaleRate(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Till(_) | Self::Book(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Explain for ServiceError {
    fn advice(&self) -> Advice {
        const NOTHING_PAID: &str = "no card was asked for anything by this request";
        match self {
            Self::NoPayment(_) => Advice::new(
                "till-payment-unknown",
                NOTHING_PAID,
                "look its name up in the list of payments (GET /v1/payments)",
            ),
            Self::NoWebhook(_) => Advice::new(
                "webhook-unknown",
                "nothing has changed",
                "look its name up in the list of webhooks (GET /v1/webhooks)",
            ),
            Self::NoReader => Advice::new(
                "reader-unknown",
                NOTHING_PAID,
                "look its name up in the list of readers (GET /v1/readers), or plug it in",
            ),
            Self::ReaderNotChosen(_) => Advice::new(
                "reader-not-chosen",
                NOTHING_PAID,
                "say which one the customer uses, by reader in the request",
            ),
            Self::ReaderBusy(_) => Advice::new(
                "reader-busy",
                NOTHING_PAID,
                "wait until that payment needs its card no more, cancel it, or use another reader",
            ),
            Self::WrongState(_) => Advice::new(
                "payment-state",
                "nothing has changed",
                "ask for the payment, and do what fits its state",
            ),
            Self::PinNotAsked => Advice::new(
                "pin-not-asked",
                "the card has seen no PIN by this request",
                "send the PIN when the payment has a pin, and once each time",
            ),
            Self::Invalid(_) => Advice::new(
                "request-invalid",
                NOTHING_PAID,
                "mend the request; /v1/openapi.json says what it may be",
            ),
            Self::NoQrCode => Advice::new(
                "payment-without-uri",
                NOTHING_PAID,
                "give each payment a fresh address, or the till the shop's descriptor",
            ),
            Self::Unconfirmed(_) => Advice::new(
                "unconfirmed-over-ceiling",
                NOTHING_PAID,
                "wait for a block, or have the shop raise its ceiling (--unconfirmed-up-to)",
            ),
            Self::NoRate(_) => Advice::new(
                "rate-unavailable",
                NOTHING_PAID,
                "look at the source of the rate that --rate names, or say the amount in sat",
            ),
            Self::StaleRate(_) => Advice::new(
                "rate-stale",
                NOTHING_PAID,
                "have the source of the rate that --rate names renew it, or say the amount in sat",
            ),
            Self::KeyReused => Advice::new(
                "idempotency-key-reused",
                NOTHING_PAID,
                "draw a new key for each new request, and send the old one with the same bytes only",
            ),
            Self::Refund(error) => error.advice(),
            Self::Chain(error) => error.advice(),
            Self::Reader(error) => error.advice(),
            Self::Till(error) => error.advice(),
            Self::Book(_) => Advice::new(
                "service-file-failed",
                "what can't be written down isn't done",
                "make room on the disk, and check that you may write there",
            ),
            Self::Pin(error) => error.advice(),
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        let Advice {
            code,
            money,
            action,
        } = error.advice();
        let status = error.status();
        let what = match status.is_server_error() {
            // What only the log is told.
            true if matches!(error, ServiceError::Till(_) | ServiceError::Book(_)) => {
                tracing::error!(%error, "request");
                "the till can't write or read".to_owned()
            }
            _ => error.to_string(),
        };
        Self::new(status, code, format!("{what}; {money}; {action}"))
    }
}
