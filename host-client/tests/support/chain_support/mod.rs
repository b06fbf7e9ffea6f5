//! A key that pays and is paid in the chain tests.

#![allow(dead_code, reason = "each test program uses its own part of this")]

use bitcoin::absolute::LockTime;
use bitcoin::key::{Keypair, Secp256k1, TapTweak, TweakedKeypair};
use bitcoin::secp256k1::Message;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Address, Amount, Network, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn,
    TxOut, Witness,
};
use tillcard::chain::{Chain, FeeRate};

/// One taproot key, spending by key path.
pub(crate) struct Payer(TweakedKeypair);

impl Payer {
    pub(crate) fn new(secret: u8) -> Self {
        let secp = Secp256k1::new();
        let key = Keypair::from_seckey_slice(&secp, &[secret; 32]).expect("a valid secret");
        Self(key.tap_tweak(&secp, None))
    }

    pub(crate) fn script(&self) -> ScriptBuf {
        self.address().script_pubkey()
    }

    pub(crate) fn address(&self) -> Address {
        Address::p2tr_tweaked(self.0.public_parts().0, Network::Regtest)
    }

    /// Spends `coins` to `outputs`; what is over is the fee.
    pub(crate) fn spend(&self, coins: &[(OutPoint, TxOut)], outputs: Vec<TxOut>) -> Transaction {
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins
                .iter()
                .map(|(outpoint, _)| TxIn {
                    previous_output: *outpoint,
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                    witness: Witness::new(),
                })
                .collect(),
            output: outputs,
        };
        let spent: Vec<&TxOut> = coins.iter().map(|(_, output)| output).collect();
        let secp = Secp256k1::new();
        let signatures: Vec<_> = (0..coins.len())
            .map(|index| {
                let hash = SighashCache::new(&transaction)
                    .taproot_key_spend_signature_hash(
                        index,
                        &Prevouts::All(&spent),
                        TapSighashType::Default,
                    )
                    .expect("an input of the transaction");
                secp.sign_schnorr(&Message::from(hash), &self.0.to_keypair())
            })
            .collect();
        for (input, signature) in transaction.input.iter_mut().zip(signatures) {
            input.witness.push(signature.as_ref());
        }
        transaction
    }

    /// Pays `amount` to `to` from one coin at `rate`, with change to itself.
    pub(crate) fn pay(
        &self,
        coin: &(OutPoint, TxOut),
        to: ScriptBuf,
        amount: u64,
        rate: FeeRate,
    ) -> Transaction {
        // One input by key path, two taproot outputs.
        let fee = rate.fee(154);
        let amount = Amount::from_sat(amount);
        let change = coin.1.value - amount - fee;
        self.spend(
            std::slice::from_ref(coin),
            vec![
                TxOut {
                    value: amount,
                    script_pubkey: to,
                },
                TxOut {
                    value: change,
                    script_pubkey: self.script(),
                },
            ],
        )
    }
}

/// The coinbase's coin of the block at `height`.
pub(crate) fn coinbase(chain: &dyn Chain, height: u32) -> (OutPoint, TxOut) {
    let hash = chain
        .block_hash(height)
        .expect("the chain answers")
        .expect("a block at that height");
    let block = chain.block(&hash).expect("the chain has its blocks");
    output(&block.txdata[0], 0)
}

/// An output of a transaction, as a coin.
pub(crate) fn output(transaction: &Transaction, vout: u32) -> (OutPoint, TxOut) {
    let outpoint = OutPoint {
        txid: transaction.compute_txid(),
        vout,
    };
    (outpoint, transaction.output[vout as usize].clone())
}

/// The same transaction with one bit of its first signature flipped.
pub(crate) fn with_flipped_signature_bit(transaction: &Transaction) -> Transaction {
    let mut forged = transaction.clone();
    let witness = &mut forged.input[0].witness;
    let mut items = witness.to_vec();
    items[0][40] ^= 0x04;
    *witness = Witness::from_slice(&items);
    forged
}
