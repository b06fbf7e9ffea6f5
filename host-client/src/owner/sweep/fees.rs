//! What a sweep weighs and costs, and what it takes to replace another transaction.

use bitcoin::Amount;

use crate::chain::FeeRate;

/// Weight of an input that spends by key path: outpoint, empty script and sequence (41 bytes, four
/// units each); witness of a signature (64) with its length, and the count. 57.5 vbytes.
pub const KEY_PATH_INPUT_WEIGHT: u64 = 4 * 41 + 1 + (1 + 64);

/// Weight of an input that spends by script path through `pk(PRIMARY)`: besides the signature,
/// script (34) and control block (33), each with its length. 74.75 vbytes; a delay adds the bytes
/// of its number and one.
pub const SWEEP_INPUT_WEIGHT: u64 = KEY_PATH_INPUT_WEIGHT + (1 + 34) + (1 + 33);

/// Version, lock time and the two counts (10 bytes); marker and flag; one taproot output (43).
const SWEEP_BASE_WEIGHT: u64 = 4 * 10 + 2 + 4 * 43;

/// The least amount of a taproot output that nodes relay, in sat.
pub(in crate::owner) const DUST: Amount = Amount::from_sat(330);

/// What a replacement must pay for its own relay on top of all that it replaces (BIP125 rule 4),
/// as Bitcoin Core asked for before version 30; it asks for a tenth since.
const INCREMENTAL_RATE: FeeRate = FeeRate::from_sat_per_kvb(1_000);

/// What it takes to replace a mempool transaction.
pub(in crate::owner) struct ReplacementCost {
    /// All fees that its replacement takes from the miners.
    pub(in crate::owner) total: Amount,
    /// The rate to exceed, as a fraction: fee and vsize.
    pub(in crate::owner) fee: Amount,
    pub(in crate::owner) vsize: u64,
}

/// The fee of a transaction of `vsize` vbytes that replaces others: at least at the rate given, and
/// more than theirs (BIP125, rules 3 and 4, and Bitcoin Core's comparison of rates).
pub(in crate::owner) fn outbidding_fee(
    rate: FeeRate,
    vsize: u64,
    replaced: &[&ReplacementCost],
) -> Option<Amount> {
    let mut fee = rate.fee(vsize);
    if !replaced.is_empty() {
        let total: Amount = replaced.iter().map(|bid| bid.total).sum();
        fee = fee.max(total + INCREMENTAL_RATE.fee(vsize));
        for bid in replaced {
            let over =
                u128::from(bid.fee.to_sat()) * u128::from(vsize) / u128::from(bid.vsize.max(1)) + 1;
            fee = fee.max(Amount::from_sat(u64::try_from(over).ok()?));
        }
    }
    Some(fee)
}

/// What one more input costs, rounded up.
pub(in crate::owner) fn input_fee(rate: FeeRate, weight: u64) -> Amount {
    let fee = (weight * u64::from(rate.to_sat_per_kvb())).div_ceil(4 * 1000);
    Amount::from_sat(fee)
}

/// Virtual size of a sweep of `inputs` coins, at most 252, to one taproot output.
pub(in crate::owner) fn sweep_vsize(inputs: usize, input_weight: u64) -> u64 {
    (SWEEP_BASE_WEIGHT + input_weight * inputs as u64).div_ceil(4)
}
