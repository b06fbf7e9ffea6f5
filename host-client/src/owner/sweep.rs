//! Blocking a lost card: its coins go to the primary wallet by script path, with the leaf key,
//! the card being absent.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::key::Secp256k1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Txid, Witness,
};

use super::OwnerError;
use super::card_account::CardAccount;
use super::card_view::{CardCoin, CardView};
use super::keys::LeafKey;
use crate::chain::{Chain, FeeRate};

/// Weight of an input that spends by script path: outpoint, empty script and sequence (41 bytes,
/// four units each); witness of signature (64), script (34) and control block (33), each with its
/// length, and their count. 74.75 vbytes.
pub const SWEEP_INPUT_WEIGHT: u64 = 4 * 41 + 1 + (1 + 64) + (1 + 34) + (1 + 33);

/// Version, lock time and the two counts (10 bytes); marker and flag; one taproot output (43).
const SWEEP_BASE_WEIGHT: u64 = 4 * 10 + 2 + 4 * 43;

/// Inputs of one transaction: few enough to be relayed everywhere and quick to sign.
const MAX_INPUTS: usize = 100;

/// The least amount of a taproot output that nodes relay, in sat.
const DUST: Amount = Amount::from_sat(330);

/// What a replacement must pay for its own relay on top of all that it replaces (BIP125 rule 4),
/// as Bitcoin Core asked for before version 30; it asks for a tenth since.
const INCREMENTAL_RATE: FeeRate = FeeRate::from_sat_per_kvb(1_000);

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
}

/// What it takes to replace a mempool transaction.
struct Bid {
    /// All fees that its replacement takes from the miners.
    total: Amount,
    /// The rate to exceed, as a fraction: fee and vsize.
    fee: Amount,
    vsize: u64,
}

impl Sweep {
    /// Builds and signs the sweep of the coins in `view` to `destination`. `own` are the earlier
    /// sweeps, which aren't replaced.
    ///
    /// # Errors
    /// [`OwnerError::FeeRateAboveCap`], and the errors of the chain and of signing.
    pub(super) fn build(
        account: &CardAccount,
        leaf_key: &LeafKey,
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
        let (mut coins, pending) = choose(view, own, options);
        sweep.pending = pending;
        coins.sort_by_key(|coin| std::cmp::Reverse(coin.output.value));
        let worth = input_fee(options.fee_rate);
        let (coins, poor): (Vec<_>, Vec<_>) = coins
            .into_iter()
            .partition(|coin| coin.output.value > worth);
        sweep.left_behind = poor;

        let mut bids = bids(&coins, chain)?;
        for group in coins.chunks(MAX_INPUTS) {
            match group_fee(group, &mut bids, options.fee_rate) {
                Some(fee) => {
                    let transaction = sign(account, leaf_key, group, destination, fee)?;
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

fn bids(coins: &[CardCoin], chain: &dyn Chain) -> Result<BTreeMap<Txid, Bid>, OwnerError> {
    let mut bids = BTreeMap::new();
    for spender in coins.iter().filter_map(|coin| coin.spent_by) {
        if bids.contains_key(&spender) {
            continue;
        }
        if let Some(entry) = chain.mempool_entry(&spender)? {
            bids.insert(
                spender,
                Bid {
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
    bids: &mut BTreeMap<Txid, Bid>,
    fee_rate: FeeRate,
) -> Option<Amount> {
    let vsize = sweep_vsize(coins.len());
    let conflicts: BTreeSet<Txid> = coins.iter().filter_map(|coin| coin.spent_by).collect();
    let replaced: Vec<&Bid> = conflicts.iter().filter_map(|txid| bids.get(txid)).collect();
    let mut fee = fee_rate.fee(vsize);
    if !replaced.is_empty() {
        let total: Amount = replaced.iter().map(|bid| bid.total).sum();
        fee = fee.max(total + INCREMENTAL_RATE.fee(vsize));
        for bid in replaced {
            let over =
                u128::from(bid.fee.to_sat()) * u128::from(vsize) / u128::from(bid.vsize.max(1)) + 1;
            fee = fee.max(Amount::from_sat(u64::try_from(over).ok()?));
        }
    }
    let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
    let rest = total.checked_sub(fee)?;
    if rest < DUST || fee > FeeRate::CAP.fee(vsize) {
        return None;
    }
    bids.retain(|txid, _| !conflicts.contains(txid));
    Some(fee)
}

/// What one more input costs, rounded up.
fn input_fee(rate: FeeRate) -> Amount {
    let fee = (SWEEP_INPUT_WEIGHT * u64::from(rate.to_sat_per_kvb())).div_ceil(4 * 1000);
    Amount::from_sat(fee)
}

/// Virtual size of a sweep of `inputs` coins, at most 252, to one taproot output.
fn sweep_vsize(inputs: usize) -> u64 {
    (SWEEP_BASE_WEIGHT + SWEEP_INPUT_WEIGHT * inputs as u64).div_ceil(4)
}

fn sign(
    account: &CardAccount,
    leaf_key: &LeafKey,
    coins: &[CardCoin],
    destination: &ScriptBuf,
    fee: Amount,
) -> Result<Transaction, OwnerError> {
    let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
    let mut transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: coins.iter().map(|coin| unsigned(coin.outpoint)).collect(),
        output: vec![TxOut {
            value: total.checked_sub(fee).unwrap_or_default(),
            script_pubkey: destination.clone(),
        }],
    };
    let leaf_script = account.leaf_script();
    let leaf_hash = TapLeafHash::from_script(&leaf_script, LeafVersion::TapScript);
    let spent: Vec<&TxOut> = coins.iter().map(|coin| &coin.output).collect();
    let secp = Secp256k1::verification_only();

    let mut witnesses = Vec::with_capacity(coins.len());
    let mut cache = SighashCache::new(&transaction);
    for (input, coin) in coins.iter().enumerate() {
        let control = account.control_block(coin.chain, coin.index)?;
        let sighash = cache
            .taproot_script_spend_signature_hash(
                input,
                &Prevouts::All(&spent),
                leaf_hash,
                TapSighashType::Default,
            )
            .map_err(|error| OwnerError::Key(error.to_string()))?;
        // The signature is verified by who makes it; here, that the leaf is the coin's.
        let output_key = coin
            .output
            .script_pubkey
            .as_bytes()
            .get(2..)
            .and_then(|key| bitcoin::XOnlyPublicKey::from_slice(key).ok());
        if !output_key
            .is_some_and(|key| control.verify_taproot_commitment(&secp, key, &leaf_script))
        {
            return Err(OwnerError::Key(format!(
                "the leaf isn't in the script of coin {}",
                coin.outpoint
            )));
        }
        let signature = leaf_key.sign(sighash.as_byte_array())?;
        witnesses.push(Witness::from_slice(&[
            signature.as_slice(),
            leaf_script.as_bytes(),
            &control.serialize(),
        ]));
    }
    for (input, witness) in transaction.input.iter_mut().zip(witnesses) {
        input.witness = witness;
    }
    Ok(transaction)
}

fn unsigned(outpoint: OutPoint) -> TxIn {
    TxIn {
        previous_output: outpoint,
        script_sig: ScriptBuf::new(),
        // Says by BIP125 that it may be replaced: the owner may have to raise the fee.
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    }
}
