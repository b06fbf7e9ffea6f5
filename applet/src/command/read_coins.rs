//! READ COINS (`docs/protocol.md`, section 6.4).

use super::signed::{body, no_body};
use super::{Apdu, Body, Header, OwnerCommand, Signed, expect_length};
use crate::status::{self, Status};
use crate::tlv::Malformed;

/// The forms of READ COINS; both are answered by a part of the
/// [coin image](super::coin_image).
pub enum ReadCoins<'a> {
    /// Begins the reading; signed by the owner.
    Begin(Signed<'a, BeginReading>),
    /// Asks for the next part.
    Next,
}

/// The owner's command that begins a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeginReading;

impl OwnerCommand for BeginReading {
    const HEADER: Header = [0x80, 0x48, 0x00, 0x00];
    const BODY_LENGTH: usize = 0;
    const ANSWERED: bool = true;

    fn body(&self) -> Body {
        body([])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        no_body(body).map(|()| Self)
    }
}

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
