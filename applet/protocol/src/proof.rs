//! What the card's identity key signs for others (`docs/protocol.md`, sections 3.8
//! and 7.8). Each has a tag of its own and random bytes of the card, so that none
//! can be had for another, nor for an issue record.

use crate::VERSION;
use crate::command::{
    Leaf, NONCE_LENGTH, Network, Outpoint, Provenance, SALT_LENGTH, Txid, XOnlyKey,
};
use crate::hash::{Hash, finish, tagged, tagged_hash};
use crate::session::Session;
use sha2::Digest;

/// The proof that a card is genuine.
pub struct Genuine<'a> {
    /// Where it was given.
    pub session: &'a Session,
    /// The verifier's.
    pub challenge: &'a [u8; NONCE_LENGTH],
    /// The card's.
    pub salt: &'a [u8; SALT_LENGTH],
}

impl Genuine<'_> {
    /// The 32 bytes that ECDSA takes as the hash of its message.
    pub fn digest(&self) -> Hash {
        tagged_hash(
            "Tillcard/genuine",
            &[
                &VERSION,
                &self.session.to_bytes(),
                self.challenge,
                self.salt,
            ],
        )
    }
}

/// What a statement says.
pub struct StatementFacts<'a> {
    /// Where it was given.
    pub session: &'a Session,
    /// The shop's.
    pub nonce: &'a [u8; NONCE_LENGTH],
    /// The payment's transaction.
    pub txid: &'a Txid,
    /// The chain.
    pub network: Network,
    /// Where the account key comes from.
    pub provenance: Provenance,
    /// The leaf's kind and delay.
    pub leaf: &'a [u8; Leaf::POLICY_LENGTH],
    /// The outpoints spent, txid ‖ vout each, in the order of the inputs.
    pub outpoints: &'a [u8],
    /// Their output keys, one after another.
    pub output_keys: &'a [u8],
    /// The card's.
    pub salt: &'a [u8; SALT_LENGTH],
}

impl StatementFacts<'_> {
    /// The 32 bytes that ECDSA takes as the hash of its message.
    pub fn digest(&self) -> Hash {
        let inputs = self.outpoints.len() / Outpoint::LENGTH;
        debug_assert_eq!(inputs, self.output_keys.len() / size_of::<XOnlyKey>());
        finish(
            tagged("Tillcard/statement")
                .chain_update(VERSION)
                .chain_update(self.session.to_bytes())
                .chain_update(self.nonce)
                .chain_update(self.txid)
                .chain_update([self.network.to_byte(), self.provenance.to_byte()])
                .chain_update(self.leaf)
                .chain_update([inputs as u8])
                .chain_update(self.outpoints)
                .chain_update(self.output_keys)
                .chain_update(self.salt),
        )
    }
}
