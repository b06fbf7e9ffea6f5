//! An order, and what two cards make of it.

use std::sync::LazyLock;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::secp256k1::Message;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Txid,
    WPubkeyHash, Witness,
};

use tillcard_client::FeeRate;
use tillcard_client::card::{PaymentOrder, Preview};

/// What a card would pay, and the payment.
#[derive(Clone)]
pub(super) struct Paper {
    pub(super) preview: Preview,
    pub(super) coin: TxOut,
    pub(super) payment: Transaction,
}

/// An order, the payments of two cards for it, and one for another order.
pub(super) struct Papers {
    pub(super) order: PaymentOrder,
    pub(super) of: [Paper; 2],
    pub(super) foreign: Transaction,
}

impl Papers {
    fn new() -> Self {
        let order = order([0; 20]);
        let of = [1, 2].map(|secret| paper(&order, secret));
        let foreign = paper(&self::order([1; 20]), 1).payment;
        Self { order, of, foreign }
    }
}

/// The same amount, to one address or another.
fn order(payee: [u8; 20]) -> PaymentOrder {
    let payee = ScriptBuf::new_p2wpkh(&WPubkeyHash::from_byte_array(payee));
    let rate = FeeRate::from_sat_per_kvb(2_000);
    PaymentOrder::new(Amount::from_sat(21_000), rate, payee).unwrap()
}

/// The same in every story.
pub(super) static PAPERS: LazyLock<Papers> = LazyLock::new(Papers::new);

/// One coin by key path, without change.
fn paper(order: &PaymentOrder, secret: u8) -> Paper {
    let secp = Secp256k1::new();
    let key = Keypair::from_seckey_slice(&secp, &[secret; 32]).unwrap();
    let key = key.tap_tweak(&secp, None);
    let fee = Amount::from_sat(300);
    let coin = TxOut {
        value: order.amount + fee,
        script_pubkey: ScriptBuf::new_p2tr_tweaked(key.public_parts().0),
    };
    let outpoint = OutPoint::new(Txid::from_byte_array([secret; 32]), 0);
    let mut payment = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: order.amount,
            script_pubkey: order.payee.clone(),
        }],
    };
    let hash = SighashCache::new(&payment)
        .taproot_key_spend_signature_hash(
            0,
            &Prevouts::All(std::slice::from_ref(&coin)),
            TapSighashType::Default,
        )
        .unwrap();
    let signature = secp.sign_schnorr(&Message::from(hash), &key.to_keypair());
    payment.input[0].witness.push(signature.as_ref());
    Paper {
        preview: Preview {
            amount: order.amount,
            fee,
            change: Amount::ZERO,
            outpoints: vec![outpoint],
        },
        coin,
        payment,
    }
}
