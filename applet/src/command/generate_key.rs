//! GENERATE ASYMMETRIC KEY PAIR (`docs/protocol.md`, section 3.1).

use super::{Apdu, Point, expect_bare};
use crate::status::Status;
use crate::tlv::{self, Malformed, Overflow};
use heapless::VecView;

/// Has the card draw its share of the account key.
pub struct GenerateKey;

impl GenerateKey {
    pub(super) const CODE: [u8; 2] = [0x00, 0x46];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        expect_bare(parameters, data)?;
        Ok(Self)
    }

    /// The command in bytes.
    pub fn to_apdu() -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::bare([cla, ins, 0, 0], true)
    }
}

/// The card's commitment `C = c·G` to its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(pub Point);

/// Tag `7F49`, length, tag `86`, length.
const PREFIX: [u8; 5] = [0x7F, 0x49, 0x23, 0x86, 0x21];

impl Commitment {
    /// Reads the public key template.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one with a compressed point.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let point = bytes.strip_prefix(&PREFIX).ok_or(Malformed)?;
        point.try_into().map(Self).map_err(|_| Malformed)
    }

    pub(crate) fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::append(out, &PREFIX)?;
        tlv::append(out, &self.0)
    }
}
