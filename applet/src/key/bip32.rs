//! Unhardened private derivation (BIP32).

use hmac::{Hmac, KeyInit, Mac};
use k256::elliptic_curve::{PrimeField, group::GroupEncoding};
use k256::{NonZeroScalar, ProjectivePoint, Scalar};
use sha2::Sha512;
use tillcard_protocol::command::Point;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a node at rest.
pub(super) const NODE_LENGTH: usize = 32 + 32 + 33;

/// A private key with its chain code.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Node {
    secret: Scalar,
    chain_code: [u8; 32],
    #[zeroize(skip)]
    public: Point,
}

impl Node {
    /// `None` for a secret of zero.
    pub(super) fn new(secret: &Scalar, chain_code: [u8; 32]) -> Option<Self> {
        let secret = Option::<NonZeroScalar>::from(NonZeroScalar::new(*secret))?;
        Some(Self {
            public: compress(&ProjectivePoint::mul_by_generator(&secret)),
            secret: *secret,
            chain_code,
        })
    }

    /// Reads secret ‖ chain code ‖ public key; the public key is believed, since
    /// whoever can write it where these bytes are kept could read the secret.
    pub(super) fn from_bytes(bytes: &[u8; NODE_LENGTH]) -> Option<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        let mut chain_code = [0; 32];
        let mut public = [0; 33];
        secret.copy_from_slice(&bytes[..32]);
        chain_code.copy_from_slice(&bytes[32..64]);
        public.copy_from_slice(&bytes[64..]);
        let secret = Option::<Scalar>::from(Scalar::from_repr((*secret).into()))?;
        Some(Self {
            secret,
            chain_code,
            public,
        })
    }

    /// Secret ‖ chain code ‖ public key.
    pub(super) fn to_bytes(&self) -> Zeroizing<[u8; NODE_LENGTH]> {
        let mut bytes = Zeroizing::new([0; NODE_LENGTH]);
        let mut secret = self.secret.to_repr();
        bytes[..32].copy_from_slice(&secret);
        secret.as_mut_slice().zeroize();
        bytes[32..64].copy_from_slice(&self.chain_code);
        bytes[64..].copy_from_slice(&self.public);
        bytes
    }

    pub(super) fn secret(&self) -> &Scalar {
        &self.secret
    }

    pub(super) fn public(&self) -> &Point {
        &self.public
    }

    pub(super) fn chain_code(&self) -> &[u8; 32] {
        &self.chain_code
    }

    /// CKDpriv for an index below 2³¹. `None` where BIP32 says that the index
    /// has no key, which has a probability below 2⁻¹²⁷.
    pub(super) fn child(&self, index: u32) -> Option<Self> {
        let mut mac =
            Hmac::<Sha512>::new_from_slice(&self.chain_code).expect("HMAC takes any key length");
        mac.update(&self.public);
        mac.update(&index.to_be_bytes());
        let mut digest = mac.finalize().into_bytes();
        let mut left = [0; 32];
        let mut chain_code = [0; 32];
        left.copy_from_slice(&digest[..32]);
        chain_code.copy_from_slice(&digest[32..]);
        let tweak = Option::<Scalar>::from(Scalar::from_repr(left.into()));
        digest.as_mut_slice().zeroize();
        left.zeroize();
        let mut tweak = tweak?;
        let mut secret = tweak + self.secret;
        let child = Self::new(&secret, chain_code);
        tweak.zeroize();
        secret.zeroize();
        child
    }
}

/// SEC 1, compressed.
pub(super) fn compress(point: &ProjectivePoint) -> Point {
    let mut bytes = [0; 33];
    bytes.copy_from_slice(&point.to_affine().to_bytes());
    bytes
}
