//! The embedded regtest chain, in process.

use std::path::Path;

use crate::chain_support::{Payer, output, with_flipped_signature_bit};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use tillcard::chain::FeeRate;
use tillcard_regtest::{RegtestChain, Rejected, Unspent};

const RATE: FeeRate = FeeRate::from_sat_per_kvb(1_000);

/// A chain with one spendable coinbase of `payer`, the one at height 1.
fn mined(folder: &Path, payer: &Payer) -> RegtestChain {
    let chain = RegtestChain::open(folder).expect("a new chain");
    chain
        .mine(101, &payer.script())
        .expect("Core takes our blocks");
    chain
}

/// The coinbase at a height.
fn coinbase(chain: &RegtestChain, height: u32) -> (OutPoint, TxOut) {
    let hash = chain.block_hash(height).expect("a block");
    output(&chain.block(&hash).expect("a block").txdata[0], 0)
}

fn reason(Rejected { reason }: Rejected) -> String {
    reason
}

#[test]
fn a_payment_is_taken_confirmed_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (payer, shop) = (Payer::new(1), Payer::new(2));
    let chain = mined(folder.path(), &payer);

    let coin = coinbase(&chain, 1);
    let payment = payer.pay(&coin, shop.script(), 21_000, RATE);
    let txid = chain.broadcast(payment.clone()).expect("a valid payment");
    assert_eq!(chain.broadcast(payment.clone()).expect("sent twice"), txid);
    assert_eq!(chain.output(&coin.0), None);
    assert_eq!(chain.mempool_spender(&coin.0), Some(txid));
    let paid = output(&payment, 0);
    let expect_paid = |chain: &RegtestChain, confirmations| {
        assert_eq!(
            chain.output(&paid.0),
            Some(Unspent {
                confirmations,
                output: paid.1.clone()
            })
        );
    };
    expect_paid(&chain, 0);
    assert!(chain.mempool_entry(&txid).is_some());

    // What waits survives a restart, and so does what is mined.
    drop(chain);
    let chain = RegtestChain::open(folder.path()).expect("the chain again");
    assert_eq!(chain.tip().height, 101);
    assert_eq!(chain.mempool(), vec![txid]);
    let blocks = chain.mine(2, &payer.script()).expect("mined");
    expect_paid(&chain, 2);
    assert!(chain.mempool().is_empty());
    let confirmed = |chain: &RegtestChain| {
        let block = chain.block(&blocks[0]).expect("a block");
        let txids = block.txdata.iter().map(Transaction::compute_txid);
        chain.block_hash(102) == Some(blocks[0]) && txids.into_iter().any(|found| found == txid)
    };
    assert!(confirmed(&chain));
    drop(chain);
    let chain = RegtestChain::open(folder.path()).expect("the chain again");
    assert!(confirmed(&chain));
}

#[test]
fn a_killed_process_loses_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let payer = Payer::new(1);
    let chain = mined(folder.path(), &payer);
    let payment = payer.pay(&coinbase(&chain, 1), payer.script(), 21_000, RATE);
    let txid = chain.broadcast(payment.clone()).expect("a valid payment");

    // What a kill leaves is what the files hold now, before anything is closed.
    let image = tempfile::tempdir().expect("a temporary folder");
    copy(folder.path(), image.path());
    let copy = RegtestChain::open(image.path()).expect("the chain after the kill");
    assert_eq!(copy.tip(), chain.tip());
    assert_eq!(copy.mempool(), vec![txid]);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}

#[test]
fn core_refuses_a_block_with_a_flipped_signature_bit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let payer = Payer::new(1);
    let chain = mined(folder.path(), &payer);
    let payment = payer.pay(&coinbase(&chain, 1), payer.script(), 21_000, RATE);
    let forged = with_flipped_signature_bit(&payment);
    assert_eq!(
        forged.compute_txid(),
        payment.compute_txid(),
        "only the witness differs"
    );

    let before = chain.tip();
    let bad = chain.assemble_block(&payer.script(), vec![forged.clone()]);
    let verdict = chain.submit_block(&bad).expect_err("a forged signature");
    assert_eq!(verdict.reason, "Invalid (Consensus)");
    assert_eq!(chain.tip(), before);
    assert!(reason(chain.broadcast(forged).expect_err("forged")).contains("script-verify"));

    let good = chain.assemble_block(&payer.script(), vec![payment]);
    chain.submit_block(&good).expect("the true payment");
    assert_eq!(chain.tip().hash, good.block_hash());
    assert_eq!(
        chain.submit_block(&good).expect_err("twice").reason,
        "duplicate"
    );

    // The refused block lies in the block files too, and stays refused.
    drop(chain);
    let chain = RegtestChain::open(folder.path()).expect("the chain again");
    assert_eq!(chain.tip().hash, good.block_hash());
}

