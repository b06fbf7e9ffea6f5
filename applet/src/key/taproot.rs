//! The card's output keys (BIP341, BIP386), from public data alone, and the secrets to them.

use super::bip32::Node;
use super::leaf::MerkleRoot;
use k256::elliptic_curve::point::AffineCoordinates;
use k256::elliptic_curve::{Group, PrimeField};
use k256::{ProjectivePoint, Scalar};
use tillcard_protocol::command::{Place, Point, TaprootScript, XOnlyKey};
use tillcard_protocol::hash::tagged_hash;
use zeroize::Zeroizing;

/// OP_1, push of 32 bytes.
const OUTPUT_PREFIX: [u8; 2] = [0x51, 0x20];
/// What a compressed point begins with whose y is odd.
const ODD: u8 = 0x03;

/// The output key of the coins at a place.
pub struct OutputKey {
    place: Place,
    child: Point,
    output: XOnlyKey,
    /// Whether the y of the output key's point is odd, of which the key is the x alone.
    is_odd: bool,
}

impl OutputKey {
    /// Tweaks the child key at a place (BIP341, `taproot_tweak_pubkey`). `None` where the tweak
    /// isn't a scalar or cancels the key, with a probability below 2⁻¹²⁷.
    pub(super) fn new(place: Place, child: &Node, merkle_root: &MerkleRoot) -> Option<Self> {
        let public = child.public();
        let even = match public[0] {
            ODD => -*child.point(),
            _ => *child.point(),
        };
        // As in [`Node::child`].
        let even = ProjectivePoint::from(even);
        let tweak = tweak(&public, merkle_root)?;
        let output = ProjectivePoint::mul_by_generator(&tweak) + even;
        if bool::from(output.is_identity()) {
            return None;
        }
        let output = output.to_affine();
        Some(Self {
            place,
            child: public,
            output: output.x().into(),
            is_odd: output.y_is_odd().into(),
        })
    }

    /// Where the coins are.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Under which a signature for the coins must be valid.
    pub fn as_bytes(&self) -> &XOnlyKey {
        &self.output
    }

    /// The scriptPubKey of the coins.
    ///
    /// `[KEY-4]`: the script of the descriptor.
    pub fn script(&self) -> TaprootScript {
        let mut script = [0; 34];
        script[..2].copy_from_slice(&OUTPUT_PREFIX);
        script[2..].copy_from_slice(&self.output);
        script
    }

    /// What signs for the coins, if the child's secret is the one to this key (BIP341,
    /// `taproot_tweak_seckey`), for a point with an even y. `None` as with [`Self::new`].
    pub(super) fn secret(
        &self,
        child: Zeroizing<Scalar>,
        merkle_root: &MerkleRoot,
    ) -> Option<Zeroizing<Scalar>> {
        let mut secret = child;
        if self.child[0] == ODD {
            *secret = -*secret;
        }
        *secret += tweak(&self.child, merkle_root)?;
        if self.is_odd {
            *secret = -*secret;
        }
        Some(secret)
    }
}

fn tweak(child: &Point, merkle_root: &MerkleRoot) -> Option<Scalar> {
    let [_, internal @ ..] = child;
    let tweak = tagged_hash("TapTweak", &[internal, merkle_root.as_bytes()]);
    Option::<Scalar>::from(Scalar::from_repr(tweak.into()))
}
