//! Fee rates in sat/kvB, the unit of the card protocol.

use std::fmt;

use bitcoin::Amount;
use serde::{Deserialize, Serialize};

/// A fee rate in satoshi per 1000 virtual bytes (sat/kvB); shown as sat/vB.
///
/// The `bitcoin` crate's type counts in sat per 1000 weight units and can't hold every rate of the
/// card protocol, hence one of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FeeRate(u32);

impl FeeRate {
    /// The least rate that Bitcoin Core relays by default since version 30: 0.1 sat/vB.
    pub const FLOOR: FeeRate = FeeRate(100);
    /// The most that any wallet of this program pays: 500 sat/vB.
    pub const CAP: FeeRate = FeeRate(500_000);
    /// Taken on a test network whose backend has no estimate: 2 sat/vB.
    pub const FALLBACK: FeeRate = FeeRate(2_000);

    /// A rate in sat/kvB.
    pub const fn from_sat_per_kvb(rate: u32) -> Self {
        Self(rate)
    }

    /// The rate in sat/kvB.
    pub const fn to_sat_per_kvb(self) -> u32 {
        self.0
    }

    /// The fee for `vsize` vbytes, rounded up, as `docs/protocol.md` §7.3 reckons it.
    pub fn fee(self, vsize: u64) -> Amount {
        Amount::from_sat(vsize.saturating_mul(u64::from(self.0)).div_ceil(1000))
    }

    /// The same rate in the unit of the `bitcoin` crate, rounded up to the next sat/kwu.
    pub fn to_bitcoin(self) -> bitcoin::FeeRate {
        bitcoin::FeeRate::from_sat_per_kwu(u64::from(self.0).div_ceil(4))
    }
}

impl fmt::Display for FeeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths) = (self.0 / 1000, self.0 % 1000);
        if thousandths == 0 {
            write!(f, "{whole} sat/vB")
        } else {
            let fraction = format!("{thousandths:03}");
            write!(f, "{whole}.{} sat/vB", fraction.trim_end_matches('0'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_round_up() {
        assert_eq!(
            FeeRate::from_sat_per_kvb(1000).fee(154),
            Amount::from_sat(154)
        );
        assert_eq!(
            FeeRate::from_sat_per_kvb(100).fee(154),
            Amount::from_sat(16)
        );
        assert_eq!(
            FeeRate::from_sat_per_kvb(1001).to_bitcoin(),
            bitcoin::FeeRate::from_sat_per_kwu(251)
        );
    }

    #[test]
    fn shown_in_sat_per_vbyte() {
        assert_eq!(FeeRate::from_sat_per_kvb(2000).to_string(), "2 sat/vB");
        assert_eq!(FeeRate::from_sat_per_kvb(1050).to_string(), "1.05 sat/vB");
        assert_eq!(FeeRate::from_sat_per_kvb(100).to_string(), "0.1 sat/vB");
    }
}
