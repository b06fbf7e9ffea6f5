//! Which coins are spent, at what fee (`docs/protocol.md`, section 7.4).

use super::MIN_CHANGE;
use crate::capacities::MAX_INPUTS;
use crate::persistent::{Coin, Slot};
use heapless::Vec;
use tillcard_protocol::status::{self, Status};

/// The coins that may be spent: the first sixteen in the order of choice, and
/// what all of them come to.
#[derive(Default)]
pub struct Candidates {
    first: Vec<(Slot, Coin), MAX_INPUTS>,
    count: usize,
    total: u64,
}

/// Whether `a` is chosen before `b`.
fn precedes(a: &Coin, b: &Coin) -> bool {
    (a.doubtful, b.amount, a.txid, a.vout) < (b.doubtful, a.amount, b.txid, b.vout)
}

impl Candidates {
    /// Takes one more coin into account.
    pub fn add(&mut self, slot: Slot, coin: Coin) {
        self.count += 1;
        self.total = self.total.saturating_add(coin.amount);
        let at = self
            .first
            .iter()
            .position(|(_, other)| precedes(&coin, other))
            .unwrap_or(self.first.len());
        if at == MAX_INPUTS {
            return;
        }
        if self.first.is_full() {
            self.first.truncate(MAX_INPUTS - 1);
        }
        // There is room, and `at` is within.
        let _ = self.first.insert(at, (slot, coin));
    }

    /// Chooses for a payment of `amount` to a script of `script_length` bytes at
    /// a fee rate in sat/kvB.
    ///
    /// - `[TX-1]`: as few as will do, largest first.
    /// - `[TX-2]`: too fragmented, or too little.
    ///
    /// # Errors
    /// `9401` insufficient funds, `9402` too fragmented.
    pub fn choose(mut self, amount: u64, script_length: usize, rate: u32) -> Result<Plan, Status> {
        let fee = |inputs, change| fee(inputs, script_length, change, rate);
        let mut sum = 0;
        for inputs in 1..=self.first.len() {
            sum += self.first[inputs - 1].1.amount;
            if sum < amount + fee(inputs, false) {
                continue;
            }
            self.first.truncate(inputs);
            let change = sum.saturating_sub(amount + fee(inputs, true));
            let change = if change >= MIN_CHANGE { change } else { 0 };
            return Ok(Plan {
                inputs: self.first,
                amount,
                fee: sum - amount - change,
                change,
            });
        }
        if self.count > MAX_INPUTS && self.total >= amount + fee(MAX_INPUTS, false) {
            Err(status::TOO_FRAGMENTED)
        } else {
            Err(status::INSUFFICIENT_FUNDS)
        }
    }
}

/// What a payment will be.
pub struct Plan {
    /// The coins, in the order of the transaction's inputs.
    pub inputs: Vec<(Slot, Coin), MAX_INPUTS>,
    /// To the payee, in sat.
    pub amount: u64,
    /// The fee, in sat.
    pub fee: u64,
    /// The change, in sat; 0 when there is no change output.
    pub change: u64,
}

/// Fee in sat of a payment with so many inputs, a payee script of so many bytes,
/// and change or not, at a rate in sat/kvB.
fn fee(inputs: usize, script_length: usize, change: bool, rate: u32) -> u64 {
    // Weight of version, counts, marker, flag and lock time; of an input with a
    // key path signature; of the two outputs.
    let weight = 42 + 230 * inputs + 4 * (9 + script_length) + if change { 172 } else { 0 };
    let size = weight.div_ceil(4) as u64;
    (size * u64::from(rate)).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tillcard_protocol::command::Place;

    fn coin(amount: u64, tag: u8) -> Coin {
        Coin {
            txid: [tag; 32],
            vout: 0,
            amount,
            place: Place { chain: 0, index: 0 },
            unrooted: false,
            doubtful: false,
            spent: None,
        }
    }

    fn candidates(amounts: &[u64]) -> Candidates {
        let mut candidates = Candidates::default();
        for (i, amount) in amounts.iter().enumerate() {
            candidates.add(i as Slot, coin(*amount, i as u8));
        }
        candidates
    }

    #[test]
    fn largest_first_and_as_few_as_will_do() {
        let plan = candidates(&[1_000, 50_000, 7_000, 60_000])
            .choose(100_000, 22, 1000)
            .unwrap();
        let slots: std::vec::Vec<_> = plan.inputs.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(slots, [3, 1]);
        assert_eq!(plan.amount + plan.fee + plan.change, 110_000);
        // ceil((42 + 460 + 124 + 172) / 4) at 1 sat/vB.
        assert_eq!(plan.fee, 200);
    }

    #[test]
    fn sixteen_of_many() {
        let amounts: std::vec::Vec<u64> = (0..40).map(|i| 1_000 + i).collect();
        let plan = candidates(&amounts).choose(15_000, 34, 100).unwrap();
        assert_eq!(plan.inputs.len(), 15);
        assert_eq!(plan.inputs[0].1.amount, 1_039);
        let refused = |amount| candidates(&amounts).choose(amount, 34, 100).err();
        assert_eq!(refused(20_000), Some(status::TOO_FRAGMENTED));
        assert_eq!(refused(50_000), Some(status::INSUFFICIENT_FUNDS));
    }

    #[test]
    fn small_change_becomes_fee() {
        let fee_with_change = fee(1, 34, true, 1000);
        let sum = 20_000 + fee_with_change + MIN_CHANGE;
        let plan = candidates(&[sum]).choose(20_000, 34, 1000).unwrap();
        assert_eq!((plan.change, plan.fee), (MIN_CHANGE, fee_with_change));
        let plan = candidates(&[sum - 1]).choose(20_000, 34, 1000).unwrap();
        assert_eq!(
            (plan.change, plan.fee),
            (0, fee_with_change + MIN_CHANGE - 1)
        );
    }

    #[test]
    fn doubtful_ones_last() {
        let mut candidates = Candidates::default();
        let doubtful = Coin {
            doubtful: true,
            ..coin(50_000, 1)
        };
        candidates.add(1, doubtful);
        candidates.add(2, coin(3_000, 2));
        candidates.add(3, coin(7_000, 3));
        let plan = candidates.choose(20_000, 22, 100).unwrap();
        let order: std::vec::Vec<_> = plan.inputs.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(order, [3, 2, 1]);
    }

    #[test]
    fn equal_amounts_by_outpoint() {
        let mut candidates = Candidates::default();
        for tag in [9, 3, 7] {
            candidates.add(tag.into(), coin(1_000, tag));
        }
        let plan = candidates.choose(2_000, 22, 100).unwrap();
        let order: std::vec::Vec<_> = plan.inputs.iter().map(|(slot, _)| *slot).collect();
        assert_eq!(order, [3, 7, 9]);
    }
}
