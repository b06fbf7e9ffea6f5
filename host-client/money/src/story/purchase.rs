//! A customer at a till: what it takes to be played at any moment of the story.

use std::collections::BTreeSet;

use tillcard::till::{Outcome, TillError};

use super::attempt::Attempt;
use super::fingers::Fingers;
use super::till::ShopTill;

/// A customer with a card at a till, and what is asked of it.
pub struct Purchase {
    /// The till.
    pub till: ShopTill,
    /// The payment.
    pub attempt: Attempt,
    /// The customer's.
    pub fingers: Fingers,
}

/// What came of a purchase.
pub struct Paid {
    /// None when the till lost its power.
    pub outcome: Option<Result<Outcome, TillError>>,
    /// The cards whose right PIN was typed.
    pub typed: BTreeSet<usize>,
}

impl Purchase {
    /// The till has the card pay.
    pub fn make(self) -> Paid {
        self.till.steps.note(format_args!("  {}", self.attempt));
        let typed = self.fingers.typed();
        let outcome = self.till.pay(&self.attempt, self.fingers);
        let typed = typed.take();
        Paid { outcome, typed }
    }
}
