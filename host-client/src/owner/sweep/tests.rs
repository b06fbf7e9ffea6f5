//! Sizes, fees and choices of sweeps.

use bitcoin::hashes::Hash;
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::SecretKey;
use bitcoin::{BlockHash, Network, OutPoint, TxOut};
use proptest::prelude::*;
use tillcard_client::account::{CardAccount, CardChain, Leaf};

use super::*;
use crate::chain::{ChainError, MempoolEntry, OutputState, SourceProgress, Tip};
use crate::owner::LeafKey;
use crate::owner::keys::MasterKey;
use crate::owner::words::Words;

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
        reach: Reach::Complete,
        spent_places: BTreeSet::new(),
        swept_by: Vec::new(),
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
    fn source_progress(&self) -> Result<SourceProgress, ChainError> {
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
        descendants: 1,
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
