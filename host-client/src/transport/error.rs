//! Why a card can't be reached, in words for a person.

/// What stands between us and a card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No PC/SC service answers.
    #[error("the PC/SC service isn't running: start it (`pcscd`, on Debian from package pcscd)")]
    NoService,
    /// The service knows no reader, or none of the name asked for.
    #[error("{}", no_reader(.wanted.as_deref(), .present))]
    NoReader {
        /// Part of a reader's name, as the user gave it.
        wanted: Option<String>,
        /// Names of the readers that there are.
        present: Vec<String>,
    },
    /// There are readers, but in none of them a card with our application.
    #[error("no Tillcard in {readers}: put the card in, chip first")]
    NoCard {
        /// The readers that were looked at.
        readers: String,
    },
    /// The card left its reader, or died in the middle of a command.
    #[error("the card was removed: put it in again and start over")]
    CardRemoved,
    /// Another program reset the card; its session is gone.
    #[error("another program reset the card: start over")]
    CardReset,
    /// Another program holds the card.
    #[error("the card in {reader} is in use by another program: close that one, or wait for it")]
    InUse {
        /// The reader's name.
        reader: String,
    },
    /// Nothing happened in the time given.
    #[error("nobody put a card in, in the time given")]
    TimedOut,
    /// The wait was interrupted by [`super::Interrupt`].
    #[error("waiting for a card was cancelled")]
    Cancelled,
    /// What only a technician can make sense of.
    #[error("the reader failed: {0}")]
    Reader(String),
}

fn no_reader(wanted: Option<&str>, present: &[String]) -> String {
    match wanted {
        Some(name) if !present.is_empty() => {
            format!(
                "no reader is named “{name}”; there is {}",
                present.join(", ")
            )
        }
        _ => "no card reader is connected: plug one in".into(),
    }
}

impl TransportError {
    /// What happened, where the caller says what to do: for a card that may have paid, that isn't to
    /// start over.
    pub fn cause(&self) -> String {
        match self {
            Self::CardRemoved => "the card was removed".into(),
            Self::CardReset => "another program reset the card".into(),
            other => other.to_string(),
        }
    }

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
                readers: reader.to_owned(),
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
                reader: reader.to_owned(),
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
        assert!(none.to_string().contains("plug one in"));
        let other = TransportError::NoReader {
            wanted: Some("ACS".into()),
            present: vec!["Virtual PCD 00 00".into()],
        };
        assert_eq!(
            other.to_string(),
            "no reader is named “ACS”; there is Virtual PCD 00 00"
        );
        let busy = TransportError::from_pcsc(pcsc::Error::SharingViolation, "Reader 1");
        assert!(busy.to_string().contains("Reader 1"));
    }
}
