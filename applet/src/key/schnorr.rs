//! BIP340.

use k256::schnorr::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use k256::schnorr::{Signature, SigningKey, VerifyingKey};
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{SIGNATURE_LENGTH, XOnlyKey};
use tillcard_protocol::hash::Hash;
use tillcard_protocol::status::{self, Status};

/// Whether these are the bytes of a key.
pub fn is_x_only_key(key: &XOnlyKey) -> bool {
    VerifyingKey::from_slice(key).is_ok()
}

/// Whether this is the key's signature of the message.
pub fn verify(key: &XOnlyKey, message: &Hash, signature: &[u8; SIGNATURE_LENGTH]) -> bool {
    match (
        VerifyingKey::from_slice(key),
        Signature::try_from(&signature[..]),
    ) {
        (Ok(key), Ok(signature)) => key.verify_prehash(message, &signature).is_ok(),
        _ => false,
    }
}

/// Signs, with auxiliary randomness. Whoever lets the signature leave verifies it before.
///
/// # Errors
/// `6400`
pub(super) fn sign(
    key: &SigningKey,
    message: &Hash,
    rng: &mut impl TryCryptoRng,
) -> Result<[u8; SIGNATURE_LENGTH], Status> {
    key.sign_prehash_with_rng(rng, message)
        .map(|signature| signature.to_bytes())
        .map_err(|_| status::EXECUTION_ERROR)
}
