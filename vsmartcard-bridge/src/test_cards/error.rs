//! Why a test card can't be made.

use std::io;
use std::path::PathBuf;

use tillcard_personalise::PersonaliseError;
use tillcard_test_owner::OwnerError;

use crate::card::CardError;
use crate::seed::NoRandomness;
use crate::slot::SlotError;

/// Why there is no such test card.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TestCardError {
    /// No test card has this name.
    #[error("no test card is called {0}; `tillcard-emu cards` lists them")]
    Unknown(String),
    /// The file can't be read.
    #[error("{} can't be read: {}", .0.display(), .1)]
    File(PathBuf, io::Error),
    /// The file isn't a scenario.
    #[error("that is no test card: {0}")]
    Scenario(Box<toml::de::Error>),
    /// The owner of the test card was refused something.
    #[error("the card can't be brought so far: {0}")]
    Owner(#[from] OwnerError),
    /// The card can't be personalised.
    #[error(transparent)]
    Personalise(#[from] PersonaliseError),
    /// The card can't be made.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The card failed.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// No seed.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

impl TestCardError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "no-such-test-card",
            Self::File(..) => "scenario-file",
            Self::Scenario(_) => "scenario",
            Self::Owner(_) => "test-card-refused",
            Self::Personalise(error) => error.code(),
            Self::Card(error) => error.code(),
            Self::Slot(error) => error.code(),
            Self::Randomness(error) => error.code(),
        }
    }
}
