//! Keys, scripts and signatures, on libsecp256k1 (and, for a card's identity, P-256): independent of the card's own arithmetic.

use crate::model::Leaf;
use crate::outcome::{Step, Stop};
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{
    All, Keypair, Message, PublicKey, Scalar, Secp256k1, SecretKey, XOnlyPublicKey, schnorr,
};
use bitcoin::taproot::{LeafVersion, TapNodeHash};
use bitcoin::{NetworkKind, ScriptBuf};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::elliptic_curve::sec1::ToSec1Point;
use std::sync::LazyLock;

/// The one libsecp256k1 context.
pub static SECP: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// The order of secp256k1, big-endian.
pub const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,
    0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48, 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41,
];

/// BIP340's tagged hash.
#[must_use]
pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    let tag = sha256::Hash::hash(tag.as_bytes());
    let mut engine = sha256::Hash::engine();
    engine.input(tag.as_ref());
    engine.input(tag.as_ref());
    for part in parts {
        engine.input(part);
    }
    sha256::Hash::from_engine(engine).to_byte_array()
}

/// A key pair from test bytes (any 32 bytes save two values of probability 2⁻¹²⁸).
///
/// # Errors
/// [`Stop::Error`] for those values.
pub fn keypair(secret: &[u8; 32]) -> Step<Keypair> {
    let secret = SecretKey::from_slice(secret)
        .map_err(|_| Stop::Error("the seed gives an impossible test key: take another".into()))?;
    Ok(Keypair::from_secret_key(&SECP, &secret))
}

/// A BIP340 signature without auxiliary randomness, 64 bytes.
#[must_use]
pub fn sign(pair: &Keypair, message: &[u8; 32]) -> [u8; 64] {
    SECP.sign_schnorr_no_aux_rand(&Message::from_digest(*message), pair)
        .serialize()
}

/// Whether these 64 bytes are a valid BIP340 signature.
#[must_use]
pub fn verifies(key: &XOnlyPublicKey, message: &[u8; 32], signature: &[u8]) -> bool {
    schnorr::Signature::from_slice(signature).is_ok_and(|signature| {
        SECP.verify_schnorr(&signature, &Message::from_digest(*message), key)
            .is_ok()
    })
}

/// An x coordinate that belongs to no point of the curve, found by counting up from test bytes.
#[must_use]
pub fn x_off_curve(start: &[u8; 32]) -> [u8; 32] {
    let mut x = *start;
    while XOnlyPublicKey::from_slice(&x).is_ok() {
        x[31] = x[31].wrapping_add(1);
    }
    x
}

/// Whether these 64 bytes are a valid ECDSA signature (FIPS 186-5 §6.4) of a 32-byte digest, under
/// a compressed P-256 key.
#[must_use]
pub fn p256_verifies(key: &[u8; 33], digest: &[u8; 32], signature: &[u8; 64]) -> bool {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(key);
    let signature = p256::ecdsa::Signature::from_slice(signature);
    matches!((key, signature), (Ok(key), Ok(signature))
        if key.verify_prehash(digest, &signature).is_ok())
}

/// Whether these bytes are a point of P-256, compressed.
#[must_use]
pub fn is_p256_point(bytes: &[u8; 33]) -> bool {
    p256::PublicKey::from_sec1_bytes(bytes).is_ok()
}

/// The compressed P-256 key of a secret, if it is one.
#[must_use]
pub fn p256_public(secret: &[u8; 32]) -> Option<[u8; 33]> {
    let secret = p256::SecretKey::from_slice(secret).ok()?;
    let point = secret.public_key().to_sec1_point(true);
    point.as_bytes().try_into().ok()
}

/// The account of an issued card, as the host knows it.
#[derive(Clone)]
pub struct Account {
    xpub: Xpub,
    leaf: Leaf,
}

