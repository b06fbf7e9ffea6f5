//! What a test can have the node do: switches, reorganisations, evictions.

use std::time::Duration;

use crate::chain_support::{coinbase, output};
use crate::served::{RATE, Served, config, raw, served};
use bitcoin::{Amount, OutPoint, TxOut};
use serde_json::{Value, json};
use tillcard::chain::{
    Chain, ChainError, CoreRpc, CoreRpcConfig, FeeRate, OutputState, TransactionStatus,
};

/// Asks the node for what no client of Core asks; its result.
fn ask(served: &Served, method: &str, params: &Value) -> Value {
    let answer = answer(served, method, params);
    assert!(answer.get("error").is_none(), "{method}: {answer}");
    answer["result"].clone()
}

fn answer(served: &Served, method: &str, params: &Value) -> Value {
    let call = json!({ "id": 1, "method": method, "params": params });
    raw(&served.server, &call.to_string())
}

fn switch(served: &Served, switches: Value) {
    ask(served, "setswitches", &json!([switches]));
}

/// Sends a payment of 21,000 sat from the coin at height 1.
fn sent(served: &Served) -> bitcoin::Transaction {
    let coin = coinbase(&served.rpc, 1);
    let payment = (served.payer).pay(&coin, served.payer.script(), 21_000, RATE);
    served.rpc.broadcast(&payment).expect("a payment");
    payment
}

fn status(served: &Served, payment: &bitcoin::Transaction) -> TransactionStatus {
    let txid = payment.compute_txid();
    (served.rpc)
        .transaction_status(&txid, 101)
        .expect("an answer")
}

#[test]
fn blocks_leave_the_chain_and_their_payments_wait_again() {
    for depth in 1..=6 {
        let served = served();
        let payment = sent(&served);
        let address = served.payer.address();
        let mined = served.rpc.generate_to_address(depth, &address);
        let mined = mined.expect("blocks");
        let left = ask(&served, "reorganise", &json!([depth]));
        assert_eq!(left, json!({ "left": mined }));
        let tip = served.rpc.tip().expect("a tip");
        assert_eq!(tip.height, 101 + depth + 1, "one block more than before");
        assert_eq!(status(&served, &payment), TransactionStatus::InMempool);
        served.rpc.generate_to_address(1, &address).expect("blocks");
        let TransactionStatus::Confirmed { height, .. } = status(&served, &payment) else {
            panic!("it is mined again");
        };
        assert_eq!(height, tip.height + 1);
    }
    let served = served();
    let deep = answer(&served, "reorganise", &json!([102]));
    assert_eq!(deep["error"]["code"], -1);
    assert!(deep.to_string().contains("101 above the first"), "{deep}");
}

#[test]
fn a_double_spend_takes_the_place_of_what_left() {
    let served = served();
    let payment = sent(&served);
    let address = served.payer.address();
    served.rpc.generate_to_address(1, &address).expect("blocks");
    ask(&served, "reorganise", &json!([1]));
    let txid = payment.compute_txid();
    let evicted = ask(&served, "evict", &json!([txid]));
    assert_eq!(evicted, json!({ "evicted": [txid] }));

    let coin = coinbase(&served.rpc, 1);
    let other = (served.payer).pay(&coin, served.payer.script(), 30_000, RATE);
    let raw = bitcoin::consensus::encode::serialize_hex(&other);
    ask(
        &served,
        "generateblock",
        &json!([address.to_string(), [raw]]),
    );
    let TransactionStatus::Confirmed { .. } = status(&served, &other) else {
        panic!("the other one is in a block");
    };
    let refused = served.rpc.broadcast(&payment).expect_err("a double spend");
    let ChainError::Rejected { reason } = refused else {
        panic!("{refused}");
    };
    assert!(reason.to_string().contains("missingorspent"), "{reason}");
}

#[test]
fn the_mempool_forgets_a_payment_and_all_that_hangs_on_it() {
    let served = served();
    let payment = sent(&served);
    let change = output(&payment, 1);
    let child = (served.payer).pay(&change, served.payer.script(), 1_000, RATE);
    served.rpc.broadcast(&child).expect("a child");
    ask(&served, "evict", &json!([payment.compute_txid()]));
    assert_eq!(served.rpc.mempool().expect("an answer"), []);
    served.rpc.broadcast(&payment).expect("sent again");
    served.rpc.broadcast(&child).expect("its child too");
}

#[test]
fn a_refusal_is_answered_and_may_be_a_lie() {
    let served = served();
    let coin = coinbase(&served.rpc, 1);
    let payment = (served.payer).pay(&coin, served.payer.script(), 21_000, RATE);
    for taken in [false, true] {
        let refusal = json!({ "code": -26, "message": "mempool full", "taken": taken });
        switch(&served, json!({ "refuse": refusal }));
        let refused = served.rpc.broadcast(&payment).expect_err("refused");
        let ChainError::Rejected { reason } = refused else {
            panic!("{refused}");
        };
        assert!(reason.to_string().contains("mempool full"), "{reason}");
        let waiting = served.rpc.mempool().expect("an answer");
        assert_eq!(waiting.len(), usize::from(taken));
    }
    switch(&served, json!({}));
    served.rpc.broadcast(&payment).expect("taken");
}

