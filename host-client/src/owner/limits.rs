//! What an owner allows in shops (`docs/protocol.md` §7.1).

use std::fmt;

use bitcoin::Amount;
use serde::{Deserialize, Serialize};

use crate::chain::FeeRate;
use crate::text::sat;
use tillcard_client::card;

/// A card's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most that one payment may pay, in sat.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub per_payment: Amount,
    /// Most that all payments together may take, fees included, in sat.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub cumulative: Amount,
    /// Most payments.
    pub payments: u16,
    /// Most that the fee of one payment may be, in sat.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub fee_cap: Amount,
    /// Least fee rate of a payment, in sat/kvB: below it, a payment may never confirm, and its
    /// change with it.
    pub least_fee_rate: FeeRate,
    /// Highest fee rate of a payment, in sat/kvB.
    pub highest_fee_rate: FeeRate,
    /// Smallest coin that the card takes, in sat.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub least_coin: Amount,
    /// Most that a payment without PIN may pay, in sat; zero when there are none.
    #[serde(with = "bitcoin::amount::serde::as_sat")]
    pub without_pin: Amount,
    /// Most payments without PIN.
    pub payments_without_pin: u16,
}

impl Limits {
    /// What a card is issued with when its owner says nothing else.
    pub const DEFAULT: Self = Self {
        per_payment: Amount::from_sat(200_000),
        cumulative: Amount::from_sat(2_000_000),
        payments: 60,
        fee_cap: Amount::from_sat(10_000),
        least_fee_rate: FeeRate::from_sat_per_kvb(1_000),
        highest_fee_rate: FeeRate::from_sat_per_kvb(50_000),
        least_coin: Amount::from_sat(1_000),
        without_pin: Amount::ZERO,
        payments_without_pin: 0,
    };

    /// What is impossible about them, if something is; a card refuses such.
    pub fn complaint(&self) -> Option<&'static str> {
        let rates = self.least_fee_rate..=self.highest_fee_rate;
        if rates.is_empty() {
            Some("the least fee rate is above the highest")
        } else if card::Limits::from(self).validate().is_err() {
            Some("a card takes no coins below 330 sat, and no fee rates below 0.1 sat/vB")
        } else if u32::try_from(self.least_coin.to_sat()).is_err() {
            Some("the least coin is too large for a card")
        } else {
            None
        }
    }
}

impl From<&Limits> for card::Limits {
    fn from(limits: &Limits) -> Self {
        Self {
            per_payment: limits.per_payment.to_sat(),
            cumulative: limits.cumulative.to_sat(),
            payments: limits.payments,
            fee_cap: limits.fee_cap.to_sat(),
            least_fee_rate: limits.least_fee_rate.to_sat_per_kvb(),
            highest_fee_rate: limits.highest_fee_rate.to_sat_per_kvb(),
            least_coin: u32::try_from(limits.least_coin.to_sat()).unwrap_or(u32::MAX),
            without_pin_amount: limits.without_pin.to_sat(),
            without_pin_payments: limits.payments_without_pin,
        }
    }
}

impl From<&card::Limits> for Limits {
    fn from(limits: &card::Limits) -> Self {
        Self {
            per_payment: Amount::from_sat(limits.per_payment),
            cumulative: Amount::from_sat(limits.cumulative),
            payments: limits.payments,
            fee_cap: Amount::from_sat(limits.fee_cap),
            least_fee_rate: FeeRate::from_sat_per_kvb(limits.least_fee_rate),
            highest_fee_rate: FeeRate::from_sat_per_kvb(limits.highest_fee_rate),
            least_coin: Amount::from_sat(limits.least_coin.into()),
            without_pin: Amount::from_sat(limits.without_pin_amount),
            payments_without_pin: limits.without_pin_payments,
        }
    }
}

/// Lines for a person.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a payment             up to {}", sat(self.per_payment))?;
        writeln!(
            f,
            "all payments          up to {}, fees included, and {} payments",
            sat(self.cumulative),
            self.payments
        )?;
        writeln!(
            f,
            "a payment's fee       up to {}, at {} to {}",
            sat(self.fee_cap),
            self.least_fee_rate,
            self.highest_fee_rate
        )?;
        writeln!(f, "coins                 from {}", sat(self.least_coin))?;
        if self.without_pin == Amount::ZERO || self.payments_without_pin == 0 {
            write!(f, "payments without PIN  none")
        } else {
            write!(
                f,
                "payments without PIN  up to {} each, {} of them",
                sat(self.without_pin),
                self.payments_without_pin
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_limits_are_possible() {
        assert_eq!(Limits::DEFAULT.complaint(), None);
        assert!(Limits::DEFAULT.to_string().contains("without PIN  none"));
    }

    #[test]
    fn limits_read_back_from_the_card() {
        let limits = Limits {
            without_pin: Amount::from_sat(5_000),
            payments_without_pin: 3,
            ..Limits::DEFAULT
        };
        assert_eq!(Limits::from(&card::Limits::from(&limits)), limits);
    }

    #[test]
    fn impossible_limits_are_named() {
        let usual = Limits::DEFAULT;
        let swapped = Limits {
            least_fee_rate: FeeRate::from_sat_per_kvb(50_001),
            ..usual
        };
        let dust = Limits {
            least_coin: Amount::from_sat(329),
            ..usual
        };
        let vast = Limits {
            least_coin: Amount::from_sat(1 << 32),
            ..usual
        };
        for (limits, word) in [(swapped, "highest"), (dust, "330"), (vast, "too large")] {
            assert!(limits.complaint().unwrap().contains(word));
        }
    }
}
