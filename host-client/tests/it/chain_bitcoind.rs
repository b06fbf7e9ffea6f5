//! `CoreRpc` against a real `bitcoind`.

use crate::chain_support::{Payer, coinbase, output, with_flipped_signature_bit};
use crate::node::Node;
use bitcoin::{Amount, Network, OutPoint};
use tillcard::chain::{
    Auth, Chain, ChainError, CoreRpc, CoreRpcConfig, FeeRate, OutputState, TransactionStatus,
};

const RATE: FeeRate = FeeRate::from_sat_per_kvb(1_000);

#[test]
fn every_question_has_its_answer() {
    let node = Node::start();
    let chain = node.rpc();
    let (payer, shop) = (Payer::new(1), Payer::new(2));
    assert_eq!(chain.network().expect("network"), Network::Regtest);
    chain
        .generate_to_address(101, &payer.address())
        .expect("blocks");
    let tip = chain.tip().expect("tip");
    assert_eq!(tip.height, 101);
    assert_eq!(chain.block_hash(101).expect("hash"), Some(tip.hash));
    assert_eq!(chain.block_hash(102).expect("hash"), None);
    assert_eq!(
        chain.block(&tip.hash).expect("block").block_hash(),
        tip.hash
    );
    let nothing = bitcoin::BlockHash::from_raw_hash(bitcoin::hashes::Hash::all_zeros());
    assert!(matches!(
        chain.block(&nothing),
        Err(ChainError::NotFound { .. })
    ));

    let coin = coinbase(&chain, 1);
    assert_eq!(
        chain.output(&coin.0).expect("output"),
        OutputState::Unspent {
            confirmations: 101,
            output: coin.1.clone()
        }
    );
    let payment = payer.pay(&coin, shop.script(), 21_000, RATE);
    let child = shop.pay(&output(&payment, 0), shop.script(), 10_000, RATE);
    let txid = payment.compute_txid();
    assert_eq!(chain.mempool_entry(&txid).expect("answer"), None);
    assert_eq!(chain.mempool_transaction(&txid).expect("answer"), None);
    assert_eq!(chain.mempool_spender(&coin.0).expect("answer"), None);
    assert_eq!(
        chain.transaction_status(&txid, 100).expect("status"),
        TransactionStatus::Unknown
    );

    assert_eq!(chain.broadcast(&payment).expect("taken"), txid);
    assert_eq!(chain.broadcast(&payment).expect("twice"), txid);
    chain.broadcast(&child).expect("its child");
    assert_eq!(chain.mempool().expect("mempool").len(), 2);
    assert_eq!(
        chain.mempool_transaction(&txid).expect("answer"),
        Some(payment.clone())
    );
    let entry = chain.mempool_entry(&txid).expect("answer").expect("entry");
    assert_eq!((entry.vsize, entry.fee), (154, Amount::from_sat(154)));
    assert_eq!(entry.descendant_fee, Amount::from_sat(308));
    assert_eq!(chain.mempool_spender(&coin.0).expect("answer"), Some(txid));
    assert_eq!(
        chain.output(&coin.0).expect("output"),
        OutputState::SpentOrUnknown
    );
    assert_eq!(
        chain.output(&output(&payment, 1).0).expect("output"),
        OutputState::Unspent {
            confirmations: 0,
            output: payment.output[1].clone()
        }
    );
    assert_eq!(
        chain.transaction_status(&txid, 100).expect("status"),
        TransactionStatus::InMempool
    );
    assert_eq!(chain.fee_rate(6).expect("rate"), FeeRate::FALLBACK);

    let blocks = chain
        .generate_to_address(1, &payer.address())
        .expect("a block");
    assert_eq!(
        chain.transaction_status(&txid, 100).expect("status"),
        TransactionStatus::Confirmed {
            height: 102,
            block: blocks[0],
            confirmations: 1
        }
    );
    assert_eq!(chain.mempool_transaction(&txid).expect("answer"), None);
}

#[test]
fn refusals_are_told_with_cores_reasons() {
    let node = Node::start();
    let chain = node.rpc();
    let payer = Payer::new(1);
    chain
        .generate_to_address(101, &payer.address())
        .expect("blocks");
    let coin = coinbase(&chain, 1);
    let reason = |transaction| match chain.broadcast(&transaction) {
        Err(ChainError::Rejected { reason }) => reason.as_given().to_owned(),
        other => panic!("expected a rejection, got {other:?}"),
    };
    let payment = payer.pay(&coin, payer.script(), 21_000, RATE);
    let forged = reason(with_flipped_signature_bit(&payment));
    assert!(forged.contains("Invalid Schnorr signature"), "{forged}");
    let nowhere = OutPoint {
        txid: coin.0.txid,
        vout: 7,
    };
    assert_eq!(
        reason(payer.pay(&(nowhere, coin.1.clone()), payer.script(), 21_000, RATE)),
        "bad-txns-inputs-missingorspent"
    );
    let dust = reason(payer.pay(&coin, payer.script(), 329, RATE));
    assert!(dust.starts_with("dust"), "{dust}");
    let cheap = FeeRate::from_sat_per_kvb(90);
    let low = reason(payer.pay(&coin, payer.script(), 21_000, cheap));
    assert!(low.starts_with("min relay fee not met"), "{low}");
}

#[test]
fn a_wrong_cookie_is_told_from_a_missing_node() {
    let node = Node::start();
    let wrong = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(wrong.path(), "__cookie__:0000").expect("a cookie");
    let chain = CoreRpc::new(CoreRpcConfig {
        auth: Auth::Cookie(wrong.path().to_path_buf()),
        ..node.config()
    });
    let error = chain.tip().expect_err("a wrong cookie");
    assert!(
        matches!(error, ChainError::Unauthorized { .. }),
        "{error:?}"
    );
    let config = CoreRpcConfig {
        auth: Auth::Cookie(wrong.path().to_path_buf()),
        ..node.config()
    };
    drop(node);
    let error = CoreRpc::new(config).tip().expect_err("nobody there");
    assert!(matches!(error, ChainError::Unavailable { .. }), "{error:?}");
}
