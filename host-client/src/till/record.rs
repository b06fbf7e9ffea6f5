//! What the till keeps of a payment, and how far it came.

use std::fmt;

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Transaction, TxOut, Txid};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::counted;
use tillcard_client::card::{CardKeys, PaymentOrder, Preview};

/// The format of the records that this till writes.
const FORMAT: u32 = 2;

/// How far a payment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PaymentState {
    /// The shop asked for it.
    Created,
    /// No card was asked to pay.
    WaitingForCard,
    /// A card is there and waits for its PIN; it wasn't asked to pay.
    WaitingForPin,
    /// A card was asked to pay, and nobody has a proof of what it did.
    Asked,
    /// The card signed it. The network may not have it, and it may still be paid.
    Signed,
    /// The network has it.
    Broadcast,
    /// It is in a block.
    Confirmed {
        /// Blocks that bury it, its own included.
        confirmations: u32,
    },
    /// The shop has its money.
    Settled,
    /// Given up before a card was asked to pay.
    Cancelled,
    /// It is proven that no card committed to it.
    Declined,
    /// Another transaction that spends its coins is in a block, as deep as the shop asks of a
    /// payment.
    Conflicted,
    /// The shop waits for it no longer, though it may still be paid.
    Closed,
}

impl PaymentState {
    /// Whether nothing is left to be done, as long as the chain stays as it is.
    pub fn is_final(self) -> bool {
        matches!(
            self,
            Self::Settled | Self::Cancelled | Self::Declined | Self::Conflicted | Self::Closed
        )
    }

    /// Blocks that buried it when it was stored.
    pub(super) fn depth(self) -> u32 {
        match self {
            Self::Confirmed { confirmations } => confirmations,
            _ => 0,
        }
    }

    /// Whether the shop may say that it waits no longer: a card was asked, and the network hasn't
    /// taken the payment.
    pub fn may_be_closed(self) -> bool {
        matches!(self, Self::Asked | Self::Signed)
    }

    /// Whether a card may have paid it, or has, and the shop doesn't have its money yet.
    pub fn is_open(self) -> bool {
        !self.is_final() && !self.is_before_pay()
    }

    /// Whether no card was asked to pay, or it is proven that it did nothing.
    pub fn is_before_pay(self) -> bool {
        matches!(
            self,
            Self::Created | Self::WaitingForCard | Self::WaitingForPin
        )
    }
}

/// How far it came, for a clerk.
impl fmt::Display for PaymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created | Self::WaitingForCard | Self::WaitingForPin => {
                write!(f, "no card was asked to pay")
            }
            Self::Asked => write!(f, "a card was asked to pay, and may have paid"),
            Self::Signed => write!(f, "signed by the card, not known to the network"),
            Self::Broadcast => write!(f, "waits for its block"),
            Self::Confirmed { confirmations } => {
                write!(f, "in a block, {} deep", counted(*confirmations, "block"))
            }
            Self::Settled => write!(f, "settled"),
            Self::Cancelled => write!(f, "cancelled"),
            Self::Declined => write!(f, "declined"),
            Self::Conflicted => write!(f, "conflicted"),
            Self::Closed => write!(f, "closed by the shop"),
        }
    }
}

/// What is kept of a payment. Nothing of it is secret. While the outcome is open it knows its card by
/// that card's public keys; afterwards it tells no more of who paid than the chain tells everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// The record's format; 1 for those of tills that wrote none.
    #[serde(default = "first_format")]
    format: u32,
    /// The payment's name.
    pub id: String,
    /// How far it came.
    pub state: PaymentState,
    /// The shop's address.
    pub to: String,
    /// Blocks that must bury it before it is settled.
    pub confirmations: u32,
    /// The chain's height when the card was asked.
    pub since_height: u32,
    /// What the card is asked.
    pub order: PaymentOrder,
    /// The keys that the card which was asked proved in the channel; nothing in a plain session.
    #[serde(default)]
    pub card: Option<CardKeys>,
    /// What the card said that it would pay; nothing when it was asked without a PIN.
    pub preview: Option<Preview>,
    /// The coins that it said it would spend.
    pub coins: Vec<TxOut>,
    /// Whether it has ended, but not as deep as no reorganisation reaches: it is looked at again then.
    #[serde(default)]
    pub is_watched: bool,
    /// The transaction that it wrote, serialised with witness (BIP144), in hex.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub transaction: Option<Transaction>,
}

impl PaymentRecord {
    /// A payment that no card was asked for yet.
    pub fn new(id: String, to: String, confirmations: u32, order: PaymentOrder) -> Self {
        Self {
            format: FORMAT,
            id,
            state: PaymentState::Created,
            to,
            confirmations,
            since_height: 0,
            order,
            card: None,
            preview: None,
            coins: Vec::new(),
            is_watched: false,
            transaction: None,
        }
    }

    /// Whether nothing is left to be done, and the chain can't change that.
    pub fn is_over(&self) -> bool {
        self.state.is_final() && !self.is_watched
    }

    /// The transaction's id, once there is one.
    pub fn txid(&self) -> Option<Txid> {
        self.transaction.as_ref().map(Transaction::compute_txid)
    }

    /// Reads a record of this format or the one before.
    ///
    /// # Errors
    /// When the text is no record, or one of a later format.
    pub(super) fn read(text: &[u8]) -> Result<Self, String> {
        let mut record: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if record.format > FORMAT {
            return Err(format!(
                "it was written by a later version of this program (format {}); nothing of it was \
                 changed",
                record.format
            ));
        }
        // Format 1 called a payment declined that the network hadn't taken at first: whoever has the
        // transaction can still send it.
        if record.format == 1
            && record.state == PaymentState::Declined
            && record.transaction.is_some()
        {
            record.state = PaymentState::Signed;
        }
        record.format = FORMAT;
        Ok(record)
    }

    /// Forgets what only an open outcome needs.
    pub(super) fn forget_card(&mut self) {
        self.card = None;
        self.preview = None;
        self.coins.clear();
    }
}

fn first_format() -> u32 {
    1
}

fn to_hex<S: Serializer>(transaction: &Option<Transaction>, to: S) -> Result<S::Ok, S::Error> {
    match transaction {
        Some(transaction) => to.serialize_some(&serialize_hex(transaction)),
        None => to.serialize_none(),
    }
}

fn from_hex<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Transaction>, D::Error> {
    Option::<String>::deserialize(from)?
        .map(|hex| deserialize_hex(&hex).map_err(serde::de::Error::custom))
        .transpose()
}
