//! VERIFY (`docs/protocol.md`, section 4.1).

use super::apdu::Apdu;
use super::types::expect_parameters;
use crate::pin::{BLOCK_LENGTH, PinBlock};
use crate::status::Status;
use crate::tlv;

/// VERIFY, to be sent.
pub struct Verify;

impl Verify {
    pub(super) const CODE: [u8; 2] = [0x00, 0x20];
    /// P2 `80`: specific reference data, number 0.
    const PARAMETERS: [u8; 2] = [0x00, 0x80];

    /// Presents a PIN.
    pub fn to_apdu(pin: &PinBlock) -> Apdu {
        Apdu::build(Self::header(), false, |out| {
            tlv::append(out, pin.as_bytes())
        })
        .expect("a PIN block fits")
    }

    /// Asks for the tries left.
    pub fn query() -> Apdu {
        Apdu::bare(Self::header(), false)
    }

    const fn header() -> [u8; 4] {
        let [cla, ins] = Self::CODE;
        let [p1, p2] = Self::PARAMETERS;
        [cla, ins, p1, p2]
    }
}

/// What stood in the data field. A malformed entry is no parsing error: it uses
/// up a try like a wrong PIN (`[PIN-2]`).
pub enum PinEntry {
    /// Nothing: the tries left are asked for.
    Query,
    /// A well-formed block.
    Block(PinBlock),
    /// Anything else.
    Malformed,
}

impl PinEntry {
    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        expect_parameters(parameters, Verify::PARAMETERS)?;
        if data.is_empty() {
            return Ok(Self::Query);
        }
        let block = <&[u8; BLOCK_LENGTH]>::try_from(data)
            .ok()
            .and_then(PinBlock::from_bytes);
        Ok(block.map_or(Self::Malformed, Self::Block))
    }
}
