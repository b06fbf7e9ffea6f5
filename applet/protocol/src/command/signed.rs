//! Commands that the owner signs (`docs/protocol.md`, section 5.2).

use super::apdu::{Apdu, Header};
use super::types::{expect_length, expect_parameters};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects};
use heapless::Vec;
use zeroize::Zeroizing;

/// Bytes in a BIP340 signature.
pub const SIGNATURE_LENGTH: usize = 64;
/// Bytes in the signature's data object.
const OBJECT_LENGTH: usize = 2 + SIGNATURE_LENGTH;
const TAG: u8 = 0x9E;

/// Most bytes of a body: CHANGE OWNER KEY's.
const BODY_MAX: usize = 100;

/// The signed part of an owner command's data field. It may hold a PIN.
pub type Body = Zeroizing<Vec<u8, BODY_MAX>>;

/// A command of the owner's: what he signs, and what is sent.
pub trait OwnerCommand: Sized {
    /// CLA INS P1 P2, as signed and sent.
    const HEADER: Header;
    /// Bytes in the body.
    const BODY_LENGTH: usize;
    /// Whether an answer with data is expected.
    const ANSWERED: bool;
    /// Whether the signature is over the card id. False for READ ACCOUNT: a client that doesn't
    /// know the card id yet signs over 16 zero bytes.
    const NAMES_CARD: bool = true;

    /// The signed part of the data field.
    fn body(&self) -> Body;

    /// Reads the body, of [`Self::BODY_LENGTH`] bytes.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    fn parse_body(body: &[u8]) -> Result<Self, Malformed>;

    /// The command in bytes.
    fn to_apdu(&self, signature: &[u8; SIGNATURE_LENGTH]) -> Apdu {
        Apdu::build(Self::HEADER, Self::ANSWERED, |out| {
            tlv::append(out, &self.body())?;
            tlv::put(out, TAG, signature)
        })
        .expect("a body and a signature fit")
    }
}

/// A command as received, with what proves that it is the owner's.
pub struct Signed<'a, C> {
    /// What is to be done.
    pub command: C,
    /// CLA INS P1 P2, as sent.
    pub header: Header,
    /// The signed part of the data field.
    pub body: &'a [u8],
    /// The signature, unchecked.
    pub signature: &'a [u8; SIGNATURE_LENGTH],
}

impl<'a, C: OwnerCommand> Signed<'a, C> {
    /// A command that has this form only.
    ///
    /// # Errors
    /// `6A86`, `6700`, `6A80`
    pub(super) fn parse_plain(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        let [_, _, p1, p2] = C::HEADER;
        expect_parameters(parameters, [p1, p2])?;
        Self::parse(data)
    }

    /// A command whose P1-P2 were looked at.
    ///
    /// # Errors
    /// `6700`, `6A80`
    pub(super) fn parse(data: &'a [u8]) -> Result<Self, Status> {
        let length = C::BODY_LENGTH + OBJECT_LENGTH;
        expect_length(data, length..=length)?;
        let (body, rest) = data.split_at(C::BODY_LENGTH);
        let command = C::parse_body(body)?;
        let mut objects = Objects::new(rest);
        let signature = objects.fixed(TAG)?;
        objects.end()?;
        Ok(Self {
            command,
            header: C::HEADER,
            body,
            signature,
        })
    }
}

/// A body of data objects that fit, by construction.
pub(super) fn body<const N: usize>(objects: [(u8, &[u8]); N]) -> Body {
    let mut body = Body::default();
    for (tag, value) in objects {
        tlv::put(&mut *body, tag, value).expect("no body is longer");
    }
    body
}

/// Defines owner commands with an empty body.
macro_rules! empty_body {
    ($(#[$about:meta])* $name:ident = $header:expr, answered: $answered:expr $(, names_card: $names:expr)?) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl $crate::command::signed::OwnerCommand for $name {
            const HEADER: $crate::command::apdu::Header = $header;
            const BODY_LENGTH: usize = 0;
            const ANSWERED: bool = $answered;
            $(const NAMES_CARD: bool = $names;)?

            fn body(&self) -> $crate::command::signed::Body {
                Default::default()
            }

            fn parse_body(body: &[u8]) -> Result<Self, $crate::tlv::Malformed> {
                match body {
                    [] => Ok(Self),
                    _ => Err($crate::tlv::Malformed),
                }
            }
        }
    };
}
pub(super) use empty_body;
