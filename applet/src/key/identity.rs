//! The card's identity key: ECDSA on P-256 (FIPS 186-5, SP 800-186).

use crate::command::{Point, SIGNATURE_LENGTH};
use crate::hash::Hash;
use crate::status::{self, Status};
use p256::SecretKey;
use p256::ecdsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_core::TryCryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// A key of which only signatures of the card's own records leave.
pub struct IdentityKey(SecretKey);

impl IdentityKey {
    /// Bytes of a key at rest.
    pub const LENGTH: usize = 32;

    /// Draws one.
    ///
    /// # Errors
    /// `6400`
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, Status> {
        SecretKey::try_generate_from_rng(rng)
            .map(Self)
            .map_err(|_| status::EXECUTION_ERROR)
    }

    /// Reads a key at rest.
    ///
    /// # Errors
    /// `6581` when the bytes can't be a key.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, Status> {
        SecretKey::from_slice(bytes)
            .map(Self)
            .map_err(|_| status::MEMORY_FAILURE)
    }

    /// The key at rest.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut secret = self.0.to_bytes();
        let bytes = Zeroizing::new(secret.into());
        secret.as_mut_slice().zeroize();
        bytes
    }

    /// The public key, compressed.
    pub fn public_key(&self) -> Point {
        let mut point = [0; 33];
        point.copy_from_slice(self.0.public_key().to_sec1_point(true).as_bytes());
        point
    }

    /// Signs a digest, and verifies before anything leaves.
    ///
    /// # Errors
    /// `6400`
    pub fn sign(
        &self,
        digest: &Hash,
        rng: &mut impl TryCryptoRng,
    ) -> Result<[u8; SIGNATURE_LENGTH], Status> {
        let key = SigningKey::from(&self.0);
        let signature: Signature = key
            .sign_prehash_with_rng(rng, digest)
            .map_err(|_| status::EXECUTION_ERROR)?;
        key.verifying_key()
            .verify_prehash(digest, &signature)
            .map_err(|_| status::EXECUTION_ERROR)?;
        Ok(signature.to_bytes().into())
    }
}
