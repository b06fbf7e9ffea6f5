//! What a card is issued with.

use bitcoin::Amount;
use tillcard::owner::Limits;
use tillcard_client::card::Policy;

pub(crate) const PIN: &str = "407112";
pub(crate) const LIMITS: Limits = Limits {
    per_payment: Amount::from_sat(100_000),
    cumulative: Amount::from_sat(400_000),
    fee_cap: Amount::from_sat(10_000),
    ..Limits::DEFAULT
};

/// How a card is issued.
pub(crate) struct Kind {
    pub(crate) limits: Limits,
    /// Whether its key comes from the words.
    pub(crate) import: bool,
    /// Blocks that its leaf asks for; without it, it has none.
    pub(crate) leaf_delay: Option<u16>,
    pub(crate) policy: Policy,
    /// Whether a manufacturer personalised it.
    pub(crate) certified: bool,
}

impl Kind {
    /// A card without certificates, whose owner allows plain sessions.
    pub(crate) fn plain() -> Self {
        Self {
            policy: Policy {
                plain_sessions: true,
                statements: false,
            },
            certified: false,
            ..Self::default()
        }
    }

    /// A card that pays so often and so much (in sat) without PIN.
    pub(crate) fn without_pin(payments: u16, amount: u64) -> Self {
        Self {
            limits: Limits {
                without_pin: Amount::from_sat(amount),
                payments_without_pin: payments,
                ..LIMITS
            },
            ..Self::default()
        }
    }
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            limits: LIMITS,
            import: false,
            leaf_delay: Some(0),
            policy: Policy::default(),
            certified: true,
        }
    }
}
