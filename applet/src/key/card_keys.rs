//! The card keys, on P-256 (FIPS 186-5, SP 800-186): one signs (ECDSA), the
//! other agrees on channel keys (ECDH, SP 800-56A). The types keep them apart.

use core::marker::PhantomData;
use p256::ecdsa::signature::hazmat::{PrehashVerifier, RandomizedPrehashSigner};
use p256::ecdsa::{Signature, SigningKey};
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey, ecdh};
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{CardKeys, Point, SIGNATURE_LENGTH, UncompressedPoint};
use tillcard_protocol::hash::Hash;
use tillcard_protocol::status::{self, Status};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a secret key at rest.
const LENGTH: usize = 32;

/// Use of a key that signs (ECDSA).
pub enum Signs {}
/// Use of a key that agrees on channel keys (ECDH).
pub enum Agrees {}

/// A secret key on P-256 with one use.
pub struct CardKey<Use> {
    secret: SecretKey,
    use_: PhantomData<Use>,
}

/// The key of which only signatures of the card's own records leave.
pub type IdentityKey = CardKey<Signs>;
/// A key that opens channels.
pub type AgreementKey = CardKey<Agrees>;

impl<Use> CardKey<Use> {
    /// A key from the random source.
    ///
    /// # Errors
    /// `6400`
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, Status> {
        SecretKey::try_generate_from_rng(rng)
            .map(Self::new)
            .map_err(|_| status::EXECUTION_ERROR)
    }

    fn new(secret: SecretKey) -> Self {
        Self {
            secret,
            use_: PhantomData,
        }
    }

    /// Reads a key at rest.
    ///
    /// # Errors
    /// `6581` when the bytes can't be a key.
    pub fn from_bytes(bytes: &[u8; LENGTH]) -> Result<Self, Status> {
        SecretKey::from_slice(bytes)
            .map(Self::new)
            .map_err(|_| status::MEMORY_FAILURE)
    }

    /// The key at rest.
    pub fn to_bytes(&self) -> Zeroizing<[u8; LENGTH]> {
        let mut secret = self.secret.to_bytes();
        let bytes = Zeroizing::new(secret.into());
        secret.as_mut_slice().zeroize();
        bytes
    }

    /// The public key, compressed.
    pub fn public_key(&self) -> Point {
        let mut point = [0; 33];
        point.copy_from_slice(self.secret.public_key().to_sec1_point(true).as_bytes());
        point
    }
}

impl IdentityKey {
    /// Signs a digest, and verifies before anything leaves. `[KEY-6]`: digest, key and drawn bytes
    /// are hashed into the nonce.
    ///
    /// # Errors
    /// `6400`
    pub fn sign(
        &self,
        digest: &Hash,
        rng: &mut impl TryCryptoRng,
    ) -> Result<[u8; SIGNATURE_LENGTH], Status> {
        let key = SigningKey::from(&self.secret);
        let signature: Signature = key
            .sign_prehash_with_rng(rng, digest)
            .map_err(|_| status::EXECUTION_ERROR)?;
        key.verifying_key()
            .verify_prehash(digest, &signature)
            .map_err(|_| status::EXECUTION_ERROR)?;
        Ok(signature.to_bytes().into())
    }
}

impl AgreementKey {
    /// The public key, uncompressed.
    pub fn uncompressed(&self) -> UncompressedPoint {
        let mut point = [0; 65];
        point.copy_from_slice(self.secret.public_key().to_sec1_point(false).as_bytes());
        point
    }

    /// The x-coordinate of the common point (SP 800-56A §5.7.1.2). The other's key
    /// is on the curve, which has cofactor one.
    pub fn agree(&self, other: &PublicKey) -> Zeroizing<[u8; 32]> {
        let shared = ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), other.as_affine());
        Zeroizing::new((*shared.raw_secret_bytes()).into())
    }
}

/// Both keys of a card.
pub struct CardKeyPairs {
    /// The one that signs.
    pub identity: IdentityKey,
    /// The one that opens channels.
    pub agreement: AgreementKey,
}

impl CardKeyPairs {
    /// Bytes of both at rest.
    pub const LENGTH: usize = 2 * LENGTH;

    /// Two keys from the random source.
    ///
    /// # Errors
    /// `6400`
    pub fn generate(rng: &mut impl TryCryptoRng) -> Result<Self, Status> {
        Ok(Self {
            identity: IdentityKey::generate(rng)?,
            agreement: AgreementKey::generate(rng)?,
        })
    }

    /// Reads keys at rest.
    ///
    /// # Errors
    /// `6581`
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, Status> {
        let (identity, agreement) = bytes.split_at(LENGTH);
        let half = |bytes: &[u8]| bytes.try_into().map_err(|_| status::MEMORY_FAILURE);
        let identity: Zeroizing<[u8; LENGTH]> = Zeroizing::new(half(identity)?);
        let agreement: Zeroizing<[u8; LENGTH]> = Zeroizing::new(half(agreement)?);
        Ok(Self {
            identity: IdentityKey::from_bytes(&identity)?,
            agreement: AgreementKey::from_bytes(&agreement)?,
        })
    }

    /// The keys at rest.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        bytes[..LENGTH].copy_from_slice(&*self.identity.to_bytes());
        bytes[LENGTH..].copy_from_slice(&*self.agreement.to_bytes());
        bytes
    }

    /// Both public keys, as the card answers them.
    pub fn public_keys(&self) -> CardKeys {
        CardKeys {
            identity_key: self.identity.public_key(),
            agreement_key: self.agreement.public_key(),
        }
    }
}
