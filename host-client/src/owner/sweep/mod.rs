//! Blocking a lost card: its coins go to the primary wallet, the card being absent. The owner
//! spends them by script path, with the leaf key; or by key path, where the account key came from
//! his words.

mod fees;
mod purse;

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::{Amount, ScriptBuf, Transaction, Txid};

pub(super) use fees::{DUST, ReplacementCost, input_fee, outbidding_fee, sweep_vsize};
pub use fees::{KEY_PATH_INPUT_WEIGHT, SWEEP_INPUT_WEIGHT};
pub(super) use purse::{Purse, SweepKey};

use super::{CardCoin, CardView, OwnerError};
use crate::chain::{Chain, FeeRate, Reach};

/// Inputs of one transaction: few enough to be relayed everywhere and quick to sign.
const MAX_INPUTS: usize = 100;

/// How to sweep.
#[derive(Clone, Copy, Debug)]
pub struct SweepOptions {
    /// The fee rate; for speed, the estimate for the next block or more.
    pub fee_rate: FeeRate,
    /// Whether to replace payments of the card that wait in the mempool: a thief's, but it may
    /// also be the holder's last honest one. Otherwise they are left alone and only their change
    /// is taken.
    pub replace_unconfirmed: bool,
}

/// What a sweep does.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// The signed transactions; none when the card has nothing to take.
    pub transactions: Vec<Transaction>,
    /// Coins that aren't worth their fee, or whose unconfirmed spend is too dear to outbid.
    pub left_behind: Vec<CardCoin>,
    /// Earlier sweeps of ours that still wait in the mempool.
    pub pending: Vec<Txid>,
    /// Coins that aren't deep enough for the leaf's delay yet.
    pub too_young: Vec<CardCoin>,
    /// Whether the source of the coins had come as far as its chain; if it hadn't, the card may have
    /// others.
    pub reach: Reach,
}

impl Sweep {
    /// Builds and signs the sweep of the coins in `view` to `destination`. `own` are the earlier
    /// sweeps, which aren't replaced.
    ///
    /// # Errors
    /// [`OwnerError::FeeRateAboveCap`], and the errors of the chain and of signing.
    pub(super) fn build(
        purse: &Purse<'_>,
        view: &CardView,
        chain: &dyn Chain,
        destination: &ScriptBuf,
        own: &[Txid],
        options: SweepOptions,
    ) -> Result<Self, OwnerError> {
        if options.fee_rate > FeeRate::CAP {
            return Err(OwnerError::FeeRateAboveCap(options.fee_rate));
        }
        let mut sweep = Self::default();
        let (coins, pending) = choose(view, own, options);
        sweep.pending = pending;
        let (mut coins, young): (Vec<_>, Vec<_>) = coins
            .into_iter()
            .partition(|coin| purse.is_ripe(coin, view.tip.height));
        sweep.too_young = young;
        coins.sort_by_key(|coin| std::cmp::Reverse(coin.output.value));
        let weight = purse.input_weight();
        let worth = input_fee(options.fee_rate, weight);
        let (coins, poor): (Vec<_>, Vec<_>) = coins
            .into_iter()
            .partition(|coin| coin.output.value > worth);
        sweep.left_behind = poor;

        let mut bids = bids(&coins, chain)?;
        for group in coins.chunks(MAX_INPUTS) {
            match group_fee(group, weight, &mut bids, options.fee_rate) {
                Some(fee) => {
                    let transaction = purse.spend(group, destination, fee)?;
                    sweep.transactions.push(transaction);
                }
                None => sweep.left_behind.extend_from_slice(group),
            }
        }
        Ok(sweep)
    }
}

/// The coins to take, and the sweeps of ours that took some already.
fn choose(view: &CardView, own: &[Txid], options: SweepOptions) -> (Vec<CardCoin>, Vec<Txid>) {
    let mut pending = BTreeSet::new();
    // What hangs on a payment that is replaced vanishes with it.
    let doomed: BTreeSet<Txid> = if options.replace_unconfirmed {
        view.coins.iter().filter_map(|coin| coin.spent_by).collect()
    } else {
        BTreeSet::new()
    };
    let coins = view
        .coins
        .iter()
        .filter(|coin| match coin.spent_by {
            Some(spender) if own.contains(&spender) => {
                pending.insert(spender);
                false
            }
            Some(_) => options.replace_unconfirmed && !doomed.contains(&coin.outpoint.txid),
            None => !doomed.contains(&coin.outpoint.txid),
        })
        .cloned()
        .collect();
    (coins, pending.into_iter().collect())
}

fn bids(
    coins: &[CardCoin],
    chain: &dyn Chain,
) -> Result<BTreeMap<Txid, ReplacementCost>, OwnerError> {
    let mut bids = BTreeMap::new();
    for spender in coins.iter().filter_map(|coin| coin.spent_by) {
        if bids.contains_key(&spender) {
            continue;
        }
        if let Some(entry) = chain.mempool_entry(&spender)? {
            bids.insert(
                spender,
                ReplacementCost {
                    total: entry.descendant_fee,
                    // Descendants may pay for it: their fees over its size alone is the most that
                    // the rate of any part of them can be.
                    fee: entry.descendant_fee,
                    vsize: entry.vsize,
                },
            );
        }
    }
    Ok(bids)
}

/// The fee of a sweep of `coins`; none when it would leave less than dust or exceed the cap. A bid
/// that one transaction meets needs no meeting by the next: it is taken out of `bids`.
fn group_fee(
    coins: &[CardCoin],
    input_weight: u64,
    bids: &mut BTreeMap<Txid, ReplacementCost>,
    fee_rate: FeeRate,
) -> Option<Amount> {
    let vsize = sweep_vsize(coins.len(), input_weight);
    let conflicts: BTreeSet<Txid> = coins.iter().filter_map(|coin| coin.spent_by).collect();
    let replaced: Vec<&ReplacementCost> =
        conflicts.iter().filter_map(|txid| bids.get(txid)).collect();
    let fee = outbidding_fee(fee_rate, vsize, &replaced)?;
    let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
    let rest = total.checked_sub(fee)?;
    if rest < DUST || fee > FeeRate::CAP.fee(vsize) {
        return None;
    }
    bids.retain(|txid, _| !conflicts.contains(txid));
    Some(fee)
}

#[cfg(test)]
mod tests;
