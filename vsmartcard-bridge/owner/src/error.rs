//! What can go wrong between an owner and a card.

use std::error::Error;

use tillcard_protocol::status;

/// Why a card isn't what its owner wanted it to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// There was no answer.
    #[error("the card gives no answer to {command}: {reason}")]
    NoContact {
        /// The command.
        command: &'static str,
        /// What the way to the card says.
        reason: Box<dyn Error + Send + Sync>,
    },
    /// The card refused.
    #[error("the card refuses {command}: {status:04X} ({})", meaning(*status))]
    Refused {
        /// The command.
        command: &'static str,
        /// SW1-SW2.
        status: u16,
    },
    /// The answer isn't one that the protocol knows.
    #[error("the card's answer to {0} can't be read")]
    Malformed(&'static str),
    /// Four to twelve digits.
    #[error("a PIN has 4 to 12 digits")]
    Pin,
    /// Every key here can be computed by everybody.
    #[error("an owner for tests takes no card for mainnet: everybody knows its keys")]
    Mainnet,
    /// The chain that the coins are to be on.
    #[error("the chain: {0}")]
    Chain(String),
    /// The command can't be written.
    #[error("{0} can't be written: its data is too long")]
    TooLong(&'static str),
}

fn meaning(word: u16) -> &'static str {
    status::meaning(word).unwrap_or("a status word of no meaning here")
}
