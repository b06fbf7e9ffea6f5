//! Why the till itself can't go on.

use super::{PaymentStoreError, PinError};
use crate::chain::ChainError;
use tillcard_client::advice::{Advice, Explain, NO_RANDOMNESS};
use tillcard_client::transport::TransportError;

/// Why the till itself can't go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TillError {
    /// The reader or the PC/SC service fails.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The chain can't be asked.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The payment can't be written down; it wasn't sent.
    #[error(transparent)]
    Store(#[from] PaymentStoreError),
    /// The PIN can't be asked.
    #[error(transparent)]
    Pin(PinError),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl Explain for TillError {
    fn advice(&self) -> Advice {
        match self {
            Self::Transport(error) => error.advice(),
            Self::Chain(error) => error.advice(),
            Self::Store(error) => error.advice(),
            Self::Pin(error) => error.advice(),
            Self::NoRandomness => NO_RANDOMNESS,
        }
    }
}
