//! Payments by coins that any wallet sends to the payment's own address: for customers without a card.

mod judging;
mod uri;
pub(super) mod watching;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::Moment;
pub(crate) use uri::{qr_code, uri};

/// What came to a payment's address, beside what its card paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AddressState {
    /// Less than the amount.
    Underpaid,
    /// The amount, in time.
    Paid,
    /// More than the amount, in time.
    Overpaid,
    /// The amount or more, after the payment was given up.
    Late,
    /// Something, though a card has paid.
    Twice,
}

/// A coin that came to a payment's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AddressCoin {
    /// Its transaction.
    pub(crate) txid: String,
    /// Its number among the transaction's outputs.
    pub(crate) vout: u32,
    /// How much it is, in sat.
    pub(crate) amount_sat: u64,
    /// Blocks that bury it.
    pub(crate) confirmations: u32,
    /// When the till saw it first.
    pub(crate) seen_at: Moment,
    /// The chain's height then.
    pub(crate) seen_at_height: u32,
}

/// What came to a payment's address, and what the clerk does about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ByAddress {
    /// How it compares with the amount.
    pub(crate) state: AddressState,
    /// How much came, in sat.
    pub(crate) received_sat: u64,
    /// Blocks that bury all of it.
    pub(crate) confirmations: u32,
    /// For the clerk.
    pub(crate) what_to_do: String,
    /// The coins.
    pub(crate) coins: Vec<AddressCoin>,
}
