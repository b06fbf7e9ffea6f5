//! What happens to a payment, for the clerk and for programs.

use std::fmt;

use bitcoin::{Amount, OutPoint, Txid};
use serde::Serialize;

use super::Missing;
use crate::text::{counted, sat};
use tillcard_client::Untrusted;
use tillcard_client::advice::{Advice, Explain};
use tillcard_client::transport::TransportError;

/// A payment's next step. As JSON: an object with the step's name in `state`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The payment was asked for.
    Created {
        /// Its name among the till's payments.
        id: String,
        /// Amount to the shop, in sat.
        #[serde(with = "bitcoin::amount::serde::as_sat", rename = "amount_sat")]
        amount: Amount,
        /// The shop's address.
        to: String,
    },
    /// No card yet.
    WaitingForCard,
    /// There is a card that can't be used; the till goes on waiting.
    CardUnusable {
        /// The reason's code (`docs/errors/host.md`).
        code: &'static str,
        /// Why, and what to do: for the clerk.
        reason: String,
    },
    /// A card was found.
    Card {
        /// The reader's name.
        reader: Untrusted,
        /// The card's answer to reset, in hex.
        atr: String,
    },
    /// A secure channel to the card was opened: PIN and payment go through it.
    Channel,
    /// The card has proven that it is the card of its certificate.
    Genuine {
        /// The batch's name.
        batch: Untrusted,
        /// The name of the root that vouches for it.
        root: Untrusted,
        /// Whether it is a test card, which everybody can make.
        test: bool,
    },
    /// Nobody believed vouches for the card; it is taken all the same.
    NotVouchedFor,
    /// The card has no certificates: PIN and payment go without protection.
    PlainSession,
    /// The card was taken out before it signed.
    CardRemoved,
    /// The card's answer was lost after it was asked to pay: it may have written the payment.
    CardLost {
        /// What came in the place of its answer.
        reason: String,
    },
    /// The card was there again, and gave the payment that it had written: it was debited once.
    GivenAgain {
        /// The payment's transaction.
        txid: Txid,
    },
    /// The card was there again, and hadn't written the payment: it is asked anew.
    NothingWritten,
    /// The card keeps the payment, and gave it so often that it asks for the PIN to give it once more:
    /// nothing is debited by that.
    PinToGiveAgain,
    /// The holder has to type the PIN.
    WaitingForPin {
        /// Entries left.
        tries_left: u8,
    },
    /// The card refused the PIN.
    WrongPin {
        /// Entries left.
        tries_left: u8,
    },
    /// The card said what it would spend; the chain is asked about these coins.
    CheckingCoins {
        /// The coins.
        outpoints: Vec<OutPoint>,
        /// The fee, in sat.
        #[serde(with = "bitcoin::amount::serde::as_sat", rename = "fee_sat")]
        fee: Amount,
        /// Back to the card, in sat.
        #[serde(with = "bitcoin::amount::serde::as_sat", rename = "change_sat")]
        change: Amount,
    },
    /// A coin hangs on an earlier payment of the card that nobody had sent: this till did.
    SentAncestor {
        /// That payment's transaction.
        txid: Txid,
    },
    /// A coin isn't on the chain; the card is told, and offers others.
    CoinAbsent {
        /// The coin.
        outpoint: OutPoint,
    },
    /// The card writes and signs the payment.
    Signing,
    /// The card has promised to sign nothing else for the payment's coins, and nobody but it can
    /// spend them for a while.
    SingleSigner {
        /// The last block for which that holds.
        block: u32,
    },
    /// The card's statement on the payment promises nothing, or there is none.
    NoPromise {
        /// Why.
        #[serde(flatten)]
        missing: Missing,
    },
    /// The card can be taken out.
    CardReleased {
        /// Command APDUs that this card was sent.
        apdus: u64,
    },
    /// The network has the payment.
    Broadcast {
        /// The payment's transaction.
        txid: Txid,
    },
    /// The chain can't be asked just now; the till goes on trying.
    ChainUnavailable {
        /// Why.
        reason: String,
    },
    /// The payment is in a block.
    Confirmed {
        /// Blocks that bury it, its own included.
        confirmations: u32,
    },
    /// The block that the payment was in has left the chain: it isn't as deep any more.
    Reorganised {
        /// Blocks that bury it now.
        confirmations: u32,
    },
    /// The block of what had taken the payment's coins has left the chain: it may still be paid.
    ConflictUndone,
    /// The shop has its money.
    Settled {
        /// The payment's transaction.
        txid: Txid,
        /// Blocks that bury it.
        confirmations: u32,
    },
    /// The outcome stays open: the payment may still be paid.
    Open {
        /// The reason's code (`docs/errors/host.md`).
        code: &'static str,
        /// Why, what that means for the money, and what to do: for the clerk.
        reason: String,
    },
    /// The payment was given up before a card was asked to pay.
    Cancelled {
        /// Its name among the till's payments.
        id: String,
    },
    /// The shop waits for the payment no longer. It may still be paid.
    Closed {
        /// Its name among the till's payments.
        id: String,
    },
    /// Another transaction that spends the payment's coins is in a block: it never will be paid.
    Conflicted {
        /// That transaction.
        by: Txid,
        /// Blocks that bury it, its own included.
        confirmations: u32,
    },
    /// There is no payment, and it is proven that no card committed to it.
    Declined {
        /// The reason's code (`docs/errors/host.md`).
        code: &'static str,
        /// Why, what that means for the money, and what to do: for the clerk.
        reason: String,
        /// The coin that stands in the way, if it is a coin.
        #[serde(skip_serializing_if = "Option::is_none")]
        outpoint: Option<OutPoint>,
    },
}

