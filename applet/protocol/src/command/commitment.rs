//! The answer to GENERATE ASYMMETRIC KEY PAIR (`docs/protocol.md`, section 3.1).

use super::types::Point;
use crate::tlv::{self, Malformed, Overflow};
use heapless::VecView;

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

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::append(out, &PREFIX)?;
        tlv::append(out, &self.0)
    }
}
