//! CHANGE OWNER KEY (`docs/protocol.md`, section 5.4).

use super::apdu::Header;
use super::signed::body;
use super::signed::{Body, OwnerCommand, SIGNATURE_LENGTH};
use super::types::XOnlyKey;
use crate::tlv::{Malformed, Objects};

/// The owner's command that puts another key in the place of his.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeOwnerKey {
    /// The key that authorises owner commands from now on.
    pub new_key: XOnlyKey,
    /// Its signature of [`key_proof_message`](crate::owner::key_proof_message).
    pub proof: [u8; SIGNATURE_LENGTH],
}

impl ChangeOwnerKey {
    pub(super) const CODE: [u8; 2] = [0x80, 0x4C];
}

impl OwnerCommand for ChangeOwnerKey {
    const HEADER: Header = [0x80, 0x4C, 0x00, 0x00];
    const BODY_LENGTH: usize = 2 + 32 + 2 + SIGNATURE_LENGTH;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([(0x80, &self.new_key), (0x81, &self.proof)])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let change = Self {
            new_key: *objects.fixed(0x80)?,
            proof: *objects.fixed(0x81)?,
        };
        objects.end()?;
        Ok(change)
    }
}
