//! What can be wrong with an account.

use crate::advice::{Advice, Explain};

/// Why an account isn't one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// A key that isn't on the curve, or a key that can't be derived.
    #[error("a key can't be used: {0}")]
    Key(String),
    /// The card's answer to ISSUE doesn't come from the host's share.
    #[error("the card didn't use our share of its key ({0})")]
    ShareNotUsed(&'static str),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
}

impl Explain for AccountError {
    fn advice(&self) -> Advice {
        match self {
            Self::Key(_) => Advice::new(
                "key-not-usable",
                "no coin was moved",
                "if the key is the card's, use another card; if it comes from a file, restore the \
                 file from a copy",
            ),
            Self::ShareNotUsed(_) => Advice::new(
                "card-share-not-used",
                "somebody else may know the card's key: coins sent to it may be stolen",
                "don't use this card, and send no coins to it",
            ),
            Self::NoRandomness => crate::advice::NO_RANDOMNESS,
        }
    }
}
