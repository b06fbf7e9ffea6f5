//! Requests, and the transactions that they become (sections 7.2 and 7.3).

use super::choice::Coin;
use super::random::Random;
use super::wallet::Wallet;
use crate::card::objects;
use bitcoin::absolute::LockTime;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::Message;
use bitcoin::secp256k1::schnorr::Signature;
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, XOnlyPublicKey,
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub amount: u64,
    pub rate: u32,
    pub payee: ScriptBuf,
    pub unrooted: bool,
    pub identity: [u8; 16],
    pub merchant: Vec<u8>,
    pub invoice: Vec<u8>,
}

impl Request {
    pub fn data(&self) -> Vec<u8> {
        objects(&[
            (0x80, &self.amount.to_be_bytes()),
            (0x81, &self.rate.to_be_bytes()),
            (0x82, self.payee.as_bytes()),
            (0x83, &[self.unrooted.into()]),
            (0x84, &self.identity),
            (0x85, &self.merchant),
            (0x86, &self.invoice),
        ])
    }
}

/// The transaction of a payment, without signatures, and what it spends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub transaction: Transaction,
    pub spent: Vec<TxOut>,
}

impl Written {
    pub fn new(
        wallet: &Wallet,
        inputs: &[Coin],
        payee: (u64, &ScriptBuf),
        change: Option<(u64, u32)>,
    ) -> Self {
        let output = |value, script_pubkey| TxOut {
            value: Amount::from_sat(value),
            script_pubkey,
        };
        let mut outputs = vec![output(payee.0, payee.1.clone())];
        if let Some((amount, index)) = change {
            outputs.push(output(amount, wallet.script((1, index))));
        }
        outputs.sort_by(|a, b| {
            let key = |output: &TxOut| (output.value, output.script_pubkey.to_bytes());
            key(a).cmp(&key(b))
        });
        let input = |coin: &Coin| TxIn {
            previous_output: coin.outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence(0xFFFF_FFFD),
            witness: Witness::new(),
        };
        Self {
            transaction: Transaction {
                version: Version::TWO,
                lock_time: LockTime::ZERO,
                input: inputs.iter().map(input).collect(),
                output: outputs,
            },
            spent: inputs
                .iter()
                .map(|coin| output(coin.amount, wallet.script(coin.place)))
                .collect(),
        }
    }

    /// Checks that bytes are this transaction with signatures.
    pub fn check_signed(&self, wallet: &Wallet, bytes: &[u8]) {
        let signed: Transaction = deserialize(bytes).unwrap();
        let mut stripped = signed.clone();
        for input in &mut stripped.input {
            input.witness.clear();
        }
        assert_eq!(stripped, self.transaction);
        for (i, input) in signed.input.iter().enumerate() {
            assert_eq!(input.witness.len(), 1);
            self.check_signature(wallet, i, &input.witness[0]);
        }
    }

    /// Checks the signature of an input, by libsecp256k1.
    pub fn check_signature(&self, wallet: &Wallet, input: usize, signature: &[u8]) {
        let sighash = SighashCache::new(&self.transaction)
            .taproot_key_spend_signature_hash(
                input,
                &Prevouts::All(&self.spent),
                TapSighashType::Default,
            )
            .unwrap();
        let script = self.spent[input].script_pubkey.as_bytes();
        let key = XOnlyPublicKey::from_slice(&script[2..]).unwrap();
        let signature = Signature::from_slice(signature).unwrap();
        wallet
            .secp
            .verify_schnorr(&signature, &Message::from(sighash), &key)
            .unwrap();
    }
}

/// An outpoint as it travels.
pub fn outpoint_bytes(outpoint: &OutPoint) -> Vec<u8> {
    [
        &outpoint.txid.to_byte_array()[..],
        &outpoint.vout.to_be_bytes(),
    ]
    .concat()
}

/// Dust threshold of a permitted script, by Bitcoin Core's rule at 3000 sat/kvB
/// as rust-bitcoin has it; `None` for other scripts.
pub fn dust(script: &ScriptBuf) -> Option<u64> {
    let permitted = script.is_p2pkh()
        || script.is_p2sh()
        || script.is_p2wpkh()
        || script.is_p2wsh()
        || (script.is_p2tr());
    permitted.then(|| script.minimal_non_dust().to_sat())
}

/// A script of each type to which a card pays.
pub fn payee(random: &mut Random) -> ScriptBuf {
    let hash = random.bytes::<32>();
    let script = match random.below(5) {
        0 => [&[0x76, 0xA9, 0x14][..], &hash[..20], &[0x88, 0xAC]].concat(),
        1 => [&[0xA9, 0x14][..], &hash[..20], &[0x87]].concat(),
        2 => [&[0x00, 0x14][..], &hash[..20]].concat(),
        3 => [&[0x00, 0x20][..], &hash].concat(),
        _ => [&[0x51, 0x20][..], &hash].concat(),
    };
    ScriptBuf::from(script)
}

/// A request as a till would make it.
pub fn request(random: &mut Random, amount: u64, rate: u32) -> Request {
    let merchant = ["", "Dairy", "M\u{fc}ller's Milch \u{725b}\u{4e73}"];
    Request {
        amount,
        rate,
        payee: payee(random),
        unrooted: false,
        identity: random.bytes(),
        merchant: random.of(&merchant).as_bytes().to_vec(),
        invoice: if random.once_in(2) {
            random.bytes::<32>().to_vec()
        } else {
            Vec::new()
        },
    }
}
