//! Commands without a data field and without options.

use super::apdu::Apdu;
use super::types::expect_bare;
use crate::status::Status;

/// CLA and INS are all there is to it; all of these are answered with data.
pub struct Bare<const CLA: u8, const INS: u8>;

/// GET CHALLENGE (`docs/protocol.md`, section 5.1): asks for the challenge that
/// the next owner command signs.
pub type GetChallenge = Bare<0x00, 0x84>;
/// GENERATE ASYMMETRIC KEY PAIR (section 3.1): has the card draw its share of
/// the account key. Answered by a [`Commitment`](super::Commitment).
pub type GenerateKey = Bare<0x00, 0x46>;
/// RECEIVE SCRIPT (section 6.1): asks for the script at the card's next receive
/// index. Answered by a [`ReceiveScriptAnswer`](super::ReceiveScriptAnswer).
pub type ReceiveScript = Bare<0x80, 0x20>;

/// Bytes in a challenge.
pub const CHALLENGE_LENGTH: usize = 16;

impl<const CLA: u8, const INS: u8> Bare<CLA, INS> {
    pub(super) const CODE: [u8; 2] = [CLA, INS];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<(), Status> {
        expect_bare(parameters, data)
    }

    /// The command in bytes.
    pub fn to_apdu() -> Apdu {
        Apdu::bare([CLA, INS, 0, 0], true)
    }
}
