//! What a transaction must be, whatever else waits in the mempool.

use std::collections::HashSet;

use bitcoin::absolute::{Height, Time};
use bitcoin::{Amount, Script, Transaction, TxOut, relative};

use crate::Rejected;
use crate::coins::Coins;

/// Bitcoin Core's `MAX_STANDARD_TX_WEIGHT`.
const MAX_WEIGHT: u64 = 400_000;
/// Bitcoin Core's `MIN_STANDARD_TX_NONWITNESS_SIZE`.
const MIN_STRIPPED_SIZE: usize = 65;
/// `MAX_OP_RETURN_RELAY` of Bitcoin Core before version 30: OP_RETURN, push, 80 bytes of data.
const MAX_DATA_SCRIPT: usize = 83;
/// Bitcoin Core's `COINBASE_MATURITY`.
const COINBASE_MATURITY: u32 = 100;

/// What a transaction is held against.
pub(in super::super) struct ChainContext<'a> {
    pub(in super::super) coins: &'a Coins,
    /// Height of the best chain's last block.
    pub(in super::super) height: u32,
    /// Median time of the last eleven blocks, seconds since 1970 (BIP113).
    pub(in super::super) median_time: u32,
}

/// An input's coin: the output, and the height of its block (`None` while in the mempool).
pub(super) struct Spent {
    pub(super) output: TxOut,
    pub(super) height: Option<u32>,
    pub(super) is_coinbase: bool,
}

pub(super) fn rejected(reason: &str) -> Rejected {
    Rejected {
        reason: reason.into(),
    }
}

/// Checks that need no coins.
pub(super) fn check_form(transaction: &Transaction) -> Result<(), Rejected> {
    if transaction.input.is_empty() {
        return Err(rejected("bad-txns-vin-empty"));
    }
    if transaction.output.is_empty() {
        return Err(rejected("bad-txns-vout-empty"));
    }
    if transaction.is_coinbase() {
        return Err(rejected("coinbase"));
    }
    let mut seen = HashSet::new();
    if !transaction
        .input
        .iter()
        .all(|input| seen.insert(input.previous_output))
    {
        return Err(rejected("bad-txns-inputs-duplicate"));
    }
    if !(1..=3).contains(&transaction.version.0) {
        return Err(rejected("version"));
    }
    if transaction.weight().to_wu() > MAX_WEIGHT {
        return Err(rejected("tx-size"));
    }
    if transaction.base_size() < MIN_STRIPPED_SIZE {
        return Err(rejected("tx-size-small"));
    }
    for output in &transaction.output {
        check_output(output)?;
    }
    if transaction
        .output
        .iter()
        .filter(|output| output.script_pubkey.is_op_return())
        .count()
        > 1
    {
        return Err(rejected("multi-op-return"));
    }
    Ok(())
}

fn check_output(output: &TxOut) -> Result<(), Rejected> {
    let script: &Script = &output.script_pubkey;
    if script.is_op_return() {
        return if script.len() > MAX_DATA_SCRIPT {
            Err(rejected("datacarrier"))
        } else {
            Ok(())
        };
    }
    if !(script.is_witness_program() || script.is_p2pkh() || script.is_p2sh() || script.is_p2pk()) {
        return Err(rejected("scriptpubkey"));
    }
    if output.value > Amount::MAX_MONEY {
        return Err(rejected("bad-txns-vout-toolarge"));
    }
    if output.value < script.minimal_non_dust() {
        return Err(rejected("dust"));
    }
    Ok(())
}

pub(super) fn fee_of(transaction: &Transaction, spent: &[Spent]) -> Result<Amount, Rejected> {
    let out_of_range = || rejected("bad-txns-inputvalues-outofrange");
    let paid_in = sum(spent.iter().map(|spent| spent.output.value)).ok_or_else(out_of_range)?;
    let paid_out =
        sum(transaction.output.iter().map(|output| output.value)).ok_or_else(out_of_range)?;
    paid_in
        .checked_sub(paid_out)
        .ok_or_else(|| rejected("bad-txns-in-belowout"))
}

fn sum(mut amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    amounts.try_fold(Amount::ZERO, Amount::checked_add)
}

/// Coinbase maturity, lock time (BIP113) and relative lock times (BIP68) against the next block.
pub(super) fn check_lock_times(
    transaction: &Transaction,
    spent: &[Spent],
    context: &ChainContext<'_>,
) -> Result<(), Rejected> {
    let next = context.height + 1;
    let immature = |spent: &Spent| {
        let height = spent.height.unwrap_or(next);
        spent.is_coinbase && next - height < COINBASE_MATURITY
    };
    if spent.iter().any(immature) {
        return Err(rejected("bad-txns-premature-spend-of-coinbase"));
    }

    let (Ok(height), Ok(time)) = (
        Height::from_consensus(context.height),
        Time::from_consensus(context.median_time.saturating_sub(1)),
    ) else {
        return Err(rejected("non-final"));
    };
    if transaction.is_lock_time_enabled() && !transaction.lock_time.is_satisfied_by(height, time) {
        return Err(rejected("non-final"));
    }

    for (input, spent) in transaction.input.iter().zip(spent) {
        let satisfied = match input.sequence.to_relative_lock_time() {
            _ if transaction.version.0 < 2 => true,
            None => true,
            Some(relative::LockTime::Blocks(blocks)) => {
                spent.height.unwrap_or(next) + u32::from(blocks.value()) <= next
            }
            Some(relative::LockTime::Time(_)) => false,
        };
        if !satisfied {
            return Err(rejected("non-BIP68-final"));
        }
    }
    Ok(())
}
