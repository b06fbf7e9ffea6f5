//! RESET RETRY COUNTER (`docs/protocol.md`, section 5.3).

use super::apdu::Header;
use super::signed::{Body, OwnerCommand, Signed};
use super::signed::{body, empty_body};
use crate::pin::{BLOCK_LENGTH, PinBlock};
use crate::status::{self, Status};
use crate::tlv::{Malformed, Objects};
use zeroize::ZeroizeOnDrop;

/// The forms of RESET RETRY COUNTER.
pub enum ResetRetryCounter<'a> {
    /// With a new PIN.
    New(Signed<'a, NewPin>),
    /// The PIN stays as it is.
    Same(Signed<'a, SamePin>),
}

/// The owner's command that sets a new PIN; whether its block is well formed is
/// for the card to say once it knows that it is the owner's (`[RRC-2]`).
#[derive(ZeroizeOnDrop)]
pub struct NewPin([u8; BLOCK_LENGTH]);

impl NewPin {
    /// A command to be sent.
    pub fn new(pin: &PinBlock) -> Self {
        Self(*pin.as_bytes())
    }

    /// The PIN, when its block is well formed.
    ///
    /// # Errors
    /// `6A80`
    pub fn pin(&self) -> Result<PinBlock, Status> {
        PinBlock::from_bytes(&self.0).ok_or(status::INCORRECT_DATA)
    }
}

impl OwnerCommand for NewPin {
    const HEADER: Header = [0x00, 0x2C, 0x02, 0x80];
    const BODY_LENGTH: usize = 2 + BLOCK_LENGTH;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([(0x84, &self.0)])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let block = Self(*objects.fixed(0x84)?);
        objects.end()?;
        Ok(block)
    }
}

empty_body!(
    /// The owner's command that gives the tries back.
    SamePin = [0x00, 0x2C, 0x03, 0x80],
    answered: false
);

impl<'a> ResetRetryCounter<'a> {
    pub(super) const CODE: [u8; 2] = [0x00, 0x2C];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        match parameters {
            [0x02, 0x80] => Signed::parse(data).map(Self::New),
            [0x03, 0x80] => Signed::parse(data).map(Self::Same),
            _ => Err(status::INCORRECT_P1_P2),
        }
    }
}
