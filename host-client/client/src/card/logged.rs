//! A payment in a card's log (`docs/protocol.md`, section 8.1).

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Txid};
use tillcard_protocol::command::{Authority, LoggedPayment, Outpoints, PaymentState, merchant};

use super::convert::from_outpoint;
use crate::{FeeRate, Untrusted};

/// A payment in a card's log: facts, and what the terminal claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Its number, from 0.
    pub number: u32,
    /// Whether the owner told the card that it never will be.
    pub cancelled: bool,
    /// Its transaction's id.
    pub txid: Txid,
    /// The payee's scriptPubKey.
    pub payee: ScriptBuf,
    /// Amount to the payee.
    pub amount: Amount,
    /// Its fee.
    pub fee: Amount,
    /// Its change; zero when there is none.
    pub change: Amount,
    /// The fee rate that was asked for.
    pub fee_rate: FeeRate,
    /// Whether the PIN allowed it; otherwise the limits for payments without PIN did.
    pub with_pin: bool,
    /// What the terminal claimed to be.
    pub merchant: Untrusted,
    /// What the terminal claimed to be the hash of an invoice.
    pub invoice: Option<[u8; 32]>,
    /// The coins that it spends, in the order of its inputs.
    pub outpoints: Vec<OutPoint>,
    /// How often its transaction was given again to a till that lost it.
    pub given_again: u8,
    /// How often its transaction was given to a till that was offered coins made by it.
    pub given_as_ancestor: u8,
}

impl Logged {
    /// None when the merchant's name isn't one that a card takes: it could hide what stands
    /// beside it.
    pub(super) fn read(payment: LoggedPayment<'_, Outpoints<'_>>) -> Option<Self> {
        let name = std::str::from_utf8(payment.merchant).ok()?;
        merchant::is_printable(payment.merchant).then_some(())?;
        Some(Self {
            number: payment.number,
            cancelled: payment.state == PaymentState::Cancelled,
            txid: Txid::from_byte_array(payment.txid),
            payee: ScriptBuf::from_bytes(payment.payee_script.to_vec()),
            amount: Amount::from_sat(payment.amount),
            fee: Amount::from_sat(payment.fee),
            change: Amount::from_sat(payment.change),
            fee_rate: FeeRate::from_sat_per_kvb(payment.fee_rate),
            with_pin: payment.authority == Authority::Pin,
            merchant: name.into(),
            invoice: payment.invoice.copied(),
            outpoints: payment.outpoints.map(from_outpoint).collect(),
            given_again: payment.given_again,
            given_as_ancestor: payment.given_as_ancestor,
        })
    }
}
