//! What a card answers when it doesn't do what it was asked, in words for a person.

use bitcoin::Network;
use tillcard_protocol::status::meaning;

use crate::transport::TransportError;

const OWN_VERSION: [u8; 2] = tillcard_protocol::VERSION;

/// Why a card didn't do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The card can't be reached (any more).
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The PIN was wrong.
    #[error("wrong PIN: {}", tries(*.tries_left))]
    WrongPin {
        /// Entries left before the PIN is blocked.
        tries_left: u8,
    },
    /// No entries are left.
    #[error("the PIN is blocked: the card's owner unblocks it at home with `tillcard owner pin`")]
    PinBlocked,
    /// The card has no owner yet.
    #[error("the card was never issued: its owner does that with `tillcard owner issue`")]
    NotIssued,
    /// The card has an owner already.
    #[error(
        "the card was issued before: take a fresh one. If it is yours, `tillcard owner reset` has it \
         forget that, and `tillcard owner adopt` takes it up where this PC doesn't know it"
    )]
    IssuedBefore,
    /// The card can't read its own memory.
    #[error(
        "the card's memory is damaged: its owner has to sweep its coins and issue another card"
    )]
    Damaged,
    /// The card's owner ended its life.
    #[error("the card's life was ended by its owner: it does nothing any more")]
    Terminated,
    /// The card's policy allows this in a secure channel only.
    #[error(
        "this card takes PIN and payments in a secure channel only: its owner can allow others at \
         home, with `tillcard owner policy`"
    )]
    ChannelDemanded,
    /// The card's memory was written by another version of its software.
    #[error(
        "the card's memory is of another version than its software: update the card's software"
    )]
    OtherImage,
    /// The card is for another network.
    #[error("the card is for {card}, not for {wanted}")]
    WrongNetwork {
        /// The card's network.
        card: Network,
        /// The caller's network.
        wanted: Network,
    },
    /// The card speaks a version of the protocol that we don't know.
    #[error(
        "the card speaks version {major}.{minor} of the protocol; this program speaks {}.{}",
        OWN_VERSION[0], OWN_VERSION[1]
    )]
    UnknownVersion {
        /// Its major version.
        major: u8,
        /// Its minor version.
        minor: u8,
    },
    /// A refusal by status word.
    #[error("{command} refused: {} ({status:04X})", meaning(*.status).unwrap_or("an answer that the protocol doesn't know"))]
    Refused {
        /// The command's name.
        command: &'static str,
        /// SW1 SW2.
        status: u16,
    },
    /// The card's answer isn't one that the protocol allows.
    #[error("the card's answer to {command} makes no sense: it isn't a Tillcard, or a broken one")]
    Malformed {
        /// The command's name.
        command: &'static str,
    },
    /// The card's account key isn't made of both shares.
    #[error(
        "the card didn't make its key as promised: it may be counterfeit. Don't use it, \
         and send no coins to it"
    )]
    DishonestKey,
    /// What the card believes of itself isn't what it was told, or isn't signed by its key.
    #[error(
        "the card's issue record isn't true: {0}. Don't use this card, and send no coins to it"
    )]
    IssueRecord(&'static str),
    /// A signature of the card's isn't one of the transaction's that it was given.
    #[error("the card's signature for input {input} isn't valid: don't use this card")]
    BadSignature {
        /// The input's number, from 0.
        input: usize,
    },
    /// What answered hasn't the agreement key of the card that is meant.
    #[error(
        "no secure channel: what answers hasn't the key of the card that is meant. It is another \
         card, or somebody sits between card and reader"
    )]
    NotThisCard,
    /// An answer in a channel that isn't proven to be the card's.
    #[error(
        "the answer to {command} isn't proven to be the card's: it was changed on its way, or \
         somebody sits between card and reader. The card is asked for nothing more"
    )]
    NotProven {
        /// The command's name.
        command: &'static str,
    },
    /// The channel has ended by an error before.
    #[error("the secure channel to the card has ended: put the card in anew")]
    ChannelEnded,
    /// The owner key can't be used.
    #[error("the owner key can't be used: {0}")]
    OwnerKey(String),
    /// What was to be sent can't be said in the protocol.
    #[error("{0}")]
    Unsendable(&'static str),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl CardError {
    /// The status word, where the card refused by one that has no variant of its own.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Entries left before the PIN is blocked, after a wrong one or at any time.
pub(crate) fn tries(left: u8) -> String {
    match left {
        0 => "that was the last try".into(),
        1 => "1 try left".into(),
        n => format!("{n} tries left"),
    }
}

/// A failure, and the session as the card left it.
pub struct Failed<S> {
    /// What happened.
    pub error: CardError,
    /// The session to go on with.
    pub session: S,
}

impl<S> std::fmt::Debug for Failed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.error, f)
    }
}

impl<S> std::fmt::Display for Failed<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.error, f)
    }
}

impl<S> From<Failed<S>> for CardError {
    fn from(failed: Failed<S>) -> Self {
        failed.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_for_persons() {
        assert_eq!(
            CardError::WrongPin { tries_left: 2 }.to_string(),
            "wrong PIN: 2 tries left"
        );
        assert_eq!(
            CardError::WrongPin { tries_left: 1 }.to_string(),
            "wrong PIN: 1 try left"
        );
        assert_eq!(
            CardError::Refused {
                command: "PAY",
                status: 0x9401
            }
            .to_string(),
            "PAY refused: insufficient funds (9401)"
        );
        assert_eq!(
            CardError::Refused {
                command: "PAY",
                status: 0x1234
            }
            .to_string(),
            "PAY refused: an answer that the protocol doesn't know (1234)"
        );
    }
}
