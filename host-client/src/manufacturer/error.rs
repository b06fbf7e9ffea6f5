//! What can go wrong at a manufacturer's.

use std::path::PathBuf;

use tillcard_client::advice::{Advice, Explain, NO_RANDOMNESS};
use tillcard_client::genuine::GenuineError;
use tillcard_client::transport::TransportError;
use tillcard_personalise::PersonaliseError;

/// Why a certificate, a list or a personalised card couldn't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManufacturerError {
    /// A certificate, a list or a card isn't what it should be.
    #[error(transparent)]
    Personalise(#[from] PersonaliseError),
    /// The same, of a file.
    #[error("{path}: {cause}")]
    File {
        /// Which file, or which two.
        path: String,
        /// What is wrong.
        cause: PersonaliseError,
    },
    /// A file can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that would have to be overwritten.
    #[error("{} is there already", .0.display())]
    FileExists(PathBuf),
    /// The card can't be reached.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A personalised card doesn't prove that it has its certified key.
    #[error("{0}")]
    NotProven(GenuineError),
    /// A certificate can't hold this time.
    #[error("certificates know no time after the year 9999")]
    TimeOutOfRange,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl Explain for ManufacturerError {
    fn advice(&self) -> Advice {
        const NONE: &str = "no money is involved";
        match self {
            Self::Personalise(PersonaliseError::NotBlank) => Advice::new(
                "card-not-blank",
                "the card is as it was",
                "use a blank card: a personalised one can't be made blank again",
            ),
            Self::Personalise(_) => Advice::new(
                "personalisation-failed",
                NONE,
                "correct what is wrong; a card that was begun is done again from the start",
            ),
            Self::File { .. } => Advice::new(
                "authority-file-invalid",
                NONE,
                "name the right file: PREFIX.pem and PREFIX.key belong together",
            ),
            Self::Io { .. } => Advice::new(
                "authority-file-failed",
                NONE,
                "check the file's name, that the disk has room, and that you may write there",
            ),
            Self::FileExists(_) => Advice::new(
                "authority-file-exists",
                NONE,
                "name another file, or move that one away: it is never overwritten",
            ),
            Self::Transport(error) => error.advice(),
            Self::NotProven(_) => Advice::new(
                "personalised-card-unproven",
                "coins sent to such a card may be stolen",
                "don't use this card, and revoke its certificates",
            ),
            Self::TimeOutOfRange => {
                Advice::new("time-out-of-range", NONE, "name fewer years or days")
            }
            Self::NoRandomness => NO_RANDOMNESS,
        }
    }
}
