//! GET CHALLENGE (`docs/protocol.md`, section 5.1).

use super::{Apdu, expect_bare};
use crate::status::Status;

/// Bytes in a challenge.
pub const CHALLENGE_LENGTH: usize = 16;

/// Asks for the challenge that the next owner command signs.
pub struct GetChallenge;

impl GetChallenge {
    pub(super) const CODE: [u8; 2] = [0x00, 0x84];

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