#[test]
fn a_node_that_is_behind_starting_or_silent_is_that_to_its_client() {
    let served = served();
    switch(&served, json!({ "behind": 3 }));
    let progress = served.rpc.source_progress().expect("an answer");
    assert_eq!((progress.blocks, progress.headers), (101, 104));
    assert!(progress.is_loading);
    let behind = served.rpc.expect_complete().expect_err("behind");
    assert!(matches!(behind, ChainError::Behind(_)), "{behind}");

    switch(&served, json!({ "starting": true }));
    let starting = served.rpc.tip().expect_err("starting");
    assert!(
        matches!(starting, ChainError::WarmingUp { .. }),
        "{starting}"
    );

    switch(&served, json!({ "silent": true }));
    let hasty = CoreRpc::new(CoreRpcConfig {
        timeout: Duration::from_millis(200),
        ..config(&served.server)
    });
    let silent = hasty.tip().expect_err("silent");
    assert!(matches!(silent, ChainError::Unavailable { .. }), "{silent}");
    let on = json!({ "refuse": null, "behind": 0, "starting": false, "silent": true,
        "mempool": { "fee_rate": 100, "chain_limit": 25 } });
    assert_eq!(ask(&served, "getswitches", &json!([])), on);

    switch(&served, json!({}));
    served.rpc.expect_complete().expect("all is well");
    assert_eq!(hasty.tip().expect("a tip").height, 101);
}

#[test]
fn the_mempool_takes_what_its_policy_allows() {
    let served = served();
    let policy = json!({ "fee_rate": 2_000 });
    switch(&served, json!({ "mempool": policy }));
    let least = served.rpc.least_fee_rate().expect("an answer");
    assert_eq!(least, FeeRate::from_sat_per_kvb(2_000));
    let coin = coinbase(&served.rpc, 1);
    let cheap = (served.payer).pay(&coin, served.payer.script(), 21_000, RATE);
    let refused = served.rpc.broadcast(&cheap).expect_err("too cheap");
    assert!(refused.to_string().contains("min relay fee"), "{refused}");

    switch(&served, json!({ "mempool": { "chain_limit": 3 } }));
    let mut payment = cheap;
    for _ in 0..3 {
        served.rpc.broadcast(&payment).expect("within the limit");
        let change = output(&payment, 1);
        payment = (served.payer).pay(&change, served.payer.script(), 1_000, RATE);
    }
    let refused = served.rpc.broadcast(&payment).expect_err("the fourth");
    let told = refused.to_string();
    assert!(
        told.contains("too many unconfirmed ancestors [limit: 3]"),
        "{told}"
    );
}

#[test]
fn one_ancestor_has_no_more_descendants_than_the_policy_allows() {
    let served = served();
    switch(&served, json!({ "mempool": { "chain_limit": 3 } }));
    let coin = coinbase(&served.rpc, 1);
    let part = TxOut {
        value: Amount::from_sat(100_000),
        script_pubkey: served.payer.script(),
    };
    let parent = (served.payer).spend(&[coin], vec![part; 3]);
    let children = (0..3).map(|vout| {
        let coin = output(&parent, vout);
        (served.payer).pay(&coin, served.payer.script(), 1_000, RATE)
    });
    let children: Vec<_> = children.collect();
    served.rpc.broadcast(&parent).expect("the parent");
    served.rpc.broadcast(&children[0]).expect("a child");
    served.rpc.broadcast(&children[1]).expect("a second one");
    let refused = served.rpc.broadcast(&children[2]).expect_err("a third one");
    assert!(
        refused.to_string().contains("too many descendants"),
        "{refused}"
    );
    // A replacement takes the place of what it replaces.
    let rate = FeeRate::from_sat_per_kvb(5_000);
    let dearer = (served.payer).pay(&output(&parent, 0), served.payer.script(), 1_000, rate);
    served.rpc.broadcast(&dearer).expect("a replacement");
}

#[test]
fn what_is_no_switch_is_refused_and_changes_nothing() {
    let served = served();
    switch(&served, json!({ "behind": 2 }));
    for wrong in [
        json!([{ "behined": 3 }]),
        json!([{ "refuse": { "code": -26 } }]),
        json!([]),
        json!([{}, {}]),
        json!(["behind"]),
    ] {
        let answer = answer(&served, "setswitches", &wrong);
        assert_eq!(answer["error"]["code"], -8, "{answer}");
    }
    assert_eq!(ask(&served, "getswitches", &json!([]))["behind"], 2);
    let coin = OutPoint::null();
    let unknown = served.rpc.output(&coin).expect("an answer");
    assert!(matches!(unknown, OutputState::SpentOrUnknown));
}
