//! The keys that come from the words, each on a path that never changes (BIP32).
//!
//! | what | path |
//! |---|---|
//! | primary wallet | `m/86'/coin'/0'/<0;1>/*` (BIP86) |
//! | leaf key of card `n` | `m/773785788'/coin'/n'/0'` |
//! | owner key of card `n` | `m/773785788'/coin'/n'/1'` |
//! | backup key of card `n` | `m/773785788'/coin'/n'/2'` |
//! | its owner key after the `i`th change | `m/773785788'/coin'/n'/3'/i'` |
//! | account of card `n`, when imported | see [`ImportedKey`] |
//!
//! `coin'` is `0'` on mainnet and `1'` on every other network (SLIP-44). All of a card's steps are
//! hardened, so that no public key that leaves the tool leads to another key.

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::key::{Keypair, Secp256k1};
use bitcoin::secp256k1::{All, Message};
use bitcoin::{Network, XOnlyPublicKey};
use zeroize::Zeroizing;

use super::{ImportedKey, OwnerError, Words};
use tillcard_client::account::tagged_hash;

/// The purpose (BIP43) of a Tillcard's keys: the first 31 bits that follow the top bit of
/// SHA256("Tillcard"). BIP43 purposes are BIP numbers, thousands at most, and the known ones of
/// other kinds (BIP85's 83696968, lnd's 1017) are far from it.
pub const PURPOSE: u32 = 773_785_788;

/// The number that distinguishes the leaf key on a card's path.
pub const LEAF_KEY: u32 = 0;
/// The number that distinguishes the owner key on a card's path.
pub const OWNER_KEY: u32 = 1;
/// The number that distinguishes the backup key on a card's path.
pub const BACKUP_KEY: u32 = 2;
/// The number that distinguishes the owner keys that come after the first on a card's path. They
/// don't lie below the first: whoever learns that one, with its chain code, learns no other.
pub const LATER_OWNER_KEYS: u32 = 3;

/// The master key of the words. It lives only as long as something is signed or derived.
pub(super) struct MasterKey {
    secp: Secp256k1<All>,
    xpriv: Xpriv,
    network: Network,
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.xpriv.private_key.non_secure_erase();
    }
}

impl MasterKey {
    pub(super) fn new(words: &Words, network: Network) -> Result<Self, OwnerError> {
        let xpriv = Xpriv::new_master(network, words.seed().as_ref()).map_err(key_error)?;
        Ok(Self {
            secp: Secp256k1::new(),
            xpriv,
            network,
        })
    }

    /// The primary wallet's descriptors without private keys: receive and change.
    pub(super) fn primary_descriptors(&self) -> Result<(String, String), OwnerError> {
        let origin = format!("86'/{}'/0'", self.coin_type());
        let path: DerivationPath = format!("m/{origin}").parse().map_err(key_error)?;
        let mut account = self
            .xpriv
            .derive_priv(&self.secp, &path)
            .map_err(key_error)?;
        let xpub = Xpub::from_priv(&self.secp, &account);
        account.private_key.non_secure_erase();
        let fingerprint = self.xpriv.fingerprint(&self.secp);
        let descriptor = |chain: u32| format!("tr([{fingerprint}/{origin}]{xpub}/{chain}/*)");
        Ok((descriptor(0), descriptor(1)))
    }

    /// Signs what the primary wallet prepared.
    pub(super) fn sign(&self, psbt: &mut bitcoin::Psbt) -> Result<(), OwnerError> {
        psbt.sign(&self.xpriv, &self.secp)
            .map(|_| ())
            .map_err(|(_, errors)| OwnerError::wallet(format!("signing failed: {errors:?}")))
    }

    /// The key that stands as `pk(PRIMARY)` in card `n`'s scripts.
    pub(super) fn leaf_key(&self, card: u32) -> Result<LeafKey, OwnerError> {
        Ok(LeafKey(self.card_key(card, &[LEAF_KEY])?))
    }

    /// The key that authorises owner commands to card `n` after so many changes.
    pub(super) fn owner_key(&self, card: u32, changes: u32) -> Result<OwnerKey, OwnerError> {
        let key = match changes {
            0 => self.card_key(card, &[OWNER_KEY]),
            _ => self.card_key(card, &[LATER_OWNER_KEYS, changes]),
        };
        key.map(OwnerKey)
    }

    /// The key under which card `n`'s account key is written to the chain.
    pub(super) fn backup_key(&self, card: u32) -> Result<BackupKey, OwnerError> {
        let key = self.card_key(card, &[BACKUP_KEY])?;
        let secret = Zeroizing::new(key.0.secret_bytes());
        Ok(BackupKey(Zeroizing::new(tagged_hash(
            "Tillcard/backup-key",
            &[secret.as_ref()],
        ))))
    }

    /// The account key that card `n` has if it is imported.
    pub(super) fn imported_key(&self, card: u32) -> Result<ImportedKey, OwnerError> {
        ImportedKey::derive(&self.xpriv, self.network, self.coin_type(), card)
    }

    fn card_key(&self, card: u32, kind: &[u32]) -> Result<SigningKey, OwnerError> {
        let path = [PURPOSE, self.coin_type(), card]
            .iter()
            .chain(kind)
            .map(|step| ChildNumber::from_hardened_idx(*step))
            .collect::<Result<Vec<_>, _>>()
            .map_err(key_error)?;
        let mut child = self
            .xpriv
            .derive_priv(&self.secp, &path)
            .map_err(key_error)?;
        let key = SigningKey(Keypair::from_secret_key(&self.secp, &child.private_key));
        child.private_key.non_secure_erase();
        Ok(key)
    }

