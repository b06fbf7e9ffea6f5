//! Where the PIN comes from.

use tillcard_client::advice::{Advice, Explain};
use tillcard_client::card::PinBlock;

/// Why there is no PIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// The holder gave up, or the input ended.
    #[error("no PIN was entered")]
    None,
    /// What was typed is no PIN; the card hasn't seen it.
    #[error("a PIN has 4 to 12 digits, and this isn't one")]
    NotAPin,
    /// The terminal can't be read.
    #[error("the PIN can't be read from the terminal: {0}")]
    Terminal(String),
}

/// Nobody typed a PIN.
pub(super) const NO_PIN: Advice = Advice::new(
    "no-pin",
    "the card wasn't asked for anything, and nothing was paid",
    "begin anew",
);

impl Explain for PinError {
    fn advice(&self) -> Advice {
        const UNASKED: &str = "the card has seen no PIN, and nothing was paid";
        match self {
            Self::None => NO_PIN,
            Self::NotAPin => Advice::new("pin-invalid", UNASKED, "type 4 to 12 digits"),
            Self::Terminal(_) => Advice::new(
                "terminal-failed",
                UNASKED,
                "run the program in a terminal, or give it the PIN on standard input",
            ),
        }
    }
}

/// Asks the holder for the PIN.
pub trait PinSource {
    /// Asks once. `prompt` is for a person.
    ///
    /// # Errors
    /// [`PinError::NotAPin`] may be answered by asking again.
    fn ask(&mut self, prompt: &str) -> Result<PinBlock, PinError>;
}
