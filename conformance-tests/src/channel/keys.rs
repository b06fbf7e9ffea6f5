//! Key agreement, derivation and receipt.

use crate::outcome::{Step, Stop};
use crate::tlv;
use aes::Aes128;
use bitcoin::hashes::{Hash, HashEngine, sha256};
use cmac::{Cmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};

/// Bytes of an AES key, of a block, and of a receipt.
pub const AES_KEY: usize = 16;
/// Key usage qualifier, key type and key length, as the derivation has them.
const SHARED_INFO: [u8; 3] = [0x3C, 0x88, 0x10];

/// A client's ephemeral key pair.
pub struct Ephemeral(SecretKey);

impl Ephemeral {
    /// A pair from test bytes.
    ///
    /// # Errors
    /// [`Stop::Error`] for bytes that are no secret key (probability 2⁻³²).
    pub fn new(secret: &[u8; 32]) -> Step<Self> {
        SecretKey::from_slice(secret)
            .map(Self)
            .map_err(|_| Stop::Error("the seed gives an impossible test key: take another".into()))
    }

    /// The public key, uncompressed.
    #[must_use]
    pub fn public(&self) -> Vec<u8> {
        let point = self.0.public_key().to_sec1_point(false);
        point.as_bytes().to_vec()
    }

    /// The data field of INTERNAL AUTHENTICATE that opens a channel.
    #[must_use]
    pub fn field(&self) -> Vec<u8> {
        let parameters = [
            tlv::object(0x90, &[0x11, 0x00]),
            tlv::object(0x95, &[0x3C]),
            tlv::object(0x80, &[0x88]),
            tlv::object(0x81, &[0x10]),
        ];
        [
            tlv::object(0xA6, &parameters.concat()),
            tlv::object(0x5F49, &self.public()),
        ]
        .concat()
    }

    /// The x coordinate that this pair has in common with another.
    #[must_use]
    pub fn agree(&self, public: &PublicKey) -> [u8; 32] {
        agree(&self.0, public)
    }

    /// The keys of a channel to a card with these two keys.
    #[must_use]
    pub fn keys(&self, card_ephemeral: &PublicKey, agreement: &PublicKey) -> Keys {
        Keys::derive(&self.agree(card_ephemeral), &self.agree(agreement))
    }
}

/// The x coordinate that two key pairs have in common (SP 800-56A §5.7.1.2).
#[must_use]
pub fn agree(secret: &SecretKey, public: &PublicKey) -> [u8; 32] {
    let shared = p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), public.as_affine());
    (*shared.raw_secret_bytes()).into()
}

/// The keys of a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// Makes the receipt.
    pub receipt: [u8; AES_KEY],
    /// S-ENC.
    pub enc: [u8; AES_KEY],
    /// S-MAC.
    pub mac: [u8; AES_KEY],
    /// S-RMAC.
    pub rmac: [u8; AES_KEY],
}

impl Keys {
    /// From both shared secrets, that of the two ephemeral keys first (ANSI X9.63).
    #[must_use]
    pub fn derive(ephemeral: &[u8; 32], agreement: &[u8; 32]) -> Self {
        let mut bytes = Vec::new();
        for counter in 1u32..=3 {
            let mut engine = sha256::Hash::engine();
            for part in [
                &ephemeral[..],
                agreement,
                &counter.to_be_bytes(),
                &SHARED_INFO,
            ] {
                engine.input(part);
            }
            bytes.extend_from_slice(sha256::Hash::from_engine(engine).as_ref());
        }
        let key = |number: usize| {
            let mut key = [0; AES_KEY];
            key.copy_from_slice(&bytes[number * AES_KEY..(number + 1) * AES_KEY]);
            key
        };
        Self {
            receipt: key(0),
            enc: key(1),
            mac: key(2),
            rmac: key(3),
        }
    }

    /// The receipt for a command's data field and the card's ephemeral key, uncompressed.
    #[must_use]
    pub fn receipt(&self, field: &[u8], card_ephemeral: &[u8]) -> [u8; AES_KEY] {
        mac(
            &self.receipt,
            &[field, &tlv::object(0x5F49, card_ephemeral)],
        )
    }
}

/// The compressed form of a point with these coordinates.
#[must_use]
pub fn compressed(coordinates: &[u8; 64]) -> [u8; 33] {
    let mut key = [0; 33];
    key[0] = 0x02 | (coordinates[63] & 1);
    key[1..].copy_from_slice(&coordinates[..32]);
    key
}

/// AES-CMAC (SP 800-38B).
#[must_use]
pub fn mac(key: &[u8; AES_KEY], parts: &[&[u8]]) -> [u8; AES_KEY] {
    let mut mac = Cmac::<Aes128>::new(&(*key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::mac;

    #[test]
    fn the_mac_is_that_of_sp_800_38b() {
        // Example 2 of appendix D.1: one block.
        let key = hex::decode("2b7e151628aed2a6abf7158809cf4f3c").unwrap();
        let message = hex::decode("6bc1bee22e409f96e93d7e117393172a").unwrap();
        let tag = mac(&key.try_into().unwrap(), &[&message[..5], &message[5..]]);
        assert_eq!(hex::encode(tag), "070a16b46b4d4144f79bdd9dd04a287c");
    }
}
