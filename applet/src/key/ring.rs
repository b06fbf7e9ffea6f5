//! Many keys of one card, each chain derived once; and what signs for them.

use super::account::{AccountSecret, PublicAccount};
use super::bip32::Node;
use super::schnorr;
use super::{MerkleRoot, OutputKey};
use k256::Scalar;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{Place, SIGNATURE_LENGTH};
use tillcard_protocol::hash::Hash;
use tillcard_protocol::status::{self, Status};
use zeroize::Zeroizing;

/// Derives the output keys of coins on demand, from public data alone.
pub struct KeyRing {
    account: PublicAccount,
    merkle_root: MerkleRoot,
    chains: [Option<Node>; 2],
}

impl KeyRing {
    /// The keys below an account, of outputs with this merkle root.
    pub fn new(account: PublicAccount, merkle_root: MerkleRoot) -> Self {
        Self {
            account,
            merkle_root,
            chains: [None, None],
        }
    }

    /// The key at a place.
    ///
    /// # Errors
    /// `6400` where there is none (probability below 2⁻¹²⁶).
    pub fn key(&mut self, place: Place) -> Result<OutputKey, Status> {
        let chain = &mut self.chains[(place.chain & 1) as usize];
        let chain = match chain {
            Some(chain) => Some(chain),
            None => self
                .account
                .chain(place.chain)
                .map(|derived| chain.insert(derived)),
        };
        chain
            .and_then(|chain| chain.child(place.index))
            .and_then(|child| OutputKey::new(place, &child, &self.merkle_root))
            .ok_or(status::EXECUTION_ERROR)
    }

    /// The secret to a key of this ring.
    fn secret(&self, account: &AccountSecret, key: &OutputKey) -> Option<Zeroizing<Scalar>> {
        let place = key.place();
        let chain = self.chains[(place.chain & 1) as usize].as_ref()?;
        let mut secret = Zeroizing::new(*account.scalar());
        *secret += self.account.step(place.chain)?.tweak;
        *secret += chain.step(place.index)?.tweak;
        key.secret(secret, &self.merkle_root)
    }
}

/// An account's secret while it signs, beside the keys under which that must be valid.
pub struct Signer<'a> {
    keys: &'a KeyRing,
    secret: AccountSecret,
}

impl<'a> Signer<'a> {
    /// Signs for keys of this ring.
    pub fn new(keys: &'a KeyRing, secret: AccountSecret) -> Self {
        Self { keys, secret }
    }

    /// Signs for the coins of a key.
    ///
    /// `[KEY-5]`: verified under the key that public data give, which a fault in the secret, or
    /// in what was made of it, doesn't touch.
    ///
    /// # Errors
    /// `6400`
    pub fn sign(
        &self,
        key: &OutputKey,
        sighash: &Hash,
        rng: &mut impl TryCryptoRng,
    ) -> Result<[u8; SIGNATURE_LENGTH], Status> {
        let secret = self.keys.secret(&self.secret, key);
        let secret = secret.ok_or(status::EXECUTION_ERROR)?;
        let signature = schnorr::sign(&secret, key.as_bytes(), sighash, rng)?;
        if schnorr::verify(key.as_bytes(), sighash, &signature) {
            Ok(signature)
        } else {
            Err(status::EXECUTION_ERROR)
        }
    }
}
