//! Account keys that come from the words: BIP85 gives each imported card twelve words of its own,
//! and BIP86 their first account. Any wallet that knows the two standards finds the card's key from
//! the primary's words.

use bip39::{Language, Mnemonic};
use bitcoin::Network;
use bitcoin::bip32::{ChildNumber, DerivationPath, Fingerprint, Xpriv};
use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha512};
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::taproot::TaprootSpendInfo;
use zeroize::Zeroizing;

use super::OwnerError;
use super::keys::SigningKey;
use tillcard_client::account::{AccountKey, CardAccount, CardChain, Leaf};

/// BIP85's purpose, "SEED" on a telephone's keys and more.
const BIP85: u32 = 83_696_968;
/// BIP85's application for BIP39 words; then language 0 (English) and the number of words.
const BIP39: u32 = 39;
const WORDS: u32 = 12;
const ENTROPY: usize = 16;

/// A BIP32 node for ISSUE: `m/86'/coin'/0'` of a card's own words. It is wiped when it goes.
pub struct ImportedKey(Xpriv);

impl Drop for ImportedKey {
    fn drop(&mut self) {
        self.0.private_key.non_secure_erase();
    }
}

impl ImportedKey {
    /// The node of card `number`, from the master key of the owner's words.
    pub(super) fn derive(
        master: &Xpriv,
        network: Network,
        coin_type: u32,
        number: u32,
    ) -> Result<Self, OwnerError> {
        let secp = Secp256k1::new();
        let entropy = entropy(master, [BIP39, 0, WORDS, number])?;
        let words = Mnemonic::from_entropy_in(Language::English, &entropy[..ENTROPY])
            .map_err(|error| OwnerError::Words(error.to_string()))?;
        let seed = Zeroizing::new(words.to_seed_normalized(""));
        let mut root = Xpriv::new_master(network, seed.as_ref()).map_err(key_error)?;
        let path: DerivationPath = format!("m/86'/{coin_type}'/0'")
            .parse()
            .map_err(key_error)?;
        let account = root.derive_priv(&secp, &path).map_err(key_error);
        root.private_key.non_secure_erase();
        // The account stands where BIP32 has a master key, as everywhere with cards.
        account.map(|account| {
            Self(Xpriv {
                depth: 0,
                parent_fingerprint: Fingerprint::default(),
                child_number: ChildNumber::Normal { index: 0 },
                ..account
            })
        })
    }

    /// The private key and the chain code, as ISSUE takes them.
    pub fn account_key(&self) -> AccountKey {
        AccountKey::new(self.0.private_key, self.0.chain_code)
    }

    /// The account of a card that holds this key.
    pub fn account(&self, network: Network, leaf: Leaf) -> CardAccount {
        self.account_key().account(network, leaf)
    }

    /// A BIP340 signature of a key-path sighash, under the output key at an index.
    pub(super) fn sign(
        &self,
        chain: CardChain,
        index: u32,
        info: &TaprootSpendInfo,
        sighash: &[u8; 32],
    ) -> Result<[u8; 64], OwnerError> {
        let secp = Secp256k1::new();
        let path = [
            ChildNumber::Normal {
                index: chain as u32,
            },
            ChildNumber::from_normal_idx(index).map_err(key_error)?,
        ];
        let mut child = self.0.derive_priv(&secp, &path).map_err(key_error)?;
        let internal = Keypair::from_secret_key(&secp, &child.private_key);
        child.private_key.non_secure_erase();
        let output = internal.tap_tweak(&secp, info.merkle_root());
        SigningKey::from(output.to_keypair()).sign(sighash)
    }
}

/// BIP85's entropy for a path below its purpose: 64 bytes.
fn entropy(master: &Xpriv, path: [u32; 4]) -> Result<Zeroizing<[u8; 64]>, OwnerError> {
    let path: Vec<ChildNumber> = [BIP85]
        .iter()
        .chain(&path)
        .map(|step| ChildNumber::from_hardened_idx(*step))
        .collect::<Result<_, _>>()
        .map_err(key_error)?;
    let mut child = master
        .derive_priv(&Secp256k1::new(), &path)
        .map_err(key_error)?;
    let secret = Zeroizing::new(child.private_key.secret_bytes());
    child.private_key.non_secure_erase();
    let mut engine = HmacEngine::<sha512::Hash>::new(b"bip-entropy-from-k");
    engine.input(secret.as_ref());
    Ok(Zeroizing::new(Hmac::from_engine(engine).to_byte_array()))
}

fn key_error(error: impl ToString) -> OwnerError {
    OwnerError::key(error)
}

#[cfg(test)]
mod tests {
    use bitcoin::bip32::ChainCode;

    use super::*;

    fn master() -> Xpriv {
        // BIP85's test vectors.
        "xprv9s21ZrQH143K2LBWUUQRFXhucrQqBpKdRRxNVq2zBqsx8HVqFk2uYo8kmbaLLHRdqtQpUm98uKfu3vca1LqdGhUtyoFnCNkfmXRyPXLjbKb"
            .parse()
            .unwrap()
    }

    #[test]
    fn entropy_is_that_of_bip85() {
        let twelve = entropy(&master(), [39, 0, 12, 0]).unwrap();
        assert_eq!(
            hex::encode(&twelve[..16]),
            "6250b68daf746d12a24d58b4787a714b"
        );
        let words = Mnemonic::from_entropy_in(Language::English, &twelve[..16]).unwrap();
        assert_eq!(
            words.to_string(),
            "girl mad pet galaxy egg matter matrix prison refuse sense ordinary nose"
        );
        let eighteen = entropy(&master(), [39, 0, 18, 0]).unwrap();
        assert_eq!(
            hex::encode(&eighteen[..24]),
            "938033ed8b12698449d4bbca3c853c66b293ea1b1ce9d9dc"
        );
    }

    /// The same as a wallet finds that is given the card's words.
    #[test]
    fn the_account_is_that_of_the_cards_words() {
        let words: Mnemonic =
            "girl mad pet galaxy egg matter matrix prison refuse sense ordinary nose"
                .parse()
                .unwrap();
        let secp = Secp256k1::new();
        for (network, coin) in [(Network::Bitcoin, 0), (Network::Regtest, 1)] {
            let root = Xpriv::new_master(network, &words.to_seed("")).unwrap();
            let path: DerivationPath = format!("m/86h/{coin}h/0h").parse().unwrap();
            let node = root.derive_priv(&secp, &path).unwrap();
            let key = ImportedKey::derive(&master(), network, coin, 0).unwrap();
            let given = key.account_key();
            assert_eq!(*given.secret(), node.private_key.secret_bytes());
            assert_eq!(ChainCode::from(given.chain_code()), node.chain_code);
            let account = key.account(network, Leaf::None);
            assert_eq!(account.account_key(), node.private_key.public_key(&secp));
        }
    }

    #[test]
    fn every_card_has_its_own() {
        let key = |number| ImportedKey::derive(&master(), Network::Regtest, 1, number).unwrap();
        assert_ne!(
            *key(0).account_key().secret(),
            *key(1).account_key().secret()
        );
    }
}
