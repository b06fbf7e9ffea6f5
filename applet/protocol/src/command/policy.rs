//! Policy and SET POLICY (`docs/protocol.md`, section 5.5).

use super::apdu::Header;
use super::signed::body;
use super::signed::{Body, OwnerCommand};
use crate::status::{self, Status};
use crate::tlv::{Malformed, Objects};

/// What the owner allows in sessions of others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// PIN and payments in plain sessions, for readers with a PIN pad of their own
    /// and tills without a channel.
    pub plain_sessions: bool,
    /// Statements, which bind the owner too.
    pub statements: bool,
}

const PLAIN_SESSIONS: u8 = 1 << 0;
const STATEMENTS: u8 = 1 << 1;

impl Policy {
    /// Bytes of the data object's value.
    pub const LENGTH: usize = 1;

    /// The policy that a byte stands for; `None` when it has a bit without meaning.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        if byte & !(PLAIN_SESSIONS | STATEMENTS) == 0 {
            Some(Self {
                plain_sessions: byte & PLAIN_SESSIONS != 0,
                statements: byte & STATEMENTS != 0,
            })
        } else {
            None
        }
    }

    /// The byte that stands for it in the protocol.
    pub const fn to_byte(self) -> u8 {
        (self.plain_sessions as u8 * PLAIN_SESSIONS) | (self.statements as u8 * STATEMENTS)
    }

    /// Takes the object off the front of others.
    pub(super) fn take(objects: &mut Objects<'_>, tag: u8) -> Result<Self, Malformed> {
        Self::from_byte(objects.fixed::<1>(tag)?[0]).ok_or(Malformed)
    }
}

/// SET POLICY. Which bits have a meaning is for the card to say once it knows that
/// the command is the owner's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetPolicy(u8);

impl SetPolicy {
    pub(super) const CODE: [u8; 2] = [0x80, 0x52];

    /// A command to be sent.
    pub const fn new(policy: Policy) -> Self {
        Self(policy.to_byte())
    }

    /// The policy, when its bits have a meaning.
    ///
    /// # Errors
    /// `6A80`
    pub fn policy(self) -> Result<Policy, Status> {
        Policy::from_byte(self.0).ok_or(status::INCORRECT_DATA)
    }
}

impl OwnerCommand for SetPolicy {
    const HEADER: Header = [0x80, 0x52, 0x00, 0x00];
    const BODY_LENGTH: usize = 2 + Policy::LENGTH;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([(0x86, &[self.0])])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let [byte] = *objects.fixed(0x86)?;
        objects.end()?;
        Ok(Self(byte))
    }
}
