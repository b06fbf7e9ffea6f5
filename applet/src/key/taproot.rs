//! The card's output keys (BIP341, BIP386).

use super::bip32::Node;
use super::leaf::MerkleRoot;
use k256::elliptic_curve::PrimeField;
use k256::schnorr::SigningKey;
use k256::{NonZeroScalar, Scalar};
use tillcard_protocol::command::TaprootScript;
use tillcard_protocol::hash::tagged_hash;

/// OP_1, push of 32 bytes.
const OUTPUT_PREFIX: [u8; 2] = [0x51, 0x20];

/// What signs for the coins at one index.
pub struct CoinKey(SigningKey);

impl CoinKey {
    /// Tweaks a child key (BIP341, `taproot_tweak_seckey`). `None` where the
    /// tweak isn't a scalar or cancels the key, with a probability below 2⁻¹²⁷.
    pub(super) fn new(child: &Node, merkle_root: &MerkleRoot) -> Option<Self> {
        let [parity, internal @ ..] = child.public();
        let secret = match parity {
            0x02 => *child.secret(),
            _ => -*child.secret(),
        };
        let tweak = tagged_hash("TapTweak", &[internal, merkle_root.as_bytes()]);
        let tweak = Option::<Scalar>::from(Scalar::from_repr(tweak.into()))?;
        let secret = Option::<NonZeroScalar>::from(NonZeroScalar::new(secret + tweak))?;
        Some(Self(SigningKey::from(secret)))
    }

    /// The scriptPubKey of the coins.
    ///
    /// `[KEY-4]`: the script of the descriptor.
    pub fn script(&self) -> TaprootScript {
        let mut script = [0; 34];
        script[..2].copy_from_slice(&OUTPUT_PREFIX);
        script[2..].copy_from_slice(&self.0.verifying_key().to_bytes());
        script
    }

    /// The key under which BIP340 signs.
    pub fn signing_key(&self) -> &SigningKey {
        &self.0
    }
}
