//! An account key from elsewhere, on its way into a card.

use bitcoin::Network;
use bitcoin::bip32::ChainCode;
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use super::{CardAccount, Leaf};

/// A private account key and its chain code, as ISSUE takes them. It is wiped when it is dropped,
/// and has no `Debug`.
pub struct AccountKey {
    secret: SecretKey,
    chain_code: ChainCode,
}

impl Drop for AccountKey {
    fn drop(&mut self) {
        self.secret.non_secure_erase();
    }
}

impl AccountKey {
    /// The key of a BIP32 node. The caller wipes its own copy.
    pub fn new(secret: SecretKey, chain_code: ChainCode) -> Self {
        Self { secret, chain_code }
    }

    /// The account of a card that holds this key.
    pub fn account(&self, network: Network, leaf: Leaf) -> CardAccount {
        let key = PublicKey::from_secret_key(&Secp256k1::new(), &self.secret);
        CardAccount::new(network, key, self.chain_code.to_bytes(), leaf)
    }

    /// The private key, 32 bytes big-endian.
    pub fn secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.secret_bytes())
    }

    /// The chain code.
    pub fn chain_code(&self) -> [u8; 32] {
        self.chain_code.to_bytes()
    }
}