#[test]
fn the_mempool_refuses_as_core_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let payer = Payer::new(1);
    let chain = mined(folder.path(), &payer);
    let coin = coinbase(&chain, 1);
    let refused = |transaction| reason(chain.broadcast(transaction).expect_err("refused"));

    let nowhere = (
        OutPoint {
            txid: coin.0.txid,
            vout: 7,
        },
        coin.1.clone(),
    );
    assert_eq!(
        refused(payer.pay(&nowhere, payer.script(), 21_000, RATE)),
        "bad-txns-inputs-missingorspent"
    );
    assert_eq!(
        refused(payer.pay(&coinbase(&chain, 3), payer.script(), 21_000, RATE)),
        "bad-txns-premature-spend-of-coinbase"
    );
    assert_eq!(refused(payer.pay(&coin, payer.script(), 329, RATE)), "dust");
    assert_eq!(
        refused(payer.pay(&coin, payer.script(), 21_000, FeeRate::from_sat_per_kvb(90))),
        "min relay fee not met"
    );
    assert_eq!(
        refused(payer.pay(&coin, ScriptBuf::from_bytes(vec![0x51]), 21_000, RATE)),
        "scriptpubkey"
    );
    let mut greedy = payer.pay(&coin, payer.script(), 21_000, RATE);
    greedy.output[0].value = Amount::from_sat(60 * 100_000_000);
    assert_eq!(refused(greedy), "bad-txns-in-belowout");
    let mut late = payer.pay(&coin, payer.script(), 21_000, RATE);
    late.lock_time = bitcoin::absolute::LockTime::from_consensus(102);
    assert_eq!(refused(late), "non-final");
    let mut young = payer.pay(&coin, payer.script(), 21_000, RATE);
    young.input[0].sequence = bitcoin::Sequence::from_height(102);
    assert_eq!(refused(young), "non-BIP68-final");
    assert_eq!(
        refused(Payer::new(9).pay(&coin, payer.script(), 21_000, RATE)),
        "mandatory-script-verify-flag-failed (input 0 of the transaction)"
    );
}

#[test]
fn a_higher_fee_replaces_a_payment_and_its_descendants() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (payer, shop) = (Payer::new(1), Payer::new(2));
    let chain = mined(folder.path(), &payer);
    let coin = coinbase(&chain, 1);

    let first = payer.pay(&coin, shop.script(), 21_000, RATE);
    let child = shop.pay(&output(&first, 0), shop.script(), 10_000, RATE);
    chain.broadcast(first.clone()).expect("the first");
    chain.broadcast(child).expect("its child");
    let entry = chain
        .mempool_entry(&first.compute_txid())
        .expect("an entry");
    assert_eq!((entry.fee, entry.vsize), (Amount::from_sat(154), 154));
    assert_eq!(entry.descendant_fee, Amount::from_sat(308));

    // It outbids the first, but not both.
    let rate = FeeRate::from_sat_per_kvb(2_000);
    let cheap = payer.pay(&coin, payer.script(), 21_000, rate);
    assert_eq!(
        reason(chain.broadcast(cheap).expect_err("too cheap")),
        "insufficient fee"
    );
    let rate = FeeRate::from_sat_per_kvb(2_200);
    let dear = payer.pay(&coin, payer.script(), 21_000, rate);
    let txid: Txid = chain.broadcast(dear).expect("it pays enough");
    assert_eq!(chain.mempool(), vec![txid]);
    assert_eq!(chain.mempool_spender(&coin.0), Some(txid));
}

#[test]
fn a_reorganisation_gives_payments_back_to_the_mempool() {
    let (folder, other_folder) = (
        tempfile::tempdir().expect("a temporary folder"),
        tempfile::tempdir().expect("a temporary folder"),
    );
    let payer = Payer::new(1);
    let chain = mined(folder.path(), &payer);
    let other = RegtestChain::open(other_folder.path()).expect("another chain");
    for height in 1..=101 {
        let hash = chain.block_hash(height).expect("a block");
        let block = chain.block(&hash).expect("a block");
        other.submit_block(&block).expect("the same block");
    }
    let payment = payer.pay(&coinbase(&chain, 1), payer.script(), 21_000, RATE);
    let txid = chain.broadcast(payment.clone()).expect("a payment");
    chain.mine(1, &payer.script()).expect("mined");

    let longer = other.mine(2, &Payer::new(3).script()).expect("mined");
    let blocks: Vec<_> = longer
        .iter()
        .map(|hash| other.block(hash).expect("a block"))
        .collect();
    assert!(
        chain.submit_block(&blocks[0]).is_err(),
        "a branch of equal work"
    );
    chain.submit_block(&blocks[1]).expect("more work");
    assert_eq!(chain.tip().hash, longer[1]);
    assert_eq!(chain.mempool(), vec![txid]);
    assert!(chain.mempool_entry(&txid).is_some());
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let chain = RegtestChain::open(folder.path()).expect("a new chain");
    let error = RegtestChain::open(folder.path()).err().expect("in use");
    assert!(error.to_string().contains("another program"), "{error}");
    chain
        .mine(1, &Payer::new(1).script())
        .expect("the first one goes on");
}
