//! The till as a machine: what happens to a payment, whatever a card, a wire, a node or a clerk says.
//!
//! It does no input or output and has no clock. A driver tells it what happened ([`Input`]); it
//! answers with the record to be stored and the effects to be done after that ([`Step`]). What it
//! says of money it has a proof of, or it says that the outcome is open:
//!
//! | said | on what proof |
//! |---|---|
//! | cancelled, declined | no card was asked to pay; or the card that was asked says under its channel's MAC that it doesn't know the payment |
//! | conflicted | another transaction that spends the coins is in a block, as deep as the shop asks |
//! | settled | the payment is in a block, as deep as the shop asks |
//! | closed | none: the shop has said that it waits no longer |
//!
//! What is settled or conflicted is looked at again until it is deeper than reorganisations reach.
//!
//! A source of the chain that hasn't come as far as its chain proves nothing by what it doesn't know:
//! the till waits for it, or says that the outcome is open.
//!
//! ```text
//! created ─▶ waiting for card ─▶ waiting for PIN ─▶ asked ─▶ signed ─▶ broadcast ─▶ confirmed ─▶ settled
//!    └──────────────┴───▶ cancelled, declined ◀─┘     │        └───────────┴────▶ conflicted
//!                                  ▲── on proof only ─┘
//! ```

mod after_pay;
mod before_pay;
mod behind;
mod effect;
mod input;
mod payment;
mod settling;
#[cfg(test)]
mod tests;
mod watching;

use std::collections::BTreeMap;

use super::PaymentRecord;
pub use effect::{CardTask, ChainTask, Effect, Outcome, Step};
pub use input::{CardSaid, ChainSaid, ClerkSaid, Conflict, Input};
use payment::Payment;
pub use payment::Wishes;

/// Reports of absent coins that a card takes after one PIN (`[ABS-1]`): a card that then still offers
/// coins that aren't there is sent away.
pub const MOST_REPORTS: usize = 4;

/// An answer that was lost so often will be lost again.
pub const MOST_LOST: u8 = 5;

/// So often in a row the till waits, for a payment that no card has signed, until a source that is
/// behind has come as far as its chain.
pub const MOST_BEHIND: u8 = 30;

/// As many blocks as the network may replace: so far below the tip at which a card was asked its payment
/// is looked for too, and what is deeper is looked at no more.
pub const DEEPEST_REORGANISATION: u32 = 6;

/// The payments of a till, each at its own point.
#[derive(Default)]
#[cfg_attr(test, derive(Clone, Debug, PartialEq, Eq))]
pub struct Machine {
    payments: BTreeMap<String, Payment>,
}

impl Machine {
    /// Takes up a payment, a new one or one that was stored. Nothing follows before it is told
    /// something.
    pub fn add(&mut self, record: PaymentRecord, wishes: Wishes) {
        let id = record.id.clone();
        self.payments.insert(id, Payment::new(record, wishes));
    }

    /// What follows from an input to the payment of this name. An input that answers no task at hand
    /// has no effect, nor has one to a payment that isn't here.
    pub fn step(&mut self, id: &str, input: Input) -> Step {
        let Some(payment) = self.payments.get_mut(id) else {
            return Step::default();
        };
        let step = payment.step(input);
        if payment.is_over() {
            self.payments.remove(id);
        }
        step
    }

    /// The payment of this name, as it was stored last.
    pub fn record(&self, id: &str) -> Option<&PaymentRecord> {
        self.payments.get(id).map(Payment::record)
    }
}
