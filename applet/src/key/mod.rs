//! Keys: the account, what is derived from it, and signatures.

mod account;
mod bip32;
mod card_keys;
mod leaf;
mod ring;
mod schnorr;
mod sighash;
mod taproot;
#[cfg(test)]
mod vectors;

pub use account::{Account, AccountSecret, PublicAccount, Share};
pub use card_keys::{AgreementKey, CardKeyPairs, IdentityKey};
pub use leaf::MerkleRoot;
pub use ring::{KeyRing, Signer};
pub use schnorr::{is_x_only_key, verify};
pub use sighash::{InputHasher, InputHashes, Sighashes};
pub use taproot::OutputKey;
