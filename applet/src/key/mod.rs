//! Keys: the account, what is derived from it, and signatures.

mod account;
mod bip32;
mod leaf;
mod own;
mod ring;
mod schnorr;
mod sighash;
mod taproot;
#[cfg(test)]
mod vectors;

pub use account::{Account, Share};
pub use leaf::MerkleRoot;
pub use own::{AgreementKey, IdentityKey, OwnKeyPairs};
pub use ring::KeyRing;
pub use schnorr::{is_x_only_key, sign, verify};
pub use sighash::{InputHasher, InputHashes, Sighashes};
pub use taproot::CoinKey;
