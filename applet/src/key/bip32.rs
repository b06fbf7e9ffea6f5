//! Unhardened derivation (BIP32), of public keys alone. What a secret key is to add on the
//! same way is a [`Step`].

use hmac::{Hmac, KeyInit, Mac};
use k256::elliptic_curve::group::{CurveAffine, GroupEncoding};
use k256::elliptic_curve::{Group, PrimeField};
use k256::{AffinePoint, ProjectivePoint, Scalar};
use sha2::Sha512;
use tillcard_protocol::command::Point;

/// A public key with its chain code.
#[derive(Clone)]
pub(super) struct Node {
    point: AffinePoint,
    chain_code: [u8; 32],
}

/// What lies between a node and one of its children.
pub(super) struct Step {
    /// Added to the secret key; times `G`, to the public one.
    pub(super) tweak: Scalar,
    chain_code: [u8; 32],
}

impl Node {
    /// `None` when the public key isn't a point, or is the identity.
    pub(super) fn from_bytes(public: &Point, chain_code: [u8; 32]) -> Option<Self> {
        let point = Option::<AffinePoint>::from(AffinePoint::from_bytes(&(*public).into()))?;
        let is_point = !bool::from(point.is_identity());
        is_point.then_some(Self { point, chain_code })
    }

    pub(super) fn point(&self) -> &AffinePoint {
        &self.point
    }

    pub(super) fn public(&self) -> Point {
        compress(&self.point)
    }

    /// [`step`] from this node.
    pub(super) fn step(&self, index: u32) -> Option<Step> {
        step(&self.public(), &self.chain_code, index)
    }

    /// CKDpub. `None` as with [`step`].
    pub(super) fn child(&self, index: u32) -> Option<Self> {
        let step = self.step(index)?;
        // Both projective: adding an affine point is code of its own, 22 KB on a Cortex-M4.
        let point =
            ProjectivePoint::mul_by_generator(&step.tweak) + ProjectivePoint::from(self.point);
        let is_key = !bool::from(point.is_identity());
        is_key.then(|| Self {
            point: point.to_affine(),
            chain_code: step.chain_code,
        })
    }
}

/// The way from a public key with a chain code to its child with an index below 2³¹. `None` where
/// BIP32 says that the index has no key, which has a probability below 2⁻¹²⁷.
pub(super) fn step(public: &Point, chain_code: &[u8; 32], index: u32) -> Option<Step> {
    let mut mac = Hmac::<Sha512>::new_from_slice(chain_code).expect("HMAC takes any key length");
    mac.update(public);
    mac.update(&index.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let mut left = [0; 32];
    let mut chain_code = [0; 32];
    left.copy_from_slice(&digest[..32]);
    chain_code.copy_from_slice(&digest[32..]);
    let tweak = Option::<Scalar>::from(Scalar::from_repr(left.into()))?;
    Some(Step { tweak, chain_code })
}

/// SEC 1, compressed.
pub(super) fn compress(point: &AffinePoint) -> Point {
    let mut bytes = [0; 33];
    bytes.copy_from_slice(&point.to_bytes());
    bytes
}
