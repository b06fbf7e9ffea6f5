//! READ ACCOUNT (`docs/protocol.md`, section 8.7).

use super::issue::{Issued, Provenance};
use super::leaf::Leaf;
use super::network::Network;
use super::signed::empty_body;
use super::types::XOnlyKey;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

empty_body!(
    /// The owner's command that asks for the issue record again. Answered by an
    /// [`AccountRecord`].
    ReadAccount = [0x80, 0x50, 0x00, 0x00],
    answered: true,
    names_card: false
);

impl ReadAccount {
    pub(super) const CODE: [u8; 2] = [0x80, 0x50];
}

/// What the card became when it was issued, with what its owner may have
/// forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountRecord {
    /// As ISSUE answered, with another salt and signature.
    pub issued: Issued,
    /// The chain that the card is for.
    pub network: Network,
    /// Where its account key comes from.
    pub provenance: Provenance,
    /// Who may give owner commands now.
    pub owner_key: XOnlyKey,
    /// The primary wallet's leaf.
    pub leaf: Leaf,
}

impl AccountRecord {
    /// Reads the answer; the signature is unchecked.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one, or has values that this version doesn't
    /// know.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let read = Self {
            issued: Issued::take(&mut objects)?,
            network: Network::from_byte(objects.fixed::<1>(0x86)?[0]).ok_or(Malformed)?,
            provenance: Provenance::from_byte(objects.fixed::<1>(0x87)?[0]).ok_or(Malformed)?,
            owner_key: *objects.fixed(0x88)?,
            leaf: Leaf::from_bytes(objects.fixed(0x89)?).ok_or(Malformed)?,
        };
        objects.end()?;
        Ok(read)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        self.issued.write(out)?;
        tlv::put(out, 0x86, &[self.network.to_byte()])?;
        tlv::put(out, 0x87, &[self.provenance.to_byte()])?;
        tlv::put(out, 0x88, &self.owner_key)?;
        tlv::put(out, 0x89, &self.leaf.to_bytes())
    }
}
