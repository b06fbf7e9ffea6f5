//! Blocking a lost card: its coins go to the primary wallet, the card being absent. The owner
//! spends them by script path, with the leaf key; or by key path, where the account key came from
//! his words.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::key::Secp256k1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Txid, Witness,
};

use super::OwnerError;
use super::card_account::CardAccount;
use super::card_view::{CardCoin, CardView};
use super::imported::ImportedKey;
use super::keys::LeafKey;
use crate::chain::{Chain, FeeRate};

/// Weight of an input that spends by key path: outpoint, empty script and sequence (41 bytes, four
/// units each); witness of a signature (64) with its length, and the count. 57.5 vbytes.
pub const KEY_PATH_INPUT_WEIGHT: u64 = 4 * 41 + 1 + (1 + 64);

/// Weight of an input that spends by script path through `pk(PRIMARY)`: besides the signature,
/// script (34) and control block (33), each with its length. 74.75 vbytes; a delay adds the bytes
/// of its number and one.
pub const SWEEP_INPUT_WEIGHT: u64 = KEY_PATH_INPUT_WEIGHT + (1 + 34) + (1 + 33);

/// Version, lock time and the two counts (10 bytes); marker and flag; one taproot output (43).
const SWEEP_BASE_WEIGHT: u64 = 4 * 10 + 2 + 4 * 43;

/// Inputs of one transaction: few enough to be relayed everywhere and quick to sign.
const MAX_INPUTS: usize = 100;

/// The least amount of a taproot output that nodes relay, in sat.
pub(super) const DUST: Amount = Amount::from_sat(330);

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
    /// Coins that aren't deep enough for the leaf's delay yet.
    pub too_young: Vec<CardCoin>,
}

/// What the owner signs with.
pub(super) enum SweepKey<'a> {
    /// The primary's leaf key, by script path.
    Leaf(&'a LeafKey),
    /// The account key that came from the words, by key path.
    Account(&'a ImportedKey),
}

/// Whose coins are swept, and the key that does it.
pub(super) struct Purse<'a> {
    pub(super) account: &'a CardAccount,
    pub(super) key: SweepKey<'a>,
}

/// What it takes to replace a mempool transaction.
pub(super) struct Bid {
    /// All fees that its replacement takes from the miners.
    pub(super) total: Amount,
    /// The rate to exceed, as a fraction: fee and vsize.
    pub(super) fee: Amount,
    pub(super) vsize: u64,
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
    input_weight: u64,
    bids: &mut BTreeMap<Txid, Bid>,
    fee_rate: FeeRate,
) -> Option<Amount> {
    let vsize = sweep_vsize(coins.len(), input_weight);
    let conflicts: BTreeSet<Txid> = coins.iter().filter_map(|coin| coin.spent_by).collect();
    let replaced: Vec<&Bid> = conflicts.iter().filter_map(|txid| bids.get(txid)).collect();
    let fee = outbidding_fee(fee_rate, vsize, &replaced)?;
    let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
    let rest = total.checked_sub(fee)?;
    if rest < DUST || fee > FeeRate::CAP.fee(vsize) {
        return None;
    }
    bids.retain(|txid, _| !conflicts.contains(txid));
    Some(fee)
}