impl Account {
    /// Works out what ISSUE must answer for a made key: `P = C + h·G` and the chain code.
    ///
    /// # Errors
    /// [`Stop::Error`] when the sum is the point at infinity (probability 2⁻²⁵⁶).
    pub fn made(commitment: &PublicKey, share: &[u8; 32], leaf: Leaf) -> Step<Self> {
        let scalar = Scalar::from_be_bytes(*share)
            .map_err(|_| Stop::Error("the host share isn't below the order".into()))?;
        let public_key = commitment
            .add_exp_tweak(&SECP, &scalar)
            .map_err(|_| Stop::Error("the account key would be the point at infinity".into()))?;
        let chain_code = tagged_hash("Tillcard/chaincode", &[&commitment.serialize(), share]);
        Ok(Self::new(public_key, chain_code, leaf))
    }

    /// Works out what ISSUE must answer for an imported key: `P = a·G`, and the chain code given.
    ///
    /// # Errors
    /// [`Stop::Error`] when `a` is no secret key.
    pub fn imported(key: &[u8; 32], chain_code: &[u8; 32], leaf: Leaf) -> Step<Self> {
        Ok(Self::new(keypair(key)?.public_key(), *chain_code, leaf))
    }

    fn new(public_key: PublicKey, chain_code: [u8; 32], leaf: Leaf) -> Self {
        Self {
            xpub: Xpub {
                // Only matters for the text form, which the suite doesn't use.
                network: NetworkKind::Test,
                depth: 0,
                parent_fingerprint: Fingerprint::default(),
                child_number: ChildNumber::from(0),
                public_key,
                chain_code: ChainCode::from(chain_code),
            },
            leaf,
        }
    }

    /// `P`, 33 bytes.
    #[must_use]
    pub fn public_key(&self) -> [u8; 33] {
        self.xpub.public_key.serialize()
    }

    /// The chain code.
    #[must_use]
    pub fn chain_code(&self) -> [u8; 32] {
        self.xpub.chain_code.to_bytes()
    }

    /// The first 16 bytes of `TH("Tillcard/card-id", P ‖ chain code)`.
    #[must_use]
    pub fn card_id(&self) -> [u8; 16] {
        let hash = tagged_hash(
            "Tillcard/card-id",
            &[&self.public_key(), &self.chain_code()],
        );
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        id
    }

    /// The public key of `CARD/chain`.
    ///
    /// # Errors
    /// [`Stop::Error`] when BIP32 gives no key there (probability 2⁻¹²⁷).
    pub fn chain_key(&self, chain: u32) -> Step<Xpub> {
        self.xpub
            .ckd_pub(&SECP, ChildNumber::from(chain))
            .map_err(|e| Stop::Error(format!("BIP32 derivation: {e}")))
    }

    /// The public key of `CARD/chain/index`.
    ///
    /// # Errors
    /// [`Stop::Error`] when BIP32 gives no key there (probability 2⁻¹²⁷).
    pub fn key(&self, chain: u32, index: u32) -> Step<PublicKey> {
        self.chain_key(chain)?
            .ckd_pub(&SECP, ChildNumber::from(index))
            .map(|child| child.public_key)
            .map_err(|e| Stop::Error(format!("BIP32 derivation: {e}")))
    }

    /// The taproot output key at `CARD/chain/index`.
    ///
    /// # Errors
    /// [`Stop::Error`] as for [`Account::key`].
    pub fn output_key(&self, chain: u32, index: u32) -> Step<XOnlyPublicKey> {
        let root = (self.leaf.script())
            .map(|leaf| TapNodeHash::from_script(&leaf, LeafVersion::TapScript));
        let internal = self.key(chain, index)?.x_only_public_key().0;
        let (tweaked, _) = internal.tap_tweak(&SECP, root);
        Ok(tweaked.to_x_only_public_key())
    }

    /// The script (scriptPubKey) at `CARD/chain/index`.
    ///
    /// # Errors
    /// [`Stop::Error`] as for [`Account::key`].
    pub fn script(&self, chain: u32, index: u32) -> Step<ScriptBuf> {
        let key = self.output_key(chain, index)?.serialize();
        let mut bytes = vec![0x51, 0x20];
        bytes.extend_from_slice(&key);
        Ok(ScriptBuf::from_bytes(bytes))
    }
}
