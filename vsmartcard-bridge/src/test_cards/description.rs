//! What a test may know of a test card: all that its owner knows, and its PIN.

use super::TestNetwork;
use serde::Serialize;
use tillcard_test_owner::bitcoin::Transaction;
use tillcard_test_owner::bitcoin::consensus::encode::serialize_hex;
use tillcard_test_owner::{Account, Coin};

/// How many addresses are told.
const ADDRESSES: u32 = 5;

/// What a test card is.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct Description {
    /// Its name.
    pub name: String,
    /// What it is, in one sentence.
    pub about: String,
    /// The holder's PIN; none where the card has none.
    pub pin: Option<String>,
    /// Its account; none where it is nobody's.
    pub account: Option<DescribedAccount>,
    /// The coins that its owner gave it.
    pub coins: Vec<DescribedCoin>,
    /// The payments that it made, as hexadecimal transactions that nobody has sent, the first first.
    pub payments: Vec<String>,
    /// The list by which its manufacturer took its certificate back (PEM), where he did.
    pub revocation_list: Option<String>,
}

/// A card's account.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct DescribedAccount {
    /// The chain that it is on.
    pub network: TestNetwork,
    /// The card id, in hexadecimal digits.
    pub card_id: String,
    /// The descriptor of its scripts (BIP386, BIP389), without a checksum.
    pub descriptor: String,
    /// Its first receive addresses.
    pub addresses: Vec<String>,
}

/// A coin on a card.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct DescribedCoin {
    /// `txid:vout`
    pub outpoint: String,
    /// In sat.
    pub amount: u64,
    /// The receive index that it pays.
    pub index: u32,
    /// The transaction that made it, in hexadecimal digits.
    pub transaction: String,
}

impl Description {
    /// Of a card of which nothing more is known.
    #[must_use]
    pub fn new(name: &str, about: &str) -> Self {
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            pin: None,
            account: None,
            coins: Vec::new(),
            payments: Vec::new(),
            revocation_list: None,
        }
    }

    pub(super) fn add_payment(&mut self, transaction: &Transaction) {
        self.payments.push(serialize_hex(transaction));
    }
}

impl DescribedAccount {
    pub(super) fn new(account: &Account, network: TestNetwork) -> Self {
        Self {
            network,
            card_id: hex::encode(account.card_id()),
            descriptor: account.descriptor(),
            addresses: (0..ADDRESSES)
                .map(|index| account.address(index).to_string())
                .collect(),
        }
    }
}

impl From<&Coin> for DescribedCoin {
    fn from(coin: &Coin) -> Self {
        let output = coin.transaction.output.get(coin.vout as usize);
        Self {
            outpoint: coin.outpoint().to_string(),
            amount: output.map_or(0, |output| output.value.to_sat()),
            index: coin.index,
            transaction: serialize_hex(&coin.transaction),
        }
    }
}