/// The fee of a transaction of `vsize` vbytes that replaces others: at least at the rate given, and
/// more than theirs (BIP125, rules 3 and 4, and Bitcoin Core's comparison of rates).
pub(super) fn outbidding_fee(rate: FeeRate, vsize: u64, replaced: &[&Bid]) -> Option<Amount> {
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
pub(super) fn input_fee(rate: FeeRate, weight: u64) -> Amount {
    let fee = (weight * u64::from(rate.to_sat_per_kvb())).div_ceil(4 * 1000);
    Amount::from_sat(fee)
}

/// Virtual size of a sweep of `inputs` coins, at most 252, to one taproot output.
pub(super) fn sweep_vsize(inputs: usize, input_weight: u64) -> u64 {
    (SWEEP_BASE_WEIGHT + input_weight * inputs as u64).div_ceil(4)
}

impl Purse<'_> {
    fn input_weight(&self) -> u64 {
        match (&self.key, self.account.leaf().script()) {
            (SweepKey::Leaf(_), Some(script)) => {
                KEY_PATH_INPUT_WEIGHT + (1 + script.len() as u64) + (1 + 33)
            }
            _ => KEY_PATH_INPUT_WEIGHT,
        }
    }

    fn sequence(&self) -> Sequence {
        match self.key {
            SweepKey::Leaf(_) => self.account.leaf().sequence(),
            SweepKey::Account(_) => Sequence::ENABLE_RBF_NO_LOCKTIME,
        }
    }

    /// Whether the next block takes a sweep of this coin (BIP68).
    fn is_ripe(&self, coin: &CardCoin, tip: u32) -> bool {
        let delay = match self.key {
            SweepKey::Leaf(_) => u32::from(self.account.leaf().delay()),
            SweepKey::Account(_) => 0,
        };
        delay == 0 || coin.height.is_some_and(|height| height + delay <= tip + 1)
    }

    /// Spends `coins` to `destination`.
    fn spend(
        &self,
        coins: &[CardCoin],
        destination: &ScriptBuf,
        fee: Amount,
    ) -> Result<Transaction, OwnerError> {
        let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins
                .iter()
                .map(|coin| TxIn {
                    previous_output: coin.outpoint,
                    script_sig: ScriptBuf::new(),
                    sequence: self.sequence(),
                    witness: Witness::new(),
                })
                .collect(),
            output: vec![TxOut {
                value: total.checked_sub(fee).unwrap_or_default(),
                script_pubkey: destination.clone(),
            }],
        };
        let spent: Vec<&TxOut> = coins.iter().map(|coin| &coin.output).collect();
        let prevouts = Prevouts::All(&spent);
        let mut cache = SighashCache::new(&transaction);
        let mut witnesses = Vec::with_capacity(coins.len());
        for (input, coin) in coins.iter().enumerate() {
            witnesses.push(match self.key {
                SweepKey::Leaf(key) => self.by_script_path(key, &mut cache, input, &prevouts, coin),
                SweepKey::Account(key) => self.by_key_path(key, &mut cache, input, &prevouts, coin),
            }?);
        }
        for (input, witness) in transaction.input.iter_mut().zip(witnesses) {
            input.witness = witness;
        }
        Ok(transaction)
    }

    fn by_script_path(
        &self,
        key: &LeafKey,
        cache: &mut SighashCache<&Transaction>,
        input: usize,
        prevouts: &Prevouts<'_, &TxOut>,
        coin: &CardCoin,
    ) -> Result<Witness, OwnerError> {
        let script = self.account.leaf().script().unwrap_or_default();
        let control = self.account.control_block(coin.chain, coin.index)?;
        let leaf_hash = TapLeafHash::from_script(&script, LeafVersion::TapScript);
        let sighash = cache
            .taproot_script_spend_signature_hash(
                input,
                prevouts,
                leaf_hash,
                TapSighashType::Default,
            )
            .map_err(|error| OwnerError::Key(error.to_string()))?;
        // The signature is verified by who makes it; here, that the leaf is the coin's.
        let secp = Secp256k1::verification_only();
        let output_key = coin
            .output
            .script_pubkey
            .as_bytes()
            .get(2..)
            .and_then(|key| bitcoin::XOnlyPublicKey::from_slice(key).ok());
        if !output_key.is_some_and(|key| control.verify_taproot_commitment(&secp, key, &script)) {
            return Err(OwnerError::Key(format!(
                "the leaf isn't in the script of coin {}",
                coin.outpoint
            )));
        }
        let signature = key.sign(sighash.as_byte_array())?;
        Ok(Witness::from_slice(&[
            signature.as_slice(),
            script.as_bytes(),
            &control.serialize(),
        ]))
    }

    fn by_key_path(
        &self,
        key: &ImportedKey,
        cache: &mut SighashCache<&Transaction>,
        input: usize,
        prevouts: &Prevouts<'_, &TxOut>,
        coin: &CardCoin,
    ) -> Result<Witness, OwnerError> {
        let sighash = cache
            .taproot_key_spend_signature_hash(input, prevouts, TapSighashType::Default)
            .map_err(|error| OwnerError::Key(error.to_string()))?;
        let info = self.account.spend_info(coin.chain, coin.index)?;
        if coin.output.script_pubkey != ScriptBuf::new_p2tr_tweaked(info.output_key()) {
            return Err(OwnerError::Key(format!(
                "coin {} isn't at the index where it should be",
                coin.outpoint
            )));
        }
        let signature = key.sign(coin.chain, coin.index, &info, sighash.as_byte_array())?;
        Ok(Witness::from_slice(&[signature.as_slice()]))
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::secp256k1::SecretKey;
    use bitcoin::{BlockHash, Network, OutPoint};
    use proptest::prelude::*;

    use super::super::Leaf;
    use super::super::card_account::CardChain;
    use super::super::keys::MasterKey;
    use super::super::words::Words;
    use super::*;
    use crate::chain::{ChainError, MempoolEntry, OutputState, Tip};

    const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon \
                           abandon abandon abandon about";

    fn account_and_key() -> (CardAccount, LeafKey) {
        let words = Words::parse(ABANDON).unwrap();
        let master = MasterKey::new(&words, Network::Regtest).unwrap();
        let leaf_key = master.leaf_key(0).unwrap();
        let card = SecretKey::from_slice(&[7; 32]).unwrap();
        let card = card.public_key(&Secp256k1::new());
        let leaf = Leaf::with_delay(leaf_key.public(), 0);
        let account = CardAccount::new(Network::Regtest, card, [8; 32], leaf);
        (account, leaf_key)
    }

    fn coin(account: &CardAccount, number: u32, amount: u64) -> CardCoin {
        let chain = CardChain::ALL[number as usize % 2];
        CardCoin {
            outpoint: OutPoint {
                txid: Txid::from_byte_array([3; 32]),
                vout: number,
            },
            output: TxOut {
                value: Amount::from_sat(amount),
                script_pubkey: account.script(chain, number).unwrap(),
            },
            chain,
            index: number,
            height: Some(1),
            spent_by: None,
        }
    }

    fn view(coins: Vec<CardCoin>) -> CardView {
        CardView {
            tip: Tip {
                height: 1,
                hash: BlockHash::all_zeros(),
            },
            coins,
            next_receive_index: 0,
            next_change_index: 0,
        }
    }

    /// A mempool that holds one transaction.
    struct OneWaiting(MempoolEntry);

    impl Chain for OneWaiting {
        fn mempool_entry(&self, _: &Txid) -> Result<Option<MempoolEntry>, ChainError> {
            Ok(Some(self.0))
        }
        fn network(&self) -> Result<Network, ChainError> {
            unreachable!()
        }
        fn tip(&self) -> Result<Tip, ChainError> {
            unreachable!()
        }
        fn block_hash(&self, _: u32) -> Result<Option<BlockHash>, ChainError> {
            unreachable!()
        }
        fn block(&self, _: &BlockHash) -> Result<bitcoin::Block, ChainError> {
            unreachable!()
        }
        fn broadcast(&self, _: &Transaction) -> Result<Txid, ChainError> {
            unreachable!()
        }
        fn output(&self, _: &OutPoint) -> Result<OutputState, ChainError> {
            unreachable!()
        }
        fn mempool(&self) -> Result<Vec<Txid>, ChainError> {
            unreachable!()
        }
        fn mempool_transaction(&self, _: &Txid) -> Result<Option<Transaction>, ChainError> {
            unreachable!()
        }
        fn mempool_spender(&self, _: &OutPoint) -> Result<Option<Txid>, ChainError> {
            unreachable!()
        }
        fn estimate_fee_rate(&self, _: u16) -> Result<FeeRate, ChainError> {
            unreachable!()
        }
    }

    fn waiting(vsize: u64, fee: u64, descendant_fee: u64) -> OneWaiting {
        OneWaiting(MempoolEntry {
            vsize,
            fee: Amount::from_sat(fee),
            descendant_fee: Amount::from_sat(descendant_fee),
        })
    }

    fn sweep(coins: Vec<CardCoin>, chain: &dyn Chain, options: SweepOptions) -> Sweep {
        let (account, leaf_key) = account_and_key();
        let purse = Purse {
            account: &account,
            key: SweepKey::Leaf(&leaf_key),
        };
        let destination = account.script(CardChain::Receive, 99).unwrap();
        Sweep::build(&purse, &view(coins), chain, &destination, &[], options).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Every coin is either swept once or left behind; each transaction has the reckoned size,
        /// pays the rate and leaves more than dust.
        #[test]
        fn size_and_fee_are_as_reckoned(
            amounts in prop::collection::vec(330u64..200_000, 1..24),
            rate in 100u32..=500_000,
        ) {
            let (account, _) = account_and_key();
            let coins: Vec<_> = (0..)
                .zip(&amounts)
                .map(|(number, amount)| coin(&account, number, *amount))
                .collect();
            let fee_rate = FeeRate::from_sat_per_kvb(rate);
            let options = SweepOptions { fee_rate, replace_unconfirmed: false };
            let sweep = sweep(coins, &waiting(1, 1, 1), options);

            let mut seen: Vec<u32> = sweep.left_behind.iter().map(|c| c.outpoint.vout).collect();
            for transaction in &sweep.transactions {
                let places = transaction.input.iter().map(|input| input.previous_output.vout);
                let paid_in: u64 = places.clone().map(|place| amounts[place as usize]).sum();
                seen.extend(places);
                let vsize = transaction.vsize() as u64;
                prop_assert_eq!(vsize, sweep_vsize(transaction.input.len(), SWEEP_INPUT_WEIGHT));
                prop_assert_eq!(transaction.output.len(), 1);
                let paid_out = transaction.output[0].value;
                prop_assert!(paid_out >= DUST);
                prop_assert_eq!(Amount::from_sat(paid_in) - paid_out, fee_rate.fee(vsize));
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..amounts.len() as u32).collect::<Vec<_>>());
            for coin in &sweep.left_behind {
                let alone = coin.output.value.checked_sub(fee_rate.fee(sweep_vsize(1, SWEEP_INPUT_WEIGHT)));
                // Alone it would leave no more than dust, whatever it might add to others.
                prop_assert!(alone.is_none_or(|rest| rest < DUST));
            }
        }
    }

    #[test]
    fn a_replacement_outbids_fees_and_rate() {
        let (account, _) = account_and_key();
        let options = SweepOptions {
            fee_rate: FeeRate::from_sat_per_kvb(1_000),
            replace_unconfirmed: true,
        };
        let vsize = sweep_vsize(1, SWEEP_INPUT_WEIGHT);
        let fee_against = |chain: OneWaiting| {
            let mut taken = coin(&account, 0, 100_000);
            taken.spent_by = Some(Txid::from_byte_array([4; 32]));
            let sweep = sweep(vec![taken], &chain, options);
            let transaction = sweep.transactions.first()?;
            Some(100_000 - transaction.output[0].value.to_sat())
        };
        // A small, dear one: its rate decides. A large one: its fees do.
        let rate = fee_against(waiting(50, 5_000, 5_000)).unwrap();
        assert!(rate * 50 > 5_000 * vsize, "{rate}");
        assert_eq!(
            fee_against(waiting(10_000, 20_000, 30_000)),
            Some(30_000 + vsize)
        );
        // More than the coin is worth.
        assert_eq!(fee_against(waiting(10_000, 20_000, 99_600)), None);
        // More than this program ever pays.
        assert_eq!(fee_against(waiting(100, 60_000, 60_000)), None);
    }

    #[test]
    fn payments_are_left_alone_unless_told() {
        let (account, _) = account_and_key();
        let mut spent = coin(&account, 0, 100_000);
        let spender = Txid::from_byte_array([4; 32]);
        spent.spent_by = Some(spender);
        let mut change = coin(&account, 1, 50_000);
        change.outpoint = OutPoint {
            txid: spender,
            vout: 0,
        };
        change.height = None;
        let swept = |replace_unconfirmed| {
            let options = SweepOptions {
                fee_rate: FeeRate::from_sat_per_kvb(1_000),
                replace_unconfirmed,
            };
            let coins = vec![spent.clone(), change.clone()];
            let sweep = sweep(coins, &waiting(154, 154, 154), options);
            assert_eq!(sweep.transactions.len(), 1);
            let inputs = &sweep.transactions[0].input;
            inputs
                .iter()
                .map(|input| input.previous_output)
                .collect::<Vec<_>>()
        };
        assert_eq!(swept(false), [change.outpoint]);
        assert_eq!(swept(true), [spent.outpoint]);
    }
}
