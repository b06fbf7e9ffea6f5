//! The draft's transaction: coins of the shop's in, the refund and what is left out.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Weight, Witness};
use tillcard::chain::FeeRate;

use super::RefundError;

/// An input without its witness, in bytes: outpoint, the length of an empty script, sequence.
const INPUT_SIZE: u64 = 32 + 4 + 1 + 4;

/// Version, lock time, two counts and the segwit marker, in weight units.
const FRAME_WEIGHT: u64 = 4 * (4 + 4 + 1 + 1) + 2;

/// An output's amount and its script's length, in bytes.
const OUTPUT_FRAME: u64 = 8 + 1;

/// A taproot output's script, in bytes: the longest that a till's descriptor makes.
const CHANGE_SCRIPT: u64 = 34;

/// Which of the outputs returns the rest to the shop.
pub(super) const CHANGE: usize = 1;

/// The least that is sent to the shop itself: below that it costs more to spend than it is.
const CHANGE_MIN: Amount = Amount::from_sat(1_000);

/// A coin of the shop's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coin {
    pub(super) outpoint: OutPoint,
    pub(super) output: TxOut,
    /// Which of the descriptor's addresses has it.
    pub(super) index: u32,
}

/// What is to be paid.
pub(super) struct Wanted {
    pub(super) to: ScriptBuf,
    pub(super) amount: Amount,
    pub(super) rate: FeeRate,
    /// An input's witness, at most.
    pub(super) witness: Weight,
}

/// What is paid from some coins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) fee: Amount,
    /// What goes back to the shop; nothing when it would be too little.
    pub(super) change: Option<Amount>,
}

impl Wanted {
    fn vsize(&self, inputs: usize, with_change: bool) -> u64 {
        let change = match with_change {
            true => OUTPUT_FRAME + CHANGE_SCRIPT,
            false => 0,
        };
        let outputs = OUTPUT_FRAME + self.to.len() as u64 + change;
        let inputs = inputs as u64 * (4 * INPUT_SIZE + self.witness.to_wu());
        (FRAME_WEIGHT + inputs + 4 * outputs).div_ceil(4)
    }

    /// How these coins pay it.
    ///
    /// # Errors
    /// [`RefundError::CoinsShort`], and [`RefundError::Fee`] when the fee is more than what goes back.
    pub(super) fn plan(&self, coins: &[Coin]) -> Result<Plan, RefundError> {
        let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
        let fee = self.rate.fee(self.vsize(coins.len(), false));
        if fee > self.amount {
            return Err(RefundError::Fee(fee));
        }
        let needed = self.amount + fee;
        let rest = total.checked_sub(needed);
        let rest = rest.ok_or_else(|| RefundError::CoinsShort(needed - total))?;
        let with_change = self.rate.fee(self.vsize(coins.len(), true));
        let change = (total - self.amount).checked_sub(with_change);
        Ok(match change.filter(|change| *change >= CHANGE_MIN) {
            Some(change) => Plan {
                fee: with_change,
                change: Some(change),
            },
            None => Plan {
                fee: fee + rest,
                change: None,
            },
        })
    }

    /// The transaction, unsigned. What goes back to the shop goes to this script.
    pub(super) fn transaction(
        &self,
        coins: &[Coin],
        change: Option<(Amount, ScriptBuf)>,
    ) -> Transaction {
        let mut output = vec![TxOut {
            value: self.amount,
            script_pubkey: self.to.clone(),
        }];
        output.extend(change.map(|(value, script_pubkey)| TxOut {
            value,
            script_pubkey,
        }));
        let input = coins.iter().map(|coin| TxIn {
            previous_output: coin.outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        });
        Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: input.collect(),
            output,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::WPubkeyHash;
    use bitcoin::hashes::Hash;

    fn script(byte: u8) -> ScriptBuf {
        ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array([byte; 20]))
    }

    fn wanted(amount: u64) -> Wanted {
        Wanted {
            to: script(2),
            amount: Amount::from_sat(amount),
            rate: FeeRate::from_sat_per_kvb(1_000),
            // A taproot key path's: count, length, signature.
            witness: Weight::from_wu(66),
        }
    }

    fn coin(amount: u64) -> Coin {
        Coin {
            outpoint: OutPoint::null(),
            output: TxOut {
                value: Amount::from_sat(amount),
                script_pubkey: script(1),
            },
            index: 0,
        }
    }

    #[test]
    fn what_is_left_goes_back_to_the_shop_unless_it_is_too_little() {
        // 10.5 + 57.5 + 31 vbytes, and 43 for the change.
        let (alone, both) = (99, 142);
        for (total, expected) in [
            (5_000 + alone, Some((alone, None))),
            (5_000 + both + 999, Some((both + 999, None))),
            (5_000 + both + 1_000, Some((both, Some(1_000)))),
            (5_000 + alone - 1, None),
        ] {
            let plan = wanted(5_000).plan(&[coin(total)]).ok();
            let found =
                plan.map(|plan| (plan.fee.to_sat(), plan.change.map(bitcoin::Amount::to_sat)));
            assert_eq!(found, expected, "{total}");
        }
    }

    #[test]
    fn no_more_fee_than_goes_back() {
        assert!(matches!(
            wanted(98).plan(&[coin(21_000)]),
            Err(RefundError::Fee(_))
        ));
        assert!(wanted(99).plan(&[coin(21_000)]).is_ok());
    }

    #[test]
    fn sizes_are_those_of_the_transaction() {
        let wanted = wanted(5_000);
        for inputs in 1..4 {
            let coins = vec![coin(21_000); inputs];
            let change = (Amount::from_sat(1_000), script(3));
            let mut transaction = wanted.transaction(&coins, Some(change));
            for input in &mut transaction.input {
                input.witness = Witness::from_slice(&[[1; 64]]);
            }
            // The change's script is a shorter one here.
            let vsize = transaction.vsize() as u64 + CHANGE_SCRIPT - 22;
            assert_eq!(wanted.vsize(inputs, true), vsize, "{inputs}");
        }
    }
}
