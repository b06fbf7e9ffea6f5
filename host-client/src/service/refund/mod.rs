//! Refunds: drafted for the back office, which has the keys (`docs/adr/0046-refunds.md`). The till signs
//! nothing; it takes the signed transaction back, sends it, and watches what becomes of it.

mod coins;
mod draft;
mod drafting;
mod error;
mod signed;
pub(super) mod watching;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::moment::Moment;
use super::payment::Reason;
pub(crate) use error::RefundError;
pub(crate) use signed::Signed;

/// How far a refund came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundState {
    /// The back office hasn't signed it.
    Drafted,
    /// The back office has signed it; the network doesn't have it (any more).
    Signed,
    /// The network has it.
    Broadcast,
    /// It is in a block.
    Confirmed,
    /// It is as deep as the payment had to be.
    Settled,
    /// Given up by the shop before it was signed.
    Cancelled,
    /// Given up since nobody signed it in time.
    Expired,
    /// A coin of it went another way: it won't be paid.
    Conflicted,
}

impl RefundState {
    /// Its name, as it is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Signed => "signed",
            Self::Broadcast => "broadcast",
            Self::Confirmed => "confirmed",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Conflicted => "conflicted",
        }
    }

    /// Whether the shop means to pay it, or has.
    pub(crate) fn counts(self) -> bool {
        !matches!(self, Self::Cancelled | Self::Expired | Self::Conflicted)
    }

    /// Whether the chain has it, mempool included.
    pub(crate) fn is_sent(self) -> bool {
        matches!(self, Self::Broadcast | Self::Confirmed | Self::Settled)
    }
}

/// A coin that a refund spends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RefundCoin {
    /// Its transaction.
    pub(crate) txid: String,
    /// Its number among the transaction's outputs.
    pub(crate) vout: u32,
    /// How much it is, in sat.
    pub(crate) amount_sat: u64,
}

/// When a refund came to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RefundPassed)]
pub(crate) struct Passed {
    /// The state.
    pub(crate) state: RefundState,
    /// When.
    pub(crate) at: Moment,
}

/// Money back to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Refund {
    /// Its name.
    pub(crate) id: String,
    /// The payment whose money goes back.
    pub(crate) payment: String,
    /// How far it came.
    pub(crate) state: RefundState,
    /// What the customer gets, in sat.
    pub(crate) amount_sat: u64,
    /// The fee, in sat: the shop's.
    pub(crate) fee_sat: u64,
    /// The customer's address.
    pub(crate) to: String,
    /// The shop's own words for it.
    pub(crate) reference: Option<String>,
    /// To be signed by the wallet of the shop's descriptor: a PSBT (BIP174) in Base64.
    pub(crate) psbt: String,
    /// The coins that it spends.
    pub(crate) coins: Vec<RefundCoin>,
    /// The transaction that pays it, signed or not: the draft's, or one by which the back office replaced
    /// it (BIP125) and that pays the customer no less.
    pub(crate) txid: String,
    /// The draft's own transaction.
    pub(crate) draft_txid: String,
    /// The transaction as the back office signed it, in hex.
    pub(crate) transaction: Option<String>,
    /// Blocks that bury it.
    pub(crate) confirmations: u32,
    /// Blocks that must bury it before it is settled.
    pub(crate) confirmations_required: u32,
    /// The chain's height when the till saw it there first.
    pub(crate) seen_at_height: Option<u32>,
    /// The state in which it was given up, if it was; the network may get it all the same from who has
    /// signed it.
    pub(crate) given_up: Option<RefundState>,
    /// What stands in its way.
    pub(crate) reason: Option<Reason>,
    /// When it was drafted.
    pub(crate) created_at: Moment,
    /// When something happened to it last.
    pub(crate) updated_at: Moment,
    /// When the draft is given up, unless it was signed before.
    pub(crate) expires_at: Moment,
    /// The states that it came to.
    pub(crate) history: Vec<Passed>,
}

impl Refund {
    /// It is in this state from now on.
    pub(super) fn comes_to(&mut self, state: RefundState, now: Moment) {
        if state != self.state {
            self.state = state;
            self.history.push(Passed { state, at: now });
        }
        self.updated_at = now;
    }
}

/// What is to go back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// The payment.
    payment: String,
    /// What the customer gets, in sat; without it, all that is left of what was paid.
    #[schema(minimum = 1, maximum = 2_100_000_000_000_000_u64)]
    amount_sat: Option<u64>,
    /// The customer's address.
    to: String,
    /// Fee rate in sat for 1,000 vbytes.
    #[schema(minimum = 100, maximum = 500_000)]
    fee_rate_sat_per_kvb: Option<u32>,
    /// How long the draft waits for its signature, in seconds; three days without it.
    #[schema(minimum = 1, maximum = 2_592_000)]
    expires_in_s: Option<u32>,
    /// The shop's own words for it.
    #[schema(max_length = 200)]
    reference: Option<String>,
}
