//! Places of keys, and outpoints of coins (`docs/protocol.md`, section 1).

use super::types::Txid;
use crate::tlv::{self, Overflow};
use heapless::VecView;

/// The bit of a place that is the chain.
const CHAIN_BIT: u32 = 1 << 31;

/// Where a key of the card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// [`Self::RECEIVE`] or [`Self::CHANGE`].
    pub chain: u32,
    /// Index on the chain, below 2³¹.
    pub index: u32,
}

impl Place {
    /// The chain of receive indexes (`CARD/0/i`).
    pub const RECEIVE: u32 = 0;
    /// The chain of change indexes (`CARD/1/i`).
    pub const CHANGE: u32 = 1;

    /// On the receive chain (`CARD/0/index`).
    pub const fn receive(index: u32) -> Self {
        Self {
            chain: Self::RECEIVE,
            index,
        }
    }

    /// On the change chain (`CARD/1/index`).
    pub const fn change(index: u32) -> Self {
        Self {
            chain: Self::CHANGE,
            index,
        }
    }

    /// Bit 31 is the chain, the others are the index.
    pub const fn to_u32(self) -> u32 {
        self.chain << 31 | (self.index & !CHAIN_BIT)
    }

    /// The place that a number stands for.
    pub const fn from_u32(place: u32) -> Self {
        Self {
            chain: place >> 31,
            index: place & !CHAIN_BIT,
        }
    }
}

/// A transaction's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outpoint {
    /// The transaction, in the order in which transactions carry it.
    pub txid: Txid,
    /// Which of its outputs.
    pub vout: u32,
}

impl Outpoint {
    /// Bytes of an outpoint in the protocol.
    pub const LENGTH: usize = 36;

    /// txid ‖ vout, big-endian.
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..32].copy_from_slice(&self.txid);
        bytes[32..].copy_from_slice(&self.vout.to_be_bytes());
        bytes
    }

    /// Reads txid ‖ vout.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let mut txid = [0; 32];
        let mut vout = [0; 4];
        txid.copy_from_slice(&bytes[..32]);
        vout.copy_from_slice(&bytes[32..]);
        Self {
            txid,
            vout: u32::from_be_bytes(vout),
        }
    }
}

/// Outpoints in an answer, one after another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outpoints<'a>(&'a [[u8; Outpoint::LENGTH]]);

impl<'a> Outpoints<'a> {
    /// `None` unless these bytes are one outpoint or more.
    pub(super) fn new(bytes: &'a [u8]) -> Option<Self> {
        let (outpoints, rest) = bytes.as_chunks();
        (!outpoints.is_empty() && rest.is_empty()).then_some(Self(outpoints))
    }
}

impl Iterator for Outpoints<'_> {
    type Item = Outpoint;

    fn next(&mut self) -> Option<Outpoint> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(Outpoint::from_bytes(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl ExactSizeIterator for Outpoints<'_> {}

/// Appends a data object of outpoints.
pub(super) fn put_outpoints(
    out: &mut VecView<u8>,
    tag: u8,
    outpoints: impl ExactSizeIterator<Item = Outpoint>,
) -> Result<(), Overflow> {
    tlv::open(out, tag, outpoints.len() * Outpoint::LENGTH)?;
    for outpoint in outpoints {
        tlv::append(out, &outpoint.to_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_have_the_chain_in_bit_31() {
        assert_eq!(Place::receive(5).to_u32(), 5);
        assert_eq!(Place::change(5).to_u32(), 0x8000_0005);
    }

    proptest! {
        #[test]
        fn places_read_back(place: u32) {
            prop_assert_eq!(Place::from_u32(place).to_u32(), place);
        }

        #[test]
        fn outpoints_read_back(pairs: std::vec::Vec<([u8; 32], u32)>) {
            let outpoints: std::vec::Vec<_> =
                pairs.into_iter().map(|(txid, vout)| Outpoint { txid, vout }).collect();
            let bytes: std::vec::Vec<u8> =
                outpoints.iter().flat_map(|outpoint| outpoint.to_bytes()).collect();
            let read = Outpoints::new(&bytes).map(|read| read.collect::<std::vec::Vec<_>>());
            prop_assert_eq!(read, (!outpoints.is_empty()).then_some(outpoints));
        }
    }
}
