//! SHA-256 as Bitcoin uses it.

use sha2::{Digest, Sha256};

/// Bytes in a hash.
pub type Hash = [u8; 32];

/// SHA-256 over the pieces, one after another.
pub fn sha256(pieces: &[&[u8]]) -> Hash {
    finish(
        pieces
            .iter()
            .fold(Sha256::new(), |hash, piece| hash.chain_update(piece)),
    )
}

/// SHA-256 twice over what has been fed in, as for txids.
pub fn double(hash: Sha256) -> Hash {
    sha256(&[&finish(hash)])
}

/// The hash of what has been fed in.
pub fn finish(hash: Sha256) -> Hash {
    hash.finalize().into()
}

/// A hash begun with a tag (BIP340); what follows is for the caller to feed in.
pub fn tagged(tag: &str) -> Sha256 {
    let tag = sha256(&[tag.as_bytes()]);
    Sha256::new().chain_update(tag).chain_update(tag)
}

/// The tagged hash of the pieces (BIP340).
pub fn tagged_hash(tag: &str, pieces: &[&[u8]]) -> Hash {
    finish(
        pieces
            .iter()
            .fold(tagged(tag), |hash, piece| hash.chain_update(piece)),
    )
}
