//! What the suite knows of an account that it imported: secret keys, and the nonces of signatures.

use crate::keys::{SECP, tagged_hash};
use crate::model::{Place, Profile, Provenance};
use crate::outcome::{Step, Stop};
use bitcoin::NetworkKind;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpriv};
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::{Keypair, Parity, Scalar, SecretKey};
use std::fmt::Display;

/// The pair of the output key at a place of an imported account whose descriptor has no leaf.
///
/// # Errors
/// [`Stop::Error`] when the account wasn't imported, or BIP32 gives no key there.
pub fn output_pair(profile: &Profile, place: Place) -> Step<Keypair> {
    let Provenance::Imported { key, chain_code } = profile.provenance else {
        return Err(Stop::Error("the case's key isn't known".to_owned()));
    };
    let account = Xpriv {
        network: NetworkKind::Test,
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::from(0),
        private_key: SecretKey::from_slice(&key).map_err(impossible)?,
        chain_code: ChainCode::from(chain_code),
    };
    let path = [place.chain(), place.index()].map(ChildNumber::from);
    let child = account.derive_priv(&SECP, &path).map_err(impossible)?;
    let pair = child.private_key.keypair(&SECP);
    Ok(pair.tap_tweak(&SECP, None).to_keypair())
}

/// The nonce of a valid BIP340 signature under this key, and its negative: one of them was drawn.
///
/// # Errors
/// [`Stop::Error`] for values that come with probability 2⁻¹²⁷.
pub fn nonce_of(pair: &Keypair, message: &[u8; 32], signature: &[u8; 64]) -> Step<[[u8; 32]; 2]> {
    let (point, scalar) = signature.split_at(32);
    let (key, parity) = pair.x_only_public_key();
    let challenge = tagged_hash("BIP0340/challenge", &[point, &key.serialize(), message]);
    let secret = match parity {
        Parity::Even => pair.secret_key(),
        Parity::Odd => pair.secret_key().negate(),
    };
    let product = Scalar::from_be_bytes(challenge)
        .map_err(impossible)
        .and_then(|challenge| secret.mul_tweak(&challenge).map_err(impossible))?;
    let nonce = SecretKey::from_slice(scalar)
        .and_then(|scalar| scalar.add_tweak(&Scalar::from(product.negate())))
        .map_err(impossible)?;
    Ok([nonce.secret_bytes(), nonce.negate().secret_bytes()])
}

fn impossible(reason: impl Display) -> Stop {
    Stop::Error(format!(
        "the seed gives an impossible key or nonce: {reason}"
    ))
}
