//! READ COINS (`docs/protocol.md`, section 6.4).

use super::apdu::{Apdu, Header};
use super::signed::Signed;
use super::signed::empty_body;
use super::types::expect_length;
use crate::status::{self, Status};

/// The forms of READ COINS; both are answered by a part of the
/// [coin image](super::coin_image).
pub enum ReadCoins<'a> {
    /// Begins the reading; signed by the owner.
    Begin(Signed<'a, BeginReading>),
    /// Asks for the next part.
    Next,
}

empty_body!(
    /// The owner's command that begins a reading.
    BeginReading = [0x80, 0x48, 0x00, 0x00],
    answered: true
);

impl<'a> ReadCoins<'a> {
    pub(super) const CODE: [u8; 2] = [0x80, 0x48];
    const NEXT: Header = [0x80, 0x48, 0x01, 0x00];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        match parameters {
            [0, 0] => Signed::parse(data).map(Self::Begin),
            [1, 0] => {
                expect_length(data, 0..=0)?;
                Ok(Self::Next)
            }
            _ => Err(status::INCORRECT_P1_P2),
        }
    }

    /// The command that asks for the next part, in bytes.
    pub fn next() -> Apdu {
        Apdu::bare(Self::NEXT, true)
    }
}
