//! What happens to a payment, for the clerk and for programs.

use std::fmt;

use bitcoin::{Amount, OutPoint, Txid};
use serde::Serialize;

use super::pin::NO_PIN;
use super::{Missing, refusal};
use crate::text::sat;
use tillcard_client::advice::{Advice, Explain};
use tillcard_client::card::{CardError, CheckError};
use tillcard_client::vetting::VettingError;

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
    /// A card was found.
    Card {
        /// The reader's name.
        reader: String,
        /// The card's answer to reset, in hex.
        atr: String,
    },
    /// A secure channel to the card was opened: PIN and payment go through it.
    Channel,
    /// The card has proven that it is the card of its certificate.
    Genuine {
        /// The batch's name.
        batch: String,
        /// The name of the root that vouches for it.
        root: String,
        /// Whether it is a test card, which everybody can make.
        test: bool,
    },
    /// Nobody believed vouches for the card; it is taken all the same.
    NotVouchedFor,
    /// The card has no certificates: PIN and payment go without protection.
    PlainSession,
    /// The card was taken out before it signed.
    CardRemoved,
    /// The card or the reader was gone while the card signed: it may have written the payment.
    CardLost {
        /// What the reader says.
        reason: String,
    },
    /// The card was there again, and gave the payment that it had written: it was debited once.
    GivenAgain {
        /// The payment's transaction.
        txid: Txid,
    },
    /// The card was there again, and hadn't written the payment: it is asked anew.
    NothingWritten,
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
    /// The shop has its money.
    Settled {
        /// The payment's transaction.
        txid: Txid,
        /// Blocks that bury it.
        confirmations: u32,
    },
    /// There is no payment.
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

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { amount, to, .. } => write!(f, "payment of {} to {to}", sat(*amount)),
            Self::WaitingForCard => write!(f, "waiting for card"),
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
            Self::NothingWritten => write!(f, "the card hadn't paid: it is asked again"),
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
            Self::Settled { .. } => write!(f, "settled"),
            Self::Declined { code, reason, .. } => write!(f, "declined[{code}]: {reason}"),
        }
    }
}

/// Why a payment doesn't take place. The till itself and the chain are in order.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Decline {
    /// A coin that the card would spend is spent already, or never was.
    #[error("coin {0} is spent already")]
    CoinSpent(OutPoint),
    /// The holder gave no PIN.
    #[error("no PIN was entered")]
    NoPin,
    /// The card refused.
    #[error("{}", refusal::what_happened(.0))]
    Card(CardError),
    /// What came in the place of the payment isn't the card's answer.
    #[error("{0}")]
    NoAnswer(CardError),
    /// The card that is asked again for a payment hadn't written it.
    #[error("the card hadn't paid")]
    NeverWritten,
    /// Another card was put in than the one that was gone while it signed.
    #[error("this isn't the card that was gone while it signed")]
    OtherCard,
    /// Nobody believed vouches for the card, or its proof is wrong.
    #[error("the card isn't taken: {0}")]
    NotGenuine(VettingError),
    /// The card has no certificates, so that there is no secure channel.
    #[error("the card has no certificates")]
    Uncertified,
    /// The card's transaction isn't the payment asked for.
    #[error("{0}")]
    Dishonest(#[from] CheckError),
    /// The network refused the transaction.
    #[error("the network refused the payment: {reason}")]
    Rejected {
        /// The node's reason.
        reason: String,
    },
}

impl Explain for Decline {
    fn advice(&self) -> Advice {
        const UNPAID: &str = "the shop isn't paid";
        match self {
            Self::CoinSpent(_) => Advice::new(
                "coin-spent",
                UNPAID,
                "ask for another card: this one was blocked, or its coins were moved",
            ),
            Self::NoPin => NO_PIN,
            Self::Card(error) => refusal::advice(error),
            Self::NoAnswer(_) => Advice::new(
                "payment-uncertain",
                "the card may have paid, and pays this only once",
                "go on with tillcard till resume, at another reader if you can",
            ),
            Self::NeverWritten => Advice::new(
                "payment-never-made",
                "nothing was debited, and nothing is owed",
                "begin the payment anew if it is still wanted",
            ),
            Self::OtherCard => Advice::new(
                "other-card",
                "nothing was asked of this card; the other one may have paid",
                "go on with tillcard till resume when that card is here again",
            ),
            Self::NotGenuine(error) => error.advice(),
            Self::Uncertified => Advice::new(
                "card-without-certificates",
                "the till sends no PIN to a card without certificates, and nothing was paid",
                "use another card; --plain takes such cards, at a reader with a PIN pad or one that \
                 nobody can tamper with",
            ),
            Self::Dishonest(error) => error.advice(),
            Self::Rejected { .. } => Advice::new(
                "payment-rejected",
                UNPAID,
                "begin the payment anew, at a higher --fee-rate if the node says that the fee is \
                 too low",
            ),
        }
    }
}

impl Decline {
    /// The coin that stands in the way, if it is a coin.
    pub fn outpoint(&self) -> Option<OutPoint> {
        match self {
            Self::CoinSpent(outpoint) | Self::Dishonest(CheckError::Signature(outpoint)) => {
                Some(*outpoint)
            }
            _ => None,
        }
    }

    /// Whether a card that was asked to sign can't have written the payment, or what it wrote is
    /// of no use; otherwise that card may still come back.
    pub(super) fn is_final(&self) -> bool {
        match self {
            Self::Dishonest(_) | Self::NeverWritten | Self::CoinSpent(_) => true,
            Self::Card(CardError::Refused { command, .. }) => *command == "PAY",
            _ => false,
        }
    }

    /// The event that tells of it.
    pub fn event(&self) -> Event {
        let Advice {
            code,
            money,
            action,
        } = self.advice();
        Event::Declined {
            code,
            reason: format!("{self}; {money}; {action}"),
            outpoint: self.outpoint(),
        }
    }
}