    fn coin_type(&self) -> u32 {
        match self.network {
            Network::Bitcoin => 0,
            _ => 1,
        }
    }
}

fn key_error(error: impl ToString) -> OwnerError {
    OwnerError::key(error)
}

/// A secret key that signs by BIP340; wiped when it goes.
pub(super) struct SigningKey(Keypair);

impl From<Keypair> for SigningKey {
    fn from(key: Keypair) -> Self {
        Self(key)
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        self.0.non_secure_erase();
    }
}

impl SigningKey {
    fn public(&self) -> XOnlyPublicKey {
        self.0.x_only_public_key().0
    }

    /// Signs with fresh auxiliary randomness, and verifies before it gives the signature away.
    pub(super) fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], OwnerError> {
        let mut auxiliary = [0u8; 32];
        getrandom::fill(&mut auxiliary).map_err(|_| OwnerError::NoRandomness)?;
        let secp = Secp256k1::new();
        let message = Message::from_digest(*message);
        let signature = secp.sign_schnorr_with_aux_rand(&message, &self.0, &auxiliary);
        secp.verify_schnorr(&signature, &message, &self.public())
            .map_err(|_| key_error("a signature that was just made doesn't verify"))?;
        Ok(signature.serialize())
    }
}

/// The key that stands as `pk(PRIMARY)` in a card's scripts: with it the owner takes the coins of
/// a lost card.
pub struct LeafKey(SigningKey);

impl LeafKey {
    /// The public key, as ISSUE takes it.
    pub fn public(&self) -> XOnlyPublicKey {
        self.0.public()
    }

    /// A BIP340 signature of a script-path sighash.
    pub(super) fn sign(&self, sighash: &[u8; 32]) -> Result<[u8; 64], OwnerError> {
        self.0.sign(sighash)
    }
}

/// The key that authorises owner commands to one card (`docs/protocol.md` §5).
pub struct OwnerKey(SigningKey);

impl OwnerKey {
    /// The public key, as ISSUE takes it.
    pub fn public(&self) -> XOnlyPublicKey {
        self.0.public()
    }

    /// A BIP340 signature of the 32-byte message of a signed command.
    ///
    /// # Errors
    /// [`OwnerError::NoRandomness`] when the operating system gives no random bytes.
    pub fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], OwnerError> {
        self.0.sign(message)
    }
}

/// The key under which a card's account key is written to the chain: 32 bytes,
/// `TH("Tillcard/backup-key", secret key)`.
pub(super) struct BackupKey(pub(super) Zeroizing<[u8; 32]>);

#[cfg(test)]
mod tests {
    use bitcoin::hashes::{Hash, sha256};

    use super::*;

    const ABANDON: &str = "abandon abandon abandon abandon abandon abandon abandon abandon \
                           abandon abandon abandon about";

    fn master(network: Network) -> MasterKey {
        MasterKey::new(&Words::parse(ABANDON).unwrap(), network).unwrap()
    }

    #[test]
    fn the_purpose_comes_from_the_name() {
        let hash = sha256::Hash::hash(b"Tillcard").to_byte_array();
        let first = u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]);
        assert_eq!(PURPOSE, first & 0x7fff_ffff);
    }

    #[test]
    fn the_primary_wallet_is_that_of_bip86() {
        let (receive, change) = master(Network::Bitcoin).primary_descriptors().unwrap();
        // The account's extended public key of BIP86's vectors.
        let xpub = "xpub6BgBgsespWvERF3LHQu6CnqdvfEvtMcQjYrcRzx53QJjSxarj2afYWcLteoGVky7D3UKDP9\
                    QyrLprQ3VCECoY49yfdDEHGCtMMj92pReUsQ";
        assert_eq!(receive, format!("tr([73c5da0a/86'/0'/0']{xpub}/0/*)"));
        assert_eq!(change, format!("tr([73c5da0a/86'/0'/0']{xpub}/1/*)"));
    }

    #[test]
    fn every_key_has_its_own_path() {
        let mut keys = std::collections::BTreeSet::new();
        for network in [Network::Bitcoin, Network::Regtest] {
            for card in 0..3 {
                let master = master(network);
                keys.insert(master.leaf_key(card).unwrap().public().serialize());
                for changes in 0..3 {
                    let key = master.owner_key(card, changes).unwrap();
                    keys.insert(key.public().serialize());
                }
                keys.insert(*master.backup_key(card).unwrap().0);
            }
        }
        assert_eq!(keys.len(), 30);
        // These may never change: coins depend on them. The values come from another
        // implementation of BIP32.
        let master = master(Network::Regtest);
        assert_eq!(
            master.leaf_key(0).unwrap().public().to_string(),
            "1f6c528a08f6564a4a15b72cb6e71a2c48e7057109e08beecb5a0a9d38a78b4d"
        );
        assert_eq!(
            master.owner_key(0, 0).unwrap().public().to_string(),
            "c63888c27d74f4b609cdbc5753ccd6718cc8c3544050be885b566cc9966566cf"
        );
        assert_eq!(
            hex::encode(*master.backup_key(0).unwrap().0),
            "161325e1599188dda45cef952b494f3a0596d228272dd27b99352affd1d8a486"
        );
    }
}
