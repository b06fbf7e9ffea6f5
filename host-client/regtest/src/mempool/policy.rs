//! What the mempool takes, as far as a node's owner can say.

use bitcoin::Amount;
use serde::{Deserialize, Serialize};

/// Bitcoin Core's `DEFAULT_MIN_RELAY_TX_FEE` and `DEFAULT_INCREMENTAL_RELAY_FEE` since version 30,
/// in sat per 1000 vbytes.
const RELAY_FEE_RATE: u32 = 100;

/// Bitcoin Core's `DEFAULT_ANCESTOR_LIMIT` and `DEFAULT_DESCENDANT_LIMIT`.
const CHAIN_LIMIT: u32 = 25;

/// What the mempool takes, as far as a node's owner can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MempoolPolicy {
    /// The least fee rate, in sat per 1000 vbytes.
    pub fee_rate: u32,
    /// How many unconfirmed transactions may hang on each other: a transaction with its ancestors,
    /// and each ancestor with its descendants.
    pub chain_limit: u32,
}

impl Default for MempoolPolicy {
    fn default() -> Self {
        Self {
            fee_rate: RELAY_FEE_RATE,
            chain_limit: CHAIN_LIMIT,
        }
    }
}

impl MempoolPolicy {
    /// The least fee of so many vbytes.
    pub(super) fn fee(self, vsize: u64) -> Amount {
        Amount::from_sat(vsize.saturating_mul(self.fee_rate.into()).div_ceil(1000))
    }
}
