//! The model's chain takes what a node takes, and nothing else.

use bitcoin::absolute::LockTime;
use bitcoin::key::{Keypair, Secp256k1, TapTweak, TweakedKeypair};
use bitcoin::secp256k1::Message;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Witness,
};
use tillcard::chain::FeeRate;
use tillcard_money::chain::Ledger;

fn key() -> TweakedKeypair {
    let secp = Secp256k1::new();
    let key = Keypair::from_seckey_slice(&secp, &[7; 32]).unwrap();
    key.tap_tweak(&secp, None)
}

fn script() -> ScriptBuf {
    ScriptBuf::new_p2tr_tweaked(key().public_parts().0)
}

/// A ledger with a coin of 10,000 sat, and a transaction that spends it and leaves so much.
fn spending(rest: u64) -> (Ledger, Transaction) {
    let mut ledger = Ledger::new();
    let coin = TxOut {
        value: Amount::from_sat(10_000),
        script_pubkey: script(),
    };
    let granted = ledger.grant(vec![coin.clone()]);
    let mut transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::new(granted.compute_txid(), 0),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: Amount::from_sat(rest),
            script_pubkey: script(),
        }],
    };
    let hash = SighashCache::new(&transaction)
        .taproot_key_spend_signature_hash(0, &Prevouts::All(&[coin]), TapSighashType::Default)
        .unwrap();
    let signature = Secp256k1::new().sign_schnorr(&Message::from(hash), &key().to_keypair());
    transaction.input[0].witness = Witness::from_slice(&[signature.as_ref()]);
    (ledger, transaction)
}

#[test]
fn a_transaction_is_taken_with_its_signature_only() {
    let (mut ledger, transaction) = spending(9_000);
    let mut forged = transaction.clone();
    let mut signature = forged.input[0].witness[0].to_vec();
    signature[40] ^= 1;
    forged.input[0].witness = Witness::from_slice(&[signature]);
    assert!(ledger.accept(&forged, FeeRate::FLOOR).is_err());
    assert_eq!(ledger.accept(&transaction, FeeRate::FLOOR), Ok(()));
    assert_eq!(ledger.mempool().len(), 1);
}

#[test]
fn values_fees_and_coins_are_looked_at() {
    let (mut ledger, transaction) = spending(10_001);
    assert!(
        ledger.accept(&transaction, FeeRate::FLOOR).is_err(),
        "more out than in"
    );
    let (mut ledger, transaction) = spending(9_990);
    let dear = FeeRate::from_sat_per_kvb(1_000);
    assert_eq!(
        ledger.accept(&transaction, dear),
        Err("mempool min fee not met".into())
    );
    let (_, transaction) = spending(9_000);
    assert!(
        Ledger::new().accept(&transaction, FeeRate::FLOOR).is_err(),
        "no such coin"
    );
}

#[test]
fn a_coin_is_spent_once_and_a_higher_fee_takes_it() {
    let (mut ledger, transaction) = spending(9_000);
    let (_, higher) = spending(8_000);
    assert_eq!(ledger.accept(&transaction, FeeRate::FLOOR), Ok(()));
    assert_eq!(ledger.accept(&higher, FeeRate::FLOOR), Ok(()));
    assert!(ledger.accept(&transaction, FeeRate::FLOOR).is_err());
    ledger.mine();
    assert!(ledger.accept(&transaction, FeeRate::FLOOR).is_err());
    assert_eq!(ledger.mempool().len(), 0);
}

#[test]
fn what_a_reorganisation_takes_away_waits_again() {
    let (mut ledger, transaction) = spending(9_000);
    ledger.accept(&transaction, FeeRate::FLOOR).unwrap();
    ledger.mine();
    let outpoint = OutPoint::new(transaction.compute_txid(), 0);
    assert!(ledger.coin(&outpoint).is_some());
    let height = ledger.height();
    ledger.reorganise(1, 0);
    assert_eq!(ledger.height(), height + 1);
    assert!(ledger.coin(&outpoint).is_none() && ledger.mempool().len() == 1);
    ledger.send_all();
    assert!(ledger.coin(&outpoint).is_some());
}
