//! Sales, and the payments by which shops try to be paid for them.

use std::collections::BTreeSet;
use std::fmt;

use bitcoin::hashes::Hash;
use bitcoin::{Address, Amount, Network, ScriptBuf, WPubkeyHash};
use tillcard::till::PaymentState;

/// What a clerk was told last of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing that ends it, or that it is open.
    Open,
    /// The shop has its money.
    Settled,
    /// No card committed to it.
    Declined,
    /// It was given up before a card was asked to pay.
    Cancelled,
    /// Another transaction with its coins is in a block.
    Conflicted,
}

impl Told {
    /// What the till's record of it says.
    pub fn of(state: PaymentState) -> Self {
        match state {
            PaymentState::Settled => Self::Settled,
            PaymentState::Declined => Self::Declined,
            PaymentState::Cancelled => Self::Cancelled,
            PaymentState::Conflicted => Self::Conflicted,
            _ => Self::Open,
        }
    }

    /// Whether the clerk may take another payment for the same sale.
    pub fn is_unpaid(self) -> bool {
        matches!(self, Self::Declined | Self::Cancelled | Self::Conflicted)
    }
}

/// A payment that a till was asked for.
#[derive(Clone)]
pub struct Attempt {
    /// The till.
    pub till: usize,
    /// The sale that it is for.
    pub sale: usize,
    /// Where to; no other payment's.
    pub address: Address,
    /// How much.
    pub amount: Amount,
    /// Blocks that must bury it.
    pub confirmations: u32,
    /// Whether cards are asked first whether they pay without a PIN.
    pub without_pin: bool,
    /// The cards whose holder typed the right PIN for it.
    pub typed: BTreeSet<usize>,
    /// The cards that got PAY while the holder stood at the till.
    pub asked: BTreeSet<usize>,
    /// The cards that got PAY when the till asked again.
    pub asked_later: BTreeSet<usize>,
    /// What the clerk was told last.
    pub told: Told,
}

impl Attempt {
    /// Whether this card ever got PAY for it, or its PIN.
    pub fn concerns(&self, card: usize) -> bool {
        [&self.asked, &self.asked_later, &self.typed]
            .iter()
            .any(|cards| cards.contains(&card))
    }

    /// Where it pays to.
    pub fn script(&self) -> ScriptBuf {
        self.address.script_pubkey()
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "payment of {} sat at till {} for sale {}",
            self.amount.to_sat(),
            self.till,
            self.sale
        )
    }
}

/// An address of a shop that was used for nothing else in its story.
pub fn fresh_address(number: usize) -> Address {
    let mut hash = [0x5A; 20];
    hash[..8].copy_from_slice(&(number as u64).to_be_bytes());
    let script = ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array(hash));
    Address::from_script(&script, Network::Regtest).expect("the script of an address")
}

/// A script that nobody is paid at.
pub fn no_script() -> ScriptBuf {
    ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([0x4E; 20]))
}
