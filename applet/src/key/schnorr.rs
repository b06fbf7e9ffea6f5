//! BIP340.

use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::Reduce;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::schnorr::signature::hazmat::PrehashVerifier;
use k256::schnorr::{Signature, VerifyingKey};
use k256::{FieldBytes, ProjectivePoint, Scalar};
use rand_core::TryCryptoRng;
use subtle::ConditionallySelectable;
use tillcard_protocol::command::{SIGNATURE_LENGTH, XOnlyKey};
use tillcard_protocol::hash::{Hash, tagged_hash};
use tillcard_protocol::status::{self, Status};
use zeroize::Zeroizing;

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

/// Signs for a key, with auxiliary randomness, by the secret whose point has an even y. Whoever
/// lets the signature leave verifies it before.
///
/// A library would make the public key out of the secret once more, which takes as long as the rest.
/// `[KEY-6]`: the key given is hashed into the nonce, so that no two keys have one nonce.
///
/// # Errors
/// `6400`
pub(super) fn sign(
    secret: &Scalar,
    key: &XOnlyKey,
    message: &Hash,
    rng: &mut impl TryCryptoRng,
) -> Result<[u8; SIGNATURE_LENGTH], Status> {
    let mut auxiliary = [0; 32];
    rng.try_fill_bytes(&mut auxiliary)
        .map_err(|_| status::EXECUTION_ERROR)?;
    let mut masked = Zeroizing::new(tagged_hash("BIP0340/aux", &[&auxiliary]));
    let repr = Zeroizing::new(<[u8; 32]>::from(secret.to_repr()));
    for (byte, own) in masked.iter_mut().zip(repr.iter()) {
        *byte ^= own;
    }
    let drawn = Zeroizing::new(tagged_hash("BIP0340/nonce", &[&*masked, key, message]));
    let mut nonce = Zeroizing::new(scalar(&drawn));
    let point = ProjectivePoint::mul_by_generator(&nonce).to_affine();
    let negated = Zeroizing::new(-*nonce);
    nonce.conditional_assign(&negated, point.y_is_odd());
    let mut signature = [0; SIGNATURE_LENGTH];
    let (first, second) = signature.split_at_mut(32);
    first.copy_from_slice(&point.x());
    let challenge = scalar(&tagged_hash("BIP0340/challenge", &[first, key, message]));
    second.copy_from_slice(&(*nonce + challenge * secret).to_repr());
    Ok(signature)
}

/// A hash as a number modulo the curve's order. That it is zero has a probability below 2⁻²⁵⁵; no
/// such signature is valid.
fn scalar(hash: &Hash) -> Scalar {
    <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from(*hash))
}
