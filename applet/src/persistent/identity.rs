//! What ISSUE makes of a card. Public and secret parts of its record are read apart.

use super::{IDENTITY, OWNER_KEY, Persistent};
use crate::key::{AccountSecret, IdentityKey, KeyRing, MerkleRoot, PublicAccount};
use embedded_storage::nor_flash::NorFlash;
use tillcard_protocol::command::{Leaf, Network, Provenance, XOnlyKey};
use tillcard_protocol::status::{self, Status};
use zeroize::Zeroizing;

/// The account, and whom the card is for; nothing of it is secret. Only the owner key ever changes.
#[derive(PartialEq, Eq)]
pub struct Identity {
    /// The account without its secret.
    pub account: PublicAccount,
    /// The chain that the card is for.
    pub network: Network,
    /// Where the account key comes from.
    pub provenance: Provenance,
    /// Who may give owner commands.
    pub owner_key: XOnlyKey,
    /// The primary wallet's leaf.
    pub leaf: Leaf,
}

/// Bytes of the key that signs, of a card that was issued under versions 0.1 and 0.2; it stands
/// apart since, and zeros in its place.
const FORMER_KEY_LENGTH: usize = 32;
const NO_KEY: [u8; FORMER_KEY_LENGTH] = [0; FORMER_KEY_LENGTH];

const OWNER_KEY_LENGTH: usize = size_of::<XOnlyKey>();

// The record: the account's secret, what of it is public with network and provenance, the former
// key, owner key and leaf.
const PUBLIC: usize = AccountSecret::LENGTH;
const FORMER_KEY: usize = PUBLIC + PUBLIC_LENGTH;
const OWNER: usize = FORMER_KEY + FORMER_KEY_LENGTH;
const PUBLIC_LENGTH: usize = PublicAccount::LENGTH + 1 + 1;
const OWNER_LENGTH: usize = OWNER_KEY_LENGTH + Leaf::LENGTH;

type Record = [u8; Identity::LENGTH];

impl Identity {
    pub(super) const LENGTH: usize = OWNER + OWNER_LENGTH;

    /// What the card's output keys commit to.
    pub fn merkle_root(&self) -> MerkleRoot {
        MerkleRoot::new(&self.leaf)
    }

    /// The keys of the card's coins.
    pub fn keys(&self) -> KeyRing {
        KeyRing::new(self.account.clone(), self.merkle_root())
    }

    /// The record, with a secret of this account's.
    pub(super) fn encode(&self, secret: &AccountSecret) -> Zeroizing<Record> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        let mut at = 0;
        for piece in [
            &secret.to_bytes()[..],
            &self.account.to_bytes(),
            &[self.network.to_byte(), self.provenance.to_byte()],
            &NO_KEY,
            &self.owner_key,
            &self.leaf.to_bytes(),
        ] {
            bytes[at..at + piece.len()].copy_from_slice(piece);
            at += piece.len();
        }
        bytes
    }

    fn decode(public: &[u8; PUBLIC_LENGTH], owner: &[u8; OWNER_LENGTH]) -> Option<Self> {
        let (account, rest) = public.split_first_chunk()?;
        let [network, provenance] = rest.try_into().ok()?;
        let (owner_key, leaf) = owner.split_first_chunk()?;
        Some(Self {
            account: PublicAccount::from_bytes(account),
            network: Network::from_byte(network)?,
            provenance: Provenance::from_byte(provenance)?,
            owner_key: *owner_key,
            leaf: Leaf::from_bytes(leaf.try_into().ok()?)?,
        })
    }
}

impl<N: NorFlash> Persistent<N> {
    /// What the card became when it was issued, with the owner key of now.
    ///
    /// # Errors
    /// `6985` when it wasn't; `6581`.
    pub fn identity(&mut self) -> Result<Identity, Status> {
        if !self.is_issued()? {
            return Err(status::CONDITIONS);
        }
        let mut public = [0; PUBLIC_LENGTH];
        let mut owner = [0; OWNER_LENGTH];
        self.read_of_identity(PUBLIC, &mut public)?;
        self.read_of_identity(OWNER, &mut owner)?;
        let mut identity = Identity::decode(&public, &owner).ok_or(status::MEMORY_FAILURE)?;
        if self.journal.contains(OWNER_KEY)? {
            self.read_fixed(OWNER_KEY, &mut identity.owner_key)?;
        }
        Ok(identity)
    }

    /// The secret of the account, to sign for keys that were derived from this identity.
    ///
    /// # Errors
    /// `6400` when it reads otherwise now; `6581`.
    pub fn account_secret(&mut self, identity: &Identity) -> Result<AccountSecret, Status> {
        if self.identity()? != *identity {
            return Err(status::EXECUTION_ERROR);
        }
        let mut secret = Zeroizing::new([0; AccountSecret::LENGTH]);
        self.read_of_identity(0, &mut *secret)?;
        AccountSecret::from_bytes(&secret)
    }

    /// The key that signs, of a card that was issued under versions 0.1 and 0.2.
    ///
    /// # Errors
    /// `6581`
    pub fn former_key(&mut self) -> Result<Option<IdentityKey>, Status> {
        let mut key = Zeroizing::new(NO_KEY);
        self.read_of_identity(FORMER_KEY, &mut *key)?;
        match *key {
            NO_KEY => Ok(None),
            _ => IdentityKey::from_bytes(&key).map(Some),
        }
    }

    /// Replaces the owner key (`[OWN-4]`).
    ///
    /// # Errors
    /// `6581`
    pub fn set_owner_key(&mut self, owner_key: &XOnlyKey) -> Result<(), Status> {
        let mut transaction = self.journal.begin(1, OWNER_KEY_LENGTH)?;
        transaction.put(OWNER_KEY, owner_key)?;
        Ok(transaction.commit()?)
    }

    /// Reads bytes of the record from an offset on.
    fn read_of_identity(&mut self, offset: usize, buffer: &mut [u8]) -> Result<(), Status> {
        match self.journal.read_part(IDENTITY, offset, buffer)? {
            Some(Identity::LENGTH) => Ok(()),
            _ => Err(status::MEMORY_FAILURE),
        }
    }
}
