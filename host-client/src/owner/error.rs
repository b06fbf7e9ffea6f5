//! What can go wrong in the owner's tool.

use std::path::{Path, PathBuf};

use bitcoin::Amount;

use crate::card::CardError;
use crate::chain::{ChainError, FeeRate};

/// Why the owner's tool couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The words aren't a backup of a wallet.
    #[error("these aren't the words of a wallet: {0}")]
    Words(String),
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
    /// A new owner was to be made where one lives already.
    #[error("{} holds an owner already: choose another folder", .0.display())]
    FolderTaken(PathBuf),
    /// There is no owner in the folder.
    #[error("{} holds no owner: make one with `tillcard owner new`, or restore one", .0.display())]
    NoOwner(PathBuf),
    /// Another process has the owner open.
    #[error("{} is in use by another program: wait until it has ended", .0.display())]
    InUse(PathBuf),
    /// Others than this user can read the words.
    #[error(
        "others can read {path}, and whoever reads the words owns the coins: run `chmod 600 \
         {path}`, and think about who may have read it",
        path = .0.display()
    )]
    WordsExposed(PathBuf),
    /// A file or folder can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of ours holds something else than we wrote.
    #[error("{} is damaged: {cause}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The chain didn't answer, or refused a transaction.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The card didn't do what it was asked.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The card at hand isn't the one meant.
    #[error(
        "the card in the reader isn't card {0} of this owner: put that one in, or name the other \
         with --card"
    )]
    AnotherCard(u32),
    /// The card at hand is none of this owner's.
    #[error(
        "the card in the reader isn't this owner's, or its account is known to nobody: not to this \
         folder, and not to the words. Was it issued from another folder, or with other words?"
    )]
    NotOurs,
    /// There are no more owner keys for the card.
    #[error("card {0} has had as many owner keys as a restore looks for: issue another card")]
    OwnerKeysUsedUp(u32),
    /// The primary wallet's database or logic failed.
    #[error("the primary wallet: {0}")]
    Wallet(String),
    /// The primary wallet can't pay that much.
    #[error("the primary wallet has {available}, but {needed} are needed, fee included")]
    InsufficientFunds {
        /// What the payment and its fee need.
        needed: Amount,
        /// What is there to spend now.
        available: Amount,
    },
    /// The fee rate is beyond what this program ever pays.
    #[error("a fee rate of {0} is above the cap of {cap}", cap = FeeRate::CAP)]
    FeeRateAboveCap(FeeRate),
    /// The chain kept changing while it was read.
    #[error("the chain changed again and again while it was read: try again")]
    ChainUnsteady,
    /// No card of this number is known here.
    #[error("there is no card number {0} here")]
    UnknownCard(u32),
    /// A card of this number is known here already.
    #[error("card number {0} exists already")]
    CardExists(u32),
    /// The card was blocked; its coins are the primary wallet's.
    #[error("card number {0} was blocked: don't pay to it")]
    CardBlocked(u32),
    /// The card's answer to ISSUE doesn't come from the host's share.
    #[error("the card didn't use our share of its key ({0}): don't use this card")]
    ShareNotUsed(&'static str),
    /// A key that isn't on the curve, or a key that can't be derived.
    #[error("not a usable key: {0}")]
    Key(String),
    /// The card can't sign this transaction.
    #[error("the card can't sign this: {0}")]
    Psbt(String),
    /// The payment can't be cancelled.
    #[error("payment {number} can't be cancelled: {cause}")]
    NotCancelled {
        /// Its number in the card's log.
        number: u32,
        /// Why.
        cause: &'static str,
    },
    /// There is nothing to be gained by moving the card's coins together.
    #[error("there is nothing to consolidate: {0}")]
    NothingToConsolidate(&'static str),
    /// The card knows only ten indexes above its last coin.
    #[error(
        "{0} top-ups haven't been streamed to the card yet: do that first (it takes no more than \
         ten)"
    )]
    TooManyPendingTopUps(usize),
}

impl OwnerError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    pub(super) fn damaged(path: &Path, cause: impl ToString) -> Self {
        Self::Damaged {
            path: path.to_path_buf(),
            cause: cause.to_string(),
        }
    }

    pub(super) fn wallet(cause: impl ToString) -> Self {
        Self::Wallet(cause.to_string())
    }
}
