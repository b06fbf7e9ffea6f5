//! What ISSUE makes of a card.

use crate::command::{Limits, Network, XOnlyKey};
use crate::hash::Hash;
use crate::key::{Account, leaf_hash};
use crate::status::{self, Status};
use zeroize::Zeroizing;

/// The account, and whom and what the card is for.
pub struct Identity {
    /// The account key.
    pub account: Account,
    /// The chain that the card is for.
    pub network: Network,
    /// Who may give owner commands.
    pub owner_key: XOnlyKey,
    /// The primary wallet's leaf key.
    pub leaf_key: XOnlyKey,
    /// What the owner allows in shops.
    pub limits: Limits,
}

impl Identity {
    pub(super) const LENGTH: usize = Account::LENGTH + 1 + 32 + 32 + Limits::LENGTH;

    /// The merkle root of the card's outputs.
    pub fn merkle_root(&self) -> Hash {
        leaf_hash(&self.leaf_key)
    }

    pub(super) fn encode(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        let mut at = 0;
        for piece in [
            &self.account.to_bytes()[..],
            &[self.network.to_byte()],
            &self.owner_key,
            &self.leaf_key,
            &self.limits.to_bytes(),
        ] {
            bytes[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        }
        bytes
    }

    /// # Errors
    /// `6581` when this isn't what [`Self::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Status> {
        Self::split(bytes).ok_or(status::MEMORY_FAILURE)
    }

    fn split(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk()?;
        let (network, rest) = rest.split_first()?;
        let (owner_key, rest) = rest.split_first_chunk()?;
        let (leaf_key, limits) = rest.split_first_chunk()?;
        Some(Self {
            account: Account::from_bytes(account).ok()?,
            network: Network::from_byte(*network)?,
            owner_key: *owner_key,
            leaf_key: *leaf_key,
            limits: Limits::from_bytes(limits.try_into().ok()?),
        })
    }
}
