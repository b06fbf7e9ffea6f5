//! A payment, as the service tells of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::by_address::ByAddress;
use super::moment::Moment;
use super::rate::Price;
use tillcard::till::PaymentRecord;

/// How far a payment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentState)]
pub(crate) enum State {
    /// The shop asked for it.
    Created,
    /// No card yet; none was asked to pay.
    WaitingForCard,
    /// A card waits for its PIN; it wasn't asked to pay.
    WaitingForPin,
    /// A card was asked to pay, or has signed.
    Signing,
    /// The network has it.
    Broadcast,
    /// It is in a block.
    Confirmed,
    /// The shop has its money.
    Settled,
    /// Given up before a card was asked to pay: nothing was debited.
    Cancelled,
    /// It is proven that no card paid: nothing was debited.
    Declined,
    /// Its time was over before a card was asked to pay: nothing was debited.
    Expired,
    /// Its coins went another way: it never will be paid.
    Conflicted,
    /// In doubt: it may still be paid. Take no second payment for it.
    Unknown,
    /// The shop waits for it no longer, though it may still be paid.
    Closed,
}

impl State {
    /// Its name, as it is told.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::WaitingForCard => "waiting_for_card",
            Self::WaitingForPin => "waiting_for_pin",
            Self::Signing => "signing",
            Self::Broadcast => "broadcast",
            Self::Confirmed => "confirmed",
            Self::Settled => "settled",
            Self::Cancelled => "cancelled",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Conflicted => "conflicted",
            Self::Unknown => "unknown",
            Self::Closed => "closed",
        }
    }

    /// Whether no card is asked to pay it, now or later, unless the clerk says so.
    pub(crate) fn is_left(self) -> bool {
        matches!(
            self,
            Self::Cancelled | Self::Expired | Self::Declined | Self::Unknown | Self::Closed
        )
    }

    /// Whether it is about a card that is in its reader, or comes into it.
    pub(crate) fn needs_reader(self) -> bool {
        matches!(
            self,
            Self::Created
                | Self::WaitingForCard
                | Self::WaitingForPin
                | Self::Signing
                | Self::Unknown
        )
    }
}

/// Why something is as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reason {
    /// The reason's stable name (`docs/errors/host.md`).
    pub(crate) code: String,
    /// What happened, what it means for the money, and what to do: for the clerk.
    pub(crate) detail: String,
}

/// What somebody must know and act on, whichever payment is at hand: money that was counted on went
/// back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Alarm {
    /// What happened.
    #[serde(flatten)]
    pub(crate) reason: Reason,
    /// When.
    pub(crate) at: Moment,
}

/// A PIN is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PinAsked {
    /// Entries left.
    pub(crate) tries_left: u8,
}

/// When a payment came to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Passed {
    /// The state.
    pub(crate) state: State,
    /// When.
    pub(crate) at: Moment,
}

/// A payment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Payment {
    /// Its name.
    pub(crate) id: String,
    /// How far it came.
    pub(crate) state: State,
    /// What the shop gets, in sat.
    pub(crate) amount_sat: u64,
    /// What that is in the shop's currency, when it was asked for so, and by which rate.
    #[serde(default)]
    pub(crate) price: Option<Price>,
    /// The shop's address.
    pub(crate) to: String,
    /// The payment as wallets read it (BIP21), for customers without a card; nothing when its address was
    /// one of another payment before, so that nobody could say whose the coins are.
    #[serde(default)]
    pub(crate) uri: Option<String>,
    /// What came to its address from wallets.
    #[serde(default)]
    pub(crate) by_address: Option<ByAddress>,
    /// The shop's own words for it, such as a number of an order.
    pub(crate) reference: Option<String>,
    /// The reader that the clerk chose.
    pub(crate) reader: String,
    /// Blocks that bury it.
    pub(crate) confirmations: u32,
    /// Blocks that must bury it before it is settled.
    pub(crate) confirmations_required: u32,
    /// The PIN is asked for: send it.
    pub(crate) pin: Option<PinAsked>,
    /// The fee that the card pays besides, in sat, once the card has said it.
    pub(crate) fee_sat: Option<u64>,
    /// The transaction, once the card has signed it.
    pub(crate) txid: Option<String>,
    /// What stands in its way, or ended it.
    pub(crate) reason: Option<Reason>,
    /// What went back on the chain: the block that it was in, or the coins that pay it.
    #[serde(default)]
    pub(crate) alarms: Vec<Alarm>,
    /// What happened last, in words for the clerk.
    pub(crate) step: String,
    /// When the shop asked for it.
    pub(crate) created_at: Moment,
    /// When something happened to it last.
    pub(crate) updated_at: Moment,
    /// When it is given up, unless a card was asked to pay before.
    pub(crate) expires_at: Moment,
    /// The states that it came to.
    pub(crate) history: Vec<Passed>,
}

impl Payment {
    /// A new one.
    pub(crate) fn new(
        record: &PaymentRecord,
        reference: Option<String>,
        reader: String,
        patience: Duration,
        now: Moment,
    ) -> Self {
        let state = State::Created;
        Self {
            id: record.id.clone(),
            state,
            amount_sat: record.order.amount.to_sat(),
            to: record.to.clone(),
            price: None,
            uri: None,
            by_address: None,
            reference,
            reader,
            confirmations: 0,
            confirmations_required: record.confirmations,
            pin: None,
            fee_sat: None,
            txid: None,
            reason: None,
            alarms: Vec::new(),
            step: "created".to_owned(),
            created_at: now,
            updated_at: now,
            expires_at: now.plus(patience),
            history: vec![Passed { state, at: now }],
        }
    }
}
