//! Why a card didn't do what it was asked.

use bitcoin::Network;
use tillcard_protocol::status::meaning;

use crate::account::AccountError;
use crate::advice::{Advice, Explain, NO_RANDOMNESS};
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
    #[error("the PIN is blocked")]
    PinBlocked,
    /// The card has no owner yet.
    #[error("the card was never issued")]
    NotIssued,
    /// The card has an owner already.
    #[error("the card has an owner already")]
    IssuedBefore,
    /// The card can't read its own memory.
    #[error("the card's memory is damaged")]
    Damaged,
    /// The card's owner ended its life.
    #[error("the card was terminated by its owner")]
    Terminated,
    /// The card's policy allows this in a secure channel only.
    #[error("this card takes PIN and payments in a secure channel only, and there is none")]
    ChannelDemanded,
    /// The card's memory was written by another version of its software.
    #[error("the card's memory was written by another version of its software")]
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
    #[error("the card's answer to {command} isn't one that the protocol allows")]
    Malformed {
        /// The command's name.
        command: &'static str,
    },
    /// The card's account key isn't made of both shares.
    #[error("the card didn't make its key as promised: it may be counterfeit")]
    DishonestKey,
    /// What the card believes of itself isn't what it was told, or isn't signed by its key.
    #[error("the card's issue record isn't true: {0}")]
    IssueRecord(&'static str),
    /// A signature of the card's isn't one of the transaction's that it was given.
    #[error("the card's signature for input {input} isn't valid")]
    BadSignature {
        /// The input's number, from 0.
        input: usize,
    },
    /// What answered hasn't the agreement key of the card that is meant.
    #[error(
        "no secure channel: what answers doesn't have the key of the card that is meant. It is \
         another card, or somebody sits between card and reader"
    )]
    NotThisCard,
    /// An answer in a channel that isn't proven to be the card's.
    #[error(
        "the answer to {command} isn't proven to be the card's: it was changed on its way, or \
         somebody sits between card and reader"
    )]
    NotProven {
        /// The command's name.
        command: &'static str,
    },
    /// The channel has ended by an error before.
    #[error("the secure channel to the card has ended")]
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

impl Explain for CardError {
    fn advice(&self) -> Advice {
        const UNPAID: &str = "nothing was paid";
        const SUSPECT: &str = "send no coins to this card, and take no payment from it";
        match self {
            Self::Transport(error) => error.advice(),
            Self::WrongPin { .. } => Advice::new(
                "pin-wrong",
                UNPAID,
                "type the PIN again; after the last try only the card's owner unblocks it",
            ),
            Self::PinBlocked => Advice::new(
                "pin-blocked",
                UNPAID,
                "the card's owner unblocks the PIN at home (tillcard owner pin)",
            ),
            Self::NotIssued => Advice::new(
                "card-not-issued",
                "there is no money on it",
                "its owner issues it first (tillcard owner issue)",
            ),
            Self::IssuedBefore => Advice::new(
                "card-has-owner",
                "its coins are its owner's, and nothing has changed",
                "take a fresh card; if this one is yours, tillcard owner reset has it forget you, \
                 and tillcard owner adopt takes it up where this PC doesn't know it",
            ),
            Self::Damaged => Advice::new(
                "card-memory-damaged",
                "the card can't pay any more; its owner can still move its coins",
                "its owner takes the coins back without the card (tillcard owner block) and issues \
                 another",
            ),
            Self::Terminated => Advice::new(
                "card-terminated",
                "the card can't pay any more; its owner can still move its coins",
                "use another card; its owner takes what is left with tillcard owner block",
            ),
            Self::ChannelDemanded => Advice::new(
                "channel-required",
                UNPAID,
                "use a till that opens a secure channel to the card, or have its owner allow plain \
                 sessions (tillcard owner policy)",
            ),
            Self::OtherImage => Advice::new(
                "card-memory-version",
                "the coins are where they were",
                "update the card's software",
            ),
            Self::WrongNetwork { .. } => Advice::new(
                "card-wrong-network",
                UNPAID,
                "use a card of this network, or the node of the card's network",
            ),
            Self::UnknownVersion { .. } => Advice::new(
                "protocol-version-unknown",
                UNPAID,
                "update this program, or the card's software",
            ),
            Self::Refused { .. } => Advice::new(
                "card-refused",
                "a refusal comes without proof: the card may have done what it was told all the same",
                "look the status word up in docs/protocol.md, and try again when its reason is gone, \
                 or at another reader",
            ),
            Self::Malformed { .. } => Advice::new(
                "card-answer-malformed",
                "if the card was asked to pay, it may have paid",
                "use another card or reader; a till goes on with tillcard till resume",
            ),
            Self::DishonestKey => AccountError::ShareNotUsed("").advice(),
            Self::IssueRecord(_) => Advice::new(
                "issue-record-false",
                SUSPECT,
                "don't use this card, and ask its manufacturer",
            ),
            Self::BadSignature { .. } => Advice::new(
                "card-signature-invalid",
                "the transaction wasn't sent",
                "don't use this card, and take its coins back (tillcard owner block)",
            ),
            Self::NotThisCard => Advice::new(
                "not-this-card",
                "nothing was asked of it, and it has seen no PIN",
                "put the right card in, at a reader that nobody has tampered with",
            ),
            Self::NotProven { .. } => Advice::new(
                "answer-not-proven",
                "if the card was asked to pay, it may have paid",
                "use another reader; a till goes on with tillcard till resume",
            ),
            Self::ChannelEnded => Advice::new(
                "channel-ended",
                "nothing more was asked of the card",
                "take the card out, put it in again and run the same command again",
            ),
            Self::OwnerKey(_) => Advice::new(
                "owner-key-unusable",
                "the card wasn't told anything",
                "check that the owner's folder is whole, or restore it (tillcard owner restore)",
            ),
            Self::Unsendable(_) => Advice::new(
                "command-too-long",
                "the card wasn't told anything",
                "make the transaction smaller, or use a shorter address",
            ),
            Self::NoRandomness => NO_RANDOMNESS,
        }
    }
}

/// Entries left before the PIN is blocked, after a wrong one or at any time.
pub fn tries(left: u8) -> String {
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
