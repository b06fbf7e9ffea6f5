//! What a key path signature signs (BIP341): SIGHASH_DEFAULT, no annex.

use sha2::{Digest, Sha256};
use tillcard_protocol::command::{Outpoint, TaprootScript};
use tillcard_protocol::hash::{self, Hash};

/// What the hashed message begins with: epoch 0, hash type SIGHASH_DEFAULT.
const PREFIX: [u8; 2] = [0x00, 0x00];
/// Key path, no annex.
const SPEND_TYPE: [u8; 1] = [0x00];

/// Hashes over a transaction's inputs, one after another.
#[derive(Default)]
pub struct InputHasher {
    prevouts: Sha256,
    amounts: Sha256,
    scripts: Sha256,
    sequences: Sha256,
}

impl InputHasher {
    /// Takes the next input into account: the coin that it spends, of `amount`
    /// sat, and its sequence.
    pub fn add(&mut self, outpoint: &Outpoint, amount: u64, script: &TaprootScript, sequence: u32) {
        self.prevouts.update(outpoint.txid);
        self.prevouts.update(outpoint.vout.to_le_bytes());
        self.amounts.update(amount.to_le_bytes());
        self.scripts.update([script.len() as u8]);
        self.scripts.update(script);
        self.sequences.update(sequence.to_le_bytes());
    }

    /// The hashes, when all inputs have been added.
    pub fn finish(self) -> InputHashes {
        InputHashes([
            hash::finish(self.prevouts),
            hash::finish(self.amounts),
            hash::finish(self.scripts),
            hash::finish(self.sequences),
        ])
    }
}

/// Hashes over all inputs: outpoints, amounts, scripts, sequences.
pub struct InputHashes([Hash; 4]);

/// What the sighashes of all inputs begin with.
pub struct Sighashes(Sha256);

impl Sighashes {
    /// Of a transaction; `outputs` is the SHA-256 of its outputs, serialised.
    pub fn new(version: u32, lock_time: u32, inputs: &InputHashes, outputs: &Hash) -> Self {
        let mut hash = hash::tagged("TapSighash")
            .chain_update(PREFIX)
            .chain_update(version.to_le_bytes())
            .chain_update(lock_time.to_le_bytes());
        for input in &inputs.0 {
            hash.update(input);
        }
        Self(hash.chain_update(outputs).chain_update(SPEND_TYPE))
    }

    /// Of one input, counted from 0.
    pub fn of_input(&self, index: u32) -> Hash {
        hash::finish(self.0.clone().chain_update(index.to_le_bytes()))
    }
}