impl Event {
    /// A card can't be used, for this reason.
    pub(super) fn unusable(error: &TransportError) -> Self {
        let Advice { code, action, .. } = error.advice();
        Self::CardUnusable {
            code,
            reason: format!("{error}; {action}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { amount, to, .. } => write!(f, "payment of {} to {to}", sat(*amount)),
            Self::WaitingForCard => write!(f, "waiting for card"),
            Self::CardUnusable { code, reason } => write!(f, "unusable[{code}]: {reason}"),
            Self::Card { reader, .. } => write!(f, "card in {reader}"),
            Self::Channel => write!(f, "secure channel open"),
            Self::Genuine {
                batch, test: false, ..
            } => write!(f, "card is genuine, of batch {batch}"),
            Self::Genuine { batch, .. } => {
                write!(f, "card is a test card, of batch {batch}")
            }
            Self::NotVouchedFor => write!(f, "nobody vouches for the card"),
            Self::PlainSession => {
                write!(
                    f,
                    "the card has no certificates: PIN and payment go unprotected"
                )
            }
            Self::CardRemoved => write!(f, "card removed before it signed: nothing was paid"),
            Self::CardLost { reason } => write!(
                f,
                "the card was gone while it signed, and may have paid ({reason}). Put the same \
                 card in again: nothing is paid twice"
            ),
            Self::GivenAgain { .. } => {
                write!(
                    f,
                    "the card gave the payment that it had written, debited once"
                )
            }
            Self::NothingWritten => {
                write!(f, "the card proves that it hadn't paid: it is asked again")
            }
            Self::PinToGiveAgain => write!(
                f,
                "the card has paid this, and asks for the PIN to give the payment once more: nothing \
                 is debited again"
            ),
            Self::WaitingForPin { .. } => write!(f, "waiting for PIN"),
            Self::WrongPin { tries_left: 1 } => write!(f, "wrong PIN, 1 try left"),
            Self::WrongPin { tries_left } => write!(f, "wrong PIN, {tries_left} tries left"),
            Self::CheckingCoins { outpoints, fee, .. } => {
                let coins = if outpoints.len() == 1 {
                    "coin"
                } else {
                    "coins"
                };
                write!(
                    f,
                    "checking {} {coins} on the chain, fee {}",
                    outpoints.len(),
                    sat(*fee)
                )
            }
            Self::SentAncestor { txid } => {
                write!(
                    f,
                    "sent an earlier payment of the card that was never sent: {txid}"
                )
            }
            Self::CoinAbsent { outpoint } => {
                write!(
                    f,
                    "coin {outpoint} isn't on the chain, the card offers another"
                )
            }
            Self::Signing => write!(f, "signing"),
            Self::SingleSigner { block } => write!(
                f,
                "until block {block} the owner can't take the payment back: only the card can spend \
                 these coins, and it signs nothing else for them"
            ),
            Self::NoPromise { missing } => write!(
                f,
                "the owner may take the payment back until it is confirmed: {missing}"
            ),
            Self::CardReleased { .. } => write!(f, "card can be removed"),
            Self::Broadcast { txid } => write!(f, "broadcast {txid}"),
            Self::ChainUnavailable { reason } => write!(f, "waiting for the chain: {reason}"),
            Self::Confirmed { confirmations } => write!(f, "confirmed ({confirmations})"),
            Self::Reorganised { confirmations } => write!(
                f,
                "the chain was reorganised: the payment's block has left it, and {} now. Goods that \
                 are still here stay here until it is settled again",
                match confirmations {
                    0 => "none buries it".to_owned(),
                    confirmations => format!("{} bury it", counted(*confirmations, "block")),
                }
            ),
            Self::ConflictUndone => write!(
                f,
                "the chain was reorganised: what had taken the payment's coins isn't as deep any \
                 more, and the payment may still be paid. Don't take a second payment for it"
            ),
            Self::Settled { .. } => write!(f, "settled"),
            Self::Open { code, reason } => write!(f, "open[{code}]: {reason}"),
            Self::Cancelled { id } => write!(
                f,
                "payment {id} is cancelled: no card was asked to pay, and nothing was debited"
            ),
            Self::Closed { id } => write!(
                f,
                "payment {id} is closed: the till asks for it no more. It may still be paid; if it is, \
                 pay it back"
            ),
            Self::Conflicted { by, confirmations } => write!(
                f,
                "conflicted: the coins went another way in {by}, in a block ({confirmations}); this \
                 payment never will be paid"
            ),
            Self::Declined { code, reason, .. } => write!(f, "declined[{code}]: {reason}"),
        }
    }
}
