//! Why a card can't be reached.

use crate::Untrusted;
use crate::advice::{Advice, Explain};

/// Why a card can't be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No PC/SC service answers.
    #[error("the PC/SC service isn't running")]
    NoService,
    /// The service knows no reader, or none of the name asked for.
    #[error("{}", no_reader(.wanted.as_ref(), .present))]
    NoReader {
        /// Part of a reader's name, as the user gave it.
        wanted: Option<Untrusted>,
        /// Names of the readers that there are.
        present: Vec<Untrusted>,
    },
    /// There are readers, but in none of them a card with our application.
    #[error("no Tillcard in {}", listed(.readers))]
    NoCard {
        /// The readers that were looked at.
        readers: Vec<Untrusted>,
    },
    /// A card that doesn't answer, from the first command on.
    #[error("the card in {reader} doesn't answer")]
    Mute {
        /// The reader's name.
        reader: Untrusted,
    },
    /// A card that answers, but hasn't our application.
    #[error("the card in {reader} isn't a Tillcard")]
    AnotherKind {
        /// The reader's name.
        reader: Untrusted,
    },
    /// The card left its reader, or died in the middle of a command.
    #[error("the card was removed")]
    CardRemoved,
    /// Another program reset the card; its session is gone.
    #[error("another program reset the card")]
    CardReset,
    /// Another program holds the card.
    #[error("the card in {reader} is in use by another program")]
    InUse {
        /// The reader's name.
        reader: Untrusted,
    },
    /// Nothing happened in the time given.
    #[error("no card was put in or taken out in the time given")]
    TimedOut,
    /// The wait was interrupted by [`super::Interrupt`].
    #[error("waiting for a card was cancelled")]
    Cancelled,
    /// What only a technician can make sense of.
    #[error("the reader failed: {0}")]
    Reader(String),
}

fn no_reader(wanted: Option<&Untrusted>, present: &[Untrusted]) -> String {
    match wanted {
        Some(name) if !present.is_empty() => {
            format!("no reader is named {name}; there is {}", listed(present))
        }
        _ => "no card reader is connected".into(),
    }
}

fn listed(readers: &[Untrusted]) -> String {
    let names: Vec<String> = readers.iter().map(Untrusted::to_string).collect();
    names.join(", ")
}

impl Explain for TransportError {
    fn advice(&self) -> Advice {
        const UNASKED: &str = "no card was asked for anything";
        const MAYBE: &str =
            "the card may have done what it was told last, but it debits no payment twice";
        match self {
            Self::NoService => Advice::new(
                "reader-service-down",
                UNASKED,
                "start pcscd (on Debian from package pcscd), then try again",
            ),
            Self::NoReader { .. } => Advice::new(
                "reader-not-found",
                UNASKED,
                "plug a card reader in, or name one that is there with --reader",
            ),
            Self::NoCard { .. } => {
                Advice::new("card-not-found", UNASKED, "put the card in, chip first")
            }
            Self::Mute { .. } => Advice::new(
                "card-mute",
                UNASKED,
                "take the card out, and put it in again, chip first; if it stays mute, take another",
            ),
            Self::AnotherKind { .. } => Advice::new(
                "card-of-another-kind",
                UNASKED,
                "put a Tillcard in; if this is one, it is damaged: take another",
            ),
            Self::CardRemoved => Advice::new(
                "card-removed",
                MAYBE,
                "put the card in again and run the same command again",
            ),
            Self::CardReset => Advice::new(
                "card-reset",
                MAYBE,
                "close the other program and run the same command again",
            ),
            Self::InUse { .. } => Advice::new(
                "card-in-use",
                UNASKED,
                "close the other program, or wait until it has ended",
            ),
            Self::TimedOut => Advice::new("card-wait-timed-out", UNASKED, "try again"),
            Self::Cancelled => Advice::new("card-wait-cancelled", UNASKED, "try again"),
            Self::Reader(_) => Advice::new(
                "reader-failed",
                MAYBE,
                "unplug the reader and plug it in again, restart pcscd, then try again",
            ),
        }
    }
}

impl TransportError {
    /// Translates PC/SC's errors as they come from operations on the reader named `reader`.
    pub(super) fn from_pcsc(error: pcsc::Error, reader: &str) -> Self {
        use pcsc::Error as E;
        match error {
            E::NoService | E::ServiceStopped => Self::NoService,
            E::NoReadersAvailable => Self::NoReader {
                wanted: None,
                present: Vec::new(),
            },
            E::NoSmartcard | E::UnresponsiveCard | E::UnpoweredCard => Self::NoCard {
                readers: vec![reader.into()],
            },
            // pcscd reports a reader that was unplugged under a connection in these ways too.
            E::RemovedCard
            | E::UnknownReader
            | E::ReaderUnavailable
            | E::InvalidHandle
            | E::NotTransacted
            | E::CommError => Self::CardRemoved,
            E::ResetCard => Self::CardReset,
            E::SharingViolation => Self::InUse {
                reader: reader.into(),
            },
            E::Timeout => Self::TimedOut,
            E::Cancelled => Self::Cancelled,
            other => Self::Reader(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do() {
        let none = TransportError::from_pcsc(pcsc::Error::NoReadersAvailable, "");
        assert_eq!(
            none.message(),
            "error[reader-not-found]: no card reader is connected; no card was asked for anything; \
             plug a card reader in, or name one that is there with --reader"
        );
        let other = TransportError::NoReader {
            wanted: Some("ACS".into()),
            present: vec!["Virtual PCD 00 00".into()],
        };
        assert_eq!(
            other.to_string(),
            "no reader is named “ACS”; there is “Virtual PCD 00 00”"
        );
        let busy = TransportError::from_pcsc(pcsc::Error::SharingViolation, "Reader 1");
        assert!(busy.to_string().contains("Reader 1"));
    }
}
