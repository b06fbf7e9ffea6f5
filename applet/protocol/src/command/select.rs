//! SELECT (`docs/protocol.md`, section 2.3).

use super::apdu::Apdu;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// The application identifier: proprietary category (F), "TILLCARD".
pub const AID: [u8; 9] = *b"\xF0TILLCARD";

/// SELECT by DF name.
pub struct Select;

impl Select {
    /// Selects the application by its full AID.
    pub fn to_apdu() -> Apdu {
        Apdu::build([0x00, 0xA4, 0x04, 0x00], true, |out| tlv::append(out, &AID))
            .expect("an AID fits")
    }
}

/// The answer to SELECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selected {
    /// Major and minor version of the protocol.
    pub version: [u8; 2],
    /// Capability bits; see [`Capabilities`](super::Capabilities).
    pub capabilities: u32,
}

impl Selected {
    /// Reads an FCI template.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't this application's.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut outer = Objects::new(bytes);
        let mut template = Objects::new(outer.next(0x6F)?);
        outer.end()?;
        if template.next(0x84)? != AID {
            return Err(Malformed);
        }
        let mut own = Objects::new(template.next(0xA5)?);
        template.end()?;
        let selected = Self {
            version: *own.fixed(0x80)?,
            capabilities: own.u32(0x81)?,
        };
        own.end()?;
        Ok(selected)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        let own = 2 + self.version.len() + 2 + size_of::<u32>();
        tlv::open(out, 0x6F, 2 + AID.len() + 2 + own)?;
        tlv::put(out, 0x84, &AID)?;
        tlv::open(out, 0xA5, own)?;
        tlv::put(out, 0x80, &self.version)?;
        tlv::put(out, 0x81, &self.capabilities.to_be_bytes())
    }
}
