//! What ISSUE makes of a card.

use crate::key::{Account, IdentityKey, KeyRing, MerkleRoot};
use tillcard_protocol::command::{Leaf, Network, Provenance, XOnlyKey};
use tillcard_protocol::status::{self, Status};
use zeroize::Zeroizing;

/// The card's keys, and whom it is for. Only the owner key ever changes.
pub struct Identity {
    /// The account key.
    pub account: Account,
    /// The chain that the card is for.
    pub network: Network,
    /// Where the account key comes from.
    pub provenance: Provenance,
    /// The key that signs, of a card that was issued under versions 0.1 and 0.2; it
    /// stands apart since.
    pub former_key: Option<IdentityKey>,
    /// Who may give owner commands.
    pub owner_key: XOnlyKey,
    /// The primary wallet's leaf.
    pub leaf: Leaf,
}

const FORMER_KEY_LENGTH: usize = 32;
/// Stands where no former key does.
const NO_KEY: [u8; FORMER_KEY_LENGTH] = [0; FORMER_KEY_LENGTH];

impl Identity {
    pub(super) const LENGTH: usize =
        Account::LENGTH + 1 + 1 + FORMER_KEY_LENGTH + 32 + Leaf::LENGTH;

    /// What the card's output keys commit to.
    pub fn merkle_root(&self) -> MerkleRoot {
        MerkleRoot::new(&self.leaf)
    }

    /// The keys of the card's coins.
    pub fn keys(&self) -> KeyRing<'_> {
        KeyRing::new(&self.account, self.merkle_root())
    }

    pub(super) fn encode(&self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        let former_key = match &self.former_key {
            Some(key) => key.to_bytes(),
            None => Zeroizing::new(NO_KEY),
        };
        let mut at = 0;
        for piece in [
            &self.account.to_bytes()[..],
            &[self.network.to_byte(), self.provenance.to_byte()],
            &former_key[..],
            &self.owner_key,
            &self.leaf.to_bytes(),
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
        let ([network, provenance], rest) = rest.split_first_chunk()?;
        let (former_key, rest) = rest.split_first_chunk()?;
        let (owner_key, leaf) = rest.split_first_chunk()?;
        Some(Self {
            account: Account::from_bytes(account).ok()?,
            network: Network::from_byte(*network)?,
            provenance: Provenance::from_byte(*provenance)?,
            former_key: match *former_key {
                NO_KEY => None,
                _ => Some(IdentityKey::from_bytes(former_key).ok()?),
            },
            owner_key: *owner_key,
            leaf: Leaf::from_bytes(leaf.try_into().ok()?)?,
        })
    }
}
