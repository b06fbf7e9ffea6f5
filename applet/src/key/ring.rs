//! Many keys of one card, each chain derived once.

use super::account::{Account, Chain};
use super::{CoinKey, MerkleRoot};
use tillcard_protocol::command::Place;
use tillcard_protocol::status::Status;

/// Derives the keys of coins on demand.
pub struct KeyRing<'a> {
    account: &'a Account,
    merkle_root: MerkleRoot,
    chains: [Option<Chain>; 2],
}

impl<'a> KeyRing<'a> {
    /// The keys below an account, of outputs with this merkle root.
    pub fn new(account: &'a Account, merkle_root: MerkleRoot) -> Self {
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
    pub fn key(&mut self, place: Place) -> Result<CoinKey, Status> {
        let chain = &mut self.chains[(place.chain & 1) as usize];
        let chain = match chain {
            Some(chain) => chain,
            None => chain.insert(self.account.chain(place.chain)?),
        };
        chain.key(place.index, &self.merkle_root)
    }
}
