//! Taking a card's coins back without the card, by the leaf of its scripts (BIP341, BIP342).

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::secp256k1::Message;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::LeafVersion;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, ScriptBuf, Sequence, TapLeafHash, TapSighashType, Transaction, TxIn, TxOut, Witness,
};

use crate::{Coin, Owner, OwnerError, SHOP_SCRIPT};

/// What the owner pays for an input's space in a block, in sat: 2 sat/vB for at most 110 vB.
const FEE_OF_INPUT: u64 = 220;

impl Owner {
    /// A transaction that spends these coins of the card's by the owner's leaf: what he sends when the
    /// card is lost.
    ///
    /// # Errors
    /// [`OwnerError::Chain`] when the coins aren't worth the fee.
    pub fn sweep(&self, coins: &[Coin]) -> Result<Transaction, OwnerError> {
        let spent: Vec<TxOut> = coins.iter().map(Coin::output).collect();
        let value: Amount = spent.iter().map(|output| output.value).sum();
        let fee = Amount::from_sat(FEE_OF_INPUT * (coins.len() as u64 + 1));
        let value = value.checked_sub(fee);
        let value =
            value.ok_or_else(|| OwnerError::Chain("the coins aren't worth a fee".into()))?;
        let mut transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins
                .iter()
                .map(|coin| TxIn {
                    previous_output: coin.outpoint(),
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::MAX,
                    witness: Witness::new(),
                })
                .collect(),
            output: vec![TxOut {
                value,
                script_pubkey: ScriptBuf::from_bytes(SHOP_SCRIPT.to_vec()),
            }],
        };
        let unsigned = transaction.clone();
        let mut cache = SighashCache::new(&unsigned);
        let script = self.account.leaf_script();
        let leaf = TapLeafHash::from_script(&script, LeafVersion::TapScript);
        for (at, coin) in coins.iter().enumerate() {
            let prevouts = Prevouts::All(&spent);
            let hash = cache
                .taproot_script_spend_signature_hash(at, &prevouts, leaf, TapSighashType::Default)
                .map_err(|error| OwnerError::Chain(error.to_string()))?;
            let message = Message::from_digest(hash.to_byte_array());
            let signature = self.secp.sign_schnorr_no_aux_rand(&message, &self.primary);
            let control = self.account.control_block(coin.index);
            let witness = &mut transaction.input[at].witness;
            witness.push(signature.serialize());
            witness.push(&script);
            witness.push(control.serialize());
        }
        Ok(transaction)
    }
}
