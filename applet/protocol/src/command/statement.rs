//! STATEMENT (`docs/protocol.md`, section 7.8).

use super::apdu::Apdu;
use super::genuine::NONCE_LENGTH;
use super::issue::{Provenance, SALT_LENGTH};
use super::leaf::Leaf;
use super::network::Network;
use super::place::Outpoint;
use super::signed::SIGNATURE_LENGTH;
use super::types::{Txid, XOnlyKey, expect_length, expect_parameters};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Asks for a statement on the payment that this session made. Answered by a
/// [`Statement`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskStatement {
    /// Random bytes of the shop's.
    pub nonce: [u8; NONCE_LENGTH],
    /// The payment's transaction.
    pub txid: Txid,
}

impl AskStatement {
    pub(super) const CODE: [u8; 2] = [0x80, 0x54];
    const LENGTH: usize = 2 + NONCE_LENGTH + 2 + size_of::<Txid>();

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        expect_parameters(parameters, [0, 0])?;
        expect_length(data, Self::LENGTH..=Self::LENGTH)?;
        let mut objects = Objects::new(data);
        let ask = Self {
            nonce: *objects.fixed(0x80)?,
            txid: *objects.fixed(0x81)?,
        };
        objects.end()?;
        Ok(ask)
    }

    /// The command in bytes.
    pub fn to_apdu(&self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build([cla, ins, 0, 0], true, |out| {
            tlv::put(out, 0x80, &self.nonce)?;
            tlv::put(out, 0x81, &self.txid)
        })
        .expect("68 bytes fit")
    }
}

/// What the card says of a payment, as it travels; see
/// [`StatementFacts`](crate::proof::StatementFacts).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// The chain.
    pub network: Network,
    /// Where the account key comes from.
    pub provenance: Provenance,
    /// The leaf's kind and delay.
    pub leaf: [u8; Leaf::POLICY_LENGTH],
    /// The outpoints spent: txid ‖ vout (`u32`, big-endian) each.
    pub outpoints: &'a [u8],
    /// The output keys of these, one after another.
    pub output_keys: &'a [u8],
    /// Random bytes of the card's.
    pub salt: [u8; SALT_LENGTH],
    /// r ‖ s of the identity key's ECDSA signature.
    pub signature: [u8; SIGNATURE_LENGTH],
}

impl<'a> Statement<'a> {
    /// Reads the answer; the signature is unchecked.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let read = Self {
            network: Network::from_byte(objects.fixed::<1>(0x80)?[0]).ok_or(Malformed)?,
            provenance: Provenance::from_byte(objects.fixed::<1>(0x81)?[0]).ok_or(Malformed)?,
            leaf: *objects.fixed(0x82)?,
            outpoints: objects.next(0x83)?,
            output_keys: objects.next(0x84)?,
            salt: *objects.fixed(0x85)?,
            signature: *objects.fixed(0x86)?,
        };
        objects.end()?;
        let inputs = read.outpoints.len() / Outpoint::LENGTH;
        if inputs > 0
            && read.outpoints.len() == inputs * Outpoint::LENGTH
            && read.output_keys.len() == inputs * size_of::<XOnlyKey>()
        {
            Ok(read)
        } else {
            Err(Malformed)
        }
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &[self.network.to_byte()])?;
        tlv::put(out, 0x81, &[self.provenance.to_byte()])?;
        tlv::put(out, 0x82, &self.leaf)?;
        tlv::put(out, 0x83, self.outpoints)?;
        tlv::put(out, 0x84, self.output_keys)?;
        tlv::put(out, 0x85, &self.salt)?;
        tlv::put(out, 0x86, &self.signature)
    }
}
