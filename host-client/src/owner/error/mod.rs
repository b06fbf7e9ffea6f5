//! What can go wrong in the owner's tool.

mod advice;

use std::path::{Path, PathBuf};

use bitcoin::{Amount, Txid};
use tillcard_client::account::AccountError;
use tillcard_client::card::CardError;
use tillcard_client::genuine::GenuineError;

use super::PaymentStatus;
use crate::chain::{ChainError, FeeRate};
use crate::text::{counted, sat};

/// Why the owner's tool couldn't do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnerError {
    /// The words aren't a backup of a wallet.
    #[error("these aren't the words of a wallet: {0}")]
    Words(String),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// A new owner was to be made where one lives already.
    #[error("{} holds an owner already", .0.display())]
    FolderTaken(PathBuf),
    /// There is no owner in the folder.
    #[error("{} holds no owner", .0.display())]
    NoOwner(PathBuf),
    /// Another process has the owner open.
    #[error("{} is in use by another program", .0.display())]
    InUse(PathBuf),
    /// Others than this user can read the words.
    #[error("other users can read {}", .0.display())]
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
    /// The card's certificates or its proof aren't in order.
    #[error(transparent)]
    NotGenuine(#[from] GenuineError),
    /// An account, or a key of one, isn't what it should be.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The card at hand isn't the one meant.
    #[error("the card in the reader isn't card {0} of this owner")]
    AnotherCard(u32),
    /// The card at hand is none of this owner's.
    #[error(
        "the card in the reader isn't this owner's, or neither this folder nor the words know its \
         account"
    )]
    NotOurs,
    /// Nothing proves which card is in the reader: it shows no certificates.
    #[error("what is in the reader shows no certificates, and nothing proves which card it is")]
    Uncertified,
    /// The card has shown certificates before, and doesn't now.
    #[error(
        "card {0} had certificates when it was taken up, and now none come: somebody between card \
         and reader may hold them back"
    )]
    CertificatesWithheld(u32),
    /// The folder doesn't know the card's own keys: there is no channel to it.
    #[error(
        "this folder doesn't know the keys of card {0}, so that nothing proves which card it is"
    )]
    KeysUnknown(u32),
    /// The card that is meant refuses each owner key that it may obey.
    #[error(
        "card {0} is in the reader, and each of its owner keys is refused in its name, without proof"
    )]
    OwnerKeyRefused(u32),
    /// There are no more owner keys for the card.
    #[error("card {0} has had as many owner keys as a restore looks for")]
    OwnerKeysUsedUp(u32),
    /// The primary wallet's database or logic failed.
    #[error("the primary wallet failed: {0}")]
    Wallet(String),
    /// The primary wallet can't pay that much.
    #[error(
        "the primary wallet has {}, but {} are needed, fee included",
        sat(*.available), sat(*.needed)
    )]
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
    #[error("the chain changed again and again while it was read")]
    ChainUnsteady,
    /// No card of this number is known here.
    #[error("there is no card number {0} here")]
    UnknownCard(u32),
    /// No number was given, and there are several cards.
    #[error("there are several cards, and none was named")]
    SeveralCards,
    /// There is no card.
    #[error("there is no card yet")]
    NoCards,
    /// A card of this number is known here already.
    #[error("card number {0} exists already")]
    CardExists(u32),
    /// The card was blocked; its coins are the primary wallet's.
    #[error("card number {0} was blocked")]
    CardBlocked(u32),
    /// Limits that no card takes.
    #[error("these limits are impossible: {0}")]
    LimitsImpossible(&'static str),
    /// Payments that the owner hasn't acknowledged stand in the way of new limits.
    #[error("the card has {} that you haven't acknowledged", counted(*.0, "payment"))]
    UnreadPayments(u32),
    /// The card keeps no payment of this number.
    #[error("the card keeps no payment {0}")]
    UnknownPayment(u32),
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
    /// The payment isn't one that another transaction has displaced.
    #[error("payment {number} isn't to be resolved: it is {status}")]
    NotResolved {
        /// Its number in the card's log.
        number: u32,
        /// What became of it.
        status: PaymentStatus,
    },
    /// The transaction that displaced the payment isn't deep enough.
    #[error("{by} is {} deep, and has to be {wanted}", counted(*.depth, "block"))]
    ConflictTooYoung {
        /// That transaction.
        by: Txid,
        /// Blocks that bury it, its own included.
        depth: u32,
        /// Blocks that the caller asks for.
        wanted: u32,
    },
    /// There is nothing to be gained by moving the card's coins together.
    #[error("there is nothing to consolidate: {0}")]
    NothingToConsolidate(&'static str),
    /// The card knows only ten indexes above its last coin.
    #[error("the card hasn't been told of {0} top-ups, and takes no more than ten")]
    TooManyPendingTopUps(usize),
    /// A top-up was sent, and there is no card to be told of it, or it doesn't answer.
    #[error("{0}")]
    TopUpUntold(CardError),
    /// The card would take no coin at any index that it knows.
    #[error("the card takes no coin now: {0}")]
    TopUpNotTaken(CardError),
    /// Top-ups that the card doesn't take, or the network doesn't know.
    #[error("{} stayed untold", counted(*.0, "top-up"))]
    TopUpsLeft(usize),
    /// The amount is below what the card takes.
    #[error("the card takes no coins below {}, and this is {}", sat(*.least), sat(*.amount))]
    BelowLeastCoin {
        /// What it was to get.
        amount: Amount,
        /// The least that its limits allow.
        least: Amount,
    },
    /// Since a restore nothing says that the card wasn't blocked before.
    #[error("since the restore, it isn't known whether card {0} was blocked")]
    CardUnmet(u32),
    /// A top-up is signed and written down, and it isn't known whether it was sent.
    #[error("{error}, and it isn't known whether the top-up {txid} was sent")]
    TopUpUnsent {
        /// The top-up.
        txid: Txid,
        /// Why.
        error: ChainError,
    },
    /// A sweep is signed, and it isn't known whether it was sent.
    #[error("{error}, and it isn't known whether the sweep {txid} was sent")]
    SweepUnsent {
        /// The sweep.
        txid: Txid,
        /// Why.
        error: ChainError,
    },
    /// A transaction is signed, and it isn't known whether it was sent.
    #[error("{error}, and it isn't known whether {txid}, which is signed, was sent")]
    Unsent {
        /// The transaction.
        txid: Txid,
        /// Why.
        error: ChainError,
    },
    /// A transaction was sent, and the folder couldn't be written.
    #[error("{txid} was sent, and the folder couldn't be written: {error}")]
    SentUnnoted {
        /// The transaction.
        txid: Txid,
        /// Why.
        error: Box<OwnerError>,
    },
    /// It isn't known whether the card is issued: its answer was lost, or comes without proof.
    #[error("{0}, and it isn't known whether the card is issued")]
    IssueUncertain(CardError),
    /// The card is issued, and it couldn't be asked for what it is, or the folder couldn't be written.
    #[error("{0}. The card is issued all the same")]
    IssuedUnnoted(Box<OwnerError>),
    /// The card was issued with something else than it was told.
    #[error(
        "the card was issued with another {0} than it was told: somebody between card and reader \
         has changed that"
    )]
    IssuedOtherwise(&'static str),
    /// It isn't known which PIN the card has: its answer was lost, or comes without proof.
    #[error("{0}, and it isn't known whether the card has the old PIN or the new one")]
    PinUncertain(CardError),
    /// It isn't known which owner key the card obeys: its answer was lost, or comes without proof.
    #[error("{0}, and it isn't known which owner key the card obeys")]
    OwnerKeyUncertain(CardError),
    /// It isn't known whether the card has changed what it was told to: its answer was lost, or comes
    /// without proof.
    #[error("{0}, and it isn't known whether the card has done it")]
    ChangeUncertain(CardError),
    /// It isn't known whether the card has signed: its answer was lost, or comes without proof.
    #[error("{0}, and it isn't known whether the card has signed")]
    SigningUncertain(CardError),
    /// It isn't known whether the card was reset or terminated: its answer was lost, or comes without
    /// proof.
    #[error("{0}, and it isn't known whether the card has done it")]
    EndUncertain(CardError),
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

    /// Why a card that was asked to sign hasn't, as far as that is known.
    pub(super) fn signing(error: CardError) -> Self {
        match error {
            CardError::BadSignature { .. }
            | CardError::OwnerKey(_)
            | CardError::Unsendable(_)
            | CardError::NoRandomness => error.into(),
            error => Self::SigningUncertain(error),
        }
    }

    pub(super) fn key(cause: impl ToString) -> Self {
        AccountError::Key(cause.to_string()).into()
    }

    pub(super) fn wallet(cause: impl ToString) -> Self {
        Self::Wallet(cause.to_string())
    }
}
