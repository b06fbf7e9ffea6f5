//! What a key path signature signs (BIP341): SIGHASH_DEFAULT, no annex.

use crate::hash::{self, Hash};
use sha2::{Digest, Sha256};

/// Epoch, hash type.
const PREFIX: [u8; 2] = [0x00, 0x00];
/// Key path, no annex.
const SPEND_TYPE: [u8; 1] = [0x00];

/// A transaction's parts, each of the lists hashed once with SHA-256.
pub struct SighashParts {
    /// The transaction's version.
    pub version: u32,
    /// Its lock time.
    pub lock_time: u32,
    /// Outpoints.
    pub prevouts: Hash,
    /// Amounts of the coins spent.
    pub amounts: Hash,
    /// Scripts of the coins spent.
    pub scripts: Hash,
    /// Sequences.
    pub sequences: Hash,
    /// Outputs.
    pub outputs: Hash,
}

/// What the sighashes of all inputs begin with.
pub struct Sighashes(Sha256);

impl Sighashes {
    /// Of the transaction with these parts.
    pub fn new(parts: &SighashParts) -> Self {
        Self(
            hash::tagged("TapSighash")
                .chain_update(PREFIX)
                .chain_update(parts.version.to_le_bytes())
                .chain_update(parts.lock_time.to_le_bytes())
                .chain_update(parts.prevouts)
                .chain_update(parts.amounts)
                .chain_update(parts.scripts)
                .chain_update(parts.sequences)
                .chain_update(parts.outputs)
                .chain_update(SPEND_TYPE),
        )
    }

    /// Of one input, counted from 0.
    pub fn of_input(&self, index: u32) -> Hash {
        hash::finish(self.0.clone().chain_update(index.to_le_bytes()))
    }
}
