//! Whose coins are swept, and how they are spent.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::key::Secp256k1;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::{LeafVersion, TapLeafHash};
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, TapSighashType, Transaction, TxOut, Witness};
use tillcard_client::account::CardAccount;

use super::fees::KEY_PATH_INPUT_WEIGHT;
use crate::owner::keys::LeafKey;
use crate::owner::{CardCoin, ImportedKey, OwnerError};

/// What the owner signs with.
pub(in crate::owner) enum SweepKey<'a> {
    /// The primary's leaf key, by script path.
    Leaf(&'a LeafKey),
    /// The account key that came from the words, by key path.
    Account(&'a ImportedKey),
}

/// Whose coins are swept, and the key that does it.
pub(in crate::owner) struct Purse<'a> {
    pub(in crate::owner) account: &'a CardAccount,
    pub(in crate::owner) key: SweepKey<'a>,
}

impl Purse<'_> {
    pub(super) fn input_weight(&self) -> u64 {
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
    pub(super) fn is_ripe(&self, coin: &CardCoin, tip: u32) -> bool {
        let delay = match self.key {
            SweepKey::Leaf(_) => u32::from(self.account.leaf().delay()),
            SweepKey::Account(_) => 0,
        };
        delay == 0 || coin.height.is_some_and(|height| height + delay <= tip + 1)
    }

    /// Spends `coins` to `destination`.
    pub(super) fn spend(
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
                .map(|coin| coin.input(self.sequence()))
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
            .map_err(OwnerError::key)?;
        // The signature is verified by who makes it; here, that the leaf is the coin's.
        let secp = Secp256k1::verification_only();
        let output_key = coin
            .output
            .script_pubkey
            .as_bytes()
            .get(2..)
            .and_then(|key| bitcoin::XOnlyPublicKey::from_slice(key).ok());
        if !output_key.is_some_and(|key| control.verify_taproot_commitment(&secp, key, &script)) {
            return Err(OwnerError::key(format!(
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
            .map_err(OwnerError::key)?;
        let info = self.account.spend_info(coin.chain, coin.index)?;
        if coin.output.script_pubkey != ScriptBuf::new_p2tr_tweaked(info.output_key()) {
            return Err(OwnerError::key(format!(
                "coin {} isn't at the index where it should be",
                coin.outpoint
            )));
        }
        let signature = key.sign(coin.chain, coin.index, &info, sighash.as_byte_array())?;
        Ok(Witness::from_slice(&[signature.as_slice()]))
    }
}
