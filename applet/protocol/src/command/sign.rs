//! SIGN (`docs/protocol.md`, section 8.4).

use super::apdu::{Apdu, Header};
use super::place::{Outpoint, Place};
use super::signed::body;
use super::signed::{Body, OwnerCommand, SIGNATURE_LENGTH, Signed};
use super::types::expect_length;
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::{Vec, VecView};

/// Most inputs of a transaction to be signed.
pub const SIGNING_INPUTS_MAX: u8 = 128;
/// Most outputs of a transaction to be signed.
pub const SIGNING_OUTPUTS_MAX: u8 = 64;
/// Longest script of another's output.
pub const SIGNING_SCRIPT_MAX: usize = 252;
/// Sentinel in the place of an output: it pays a foreign script, which follows.
pub const FOREIGN_SCRIPT: u32 = u32::MAX;

/// The forms of SIGN.
pub enum Sign<'a> {
    /// Announces the transaction; signed by the owner.
    Begin(Signed<'a, Unsigned>),
    /// The next bytes of the stream of inputs and outputs.
    Piece(&'a [u8]),
    /// Asks for the signature of this input. Answered by its 64 bytes.
    Input(u8),
}

/// The transaction that is to be streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsigned {
    /// Its version.
    pub version: u32,
    /// Its lock time.
    pub lock_time: u32,
    /// How many inputs it has.
    pub inputs: u8,
    /// How many outputs it has.
    pub outputs: u8,
    /// SHA-256 of the whole stream.
    pub digest: [u8; 32],
}

impl OwnerCommand for Unsigned {
    const HEADER: Header = [0x80, 0x40, 0x00, 0x00];
    const BODY_LENGTH: usize = 6 + 6 + 3 + 3 + 34;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([
            (0x80, &self.version.to_be_bytes()),
            (0x81, &self.lock_time.to_be_bytes()),
            (0x82, &[self.inputs]),
            (0x83, &[self.outputs]),
            (0x84, &self.digest),
        ])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let unsigned = Self {
            version: objects.u32(0x80)?,
            lock_time: objects.u32(0x81)?,
            inputs: objects.fixed::<1>(0x82)?[0],
            outputs: objects.fixed::<1>(0x83)?[0],
            digest: *objects.fixed(0x84)?,
        };
        objects.end()?;
        Ok(unsigned)
    }
}

impl<'a> Sign<'a> {
    pub(super) const CODE: [u8; 2] = [0x80, 0x40];
    const PIECE: Header = [0x80, 0x40, 0x01, 0x00];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        match parameters {
            [0, 0] => Signed::parse(data).map(Self::Begin),
            [1, 0] => {
                expect_length(data, 1..=usize::MAX)?;
                Ok(Self::Piece(data))
            }
            [2, input @ 0..SIGNING_INPUTS_MAX] => {
                expect_length(data, 0..=0)?;
                Ok(Self::Input(input))
            }
            _ => Err(status::INCORRECT_P1_P2),
        }
    }

    /// The next bytes of the stream, in a command of at most
    /// [`PIECE_MAX`](super::PIECE_MAX).
    ///
    /// # Errors
    /// [`Overflow`] for more.
    pub fn piece(bytes: &[u8]) -> Result<Apdu, Overflow> {
        Apdu::build(Self::PIECE, true, |out| tlv::append(out, bytes))
    }

    /// Asks for the signature of an input.
    pub fn input(number: u8) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::bare([cla, ins, 0x02, number], true)
    }
}

/// The answer to the piece that completes the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigningSummary {
    /// Sum of the inputs, in sat.
    pub inputs: u64,
    /// Sum of the outputs that pay the card, in sat.
    pub own_outputs: u64,
    /// Sum of the other outputs, in sat.
    pub other_outputs: u64,
    /// In sat.
    pub fee: u64,
}

impl SigningSummary {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let summary = Self {
            inputs: objects.u64(0x80)?,
            own_outputs: objects.u64(0x81)?,
            other_outputs: objects.u64(0x82)?,
            fee: objects.u64(0x83)?,
        };
        objects.end()?;
        Ok(summary)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.inputs.to_be_bytes())?;
        tlv::put(out, 0x81, &self.own_outputs.to_be_bytes())?;
        tlv::put(out, 0x82, &self.other_outputs.to_be_bytes())?;
        tlv::put(out, 0x83, &self.fee.to_be_bytes())
    }
}

/// The signature of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSignature(pub [u8; SIGNATURE_LENGTH]);

impl InputSignature {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        bytes.try_into().map(Self).map_err(|_| Malformed)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::append(out, &self.0)
    }
}

/// An input in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningInput {
    /// The coin to be spent.
    pub outpoint: Outpoint,
    /// The input's sequence.
    pub sequence: u32,
    /// The coin's amount, in sat.
    pub amount: u64,
    /// Whose script the coin has.
    pub place: Place,
}

impl SigningInput {
    /// Bytes in the stream.
    pub const LENGTH: usize = 52;

    /// The bytes in the stream.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..36].copy_from_slice(&self.outpoint.to_bytes());
        bytes[36..40].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[40..48].copy_from_slice(&self.amount.to_be_bytes());
        bytes[48..].copy_from_slice(&self.place.to_u32().to_be_bytes());
        bytes
    }

    /// Reads the bytes in the stream.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Self {
        let (outpoint, rest) = bytes.split_first_chunk().expect("36 of 52 bytes");
        let (sequence, rest) = rest.split_first_chunk().expect("4 of 16 bytes");
        let (amount, place) = rest.split_first_chunk().expect("8 of 12 bytes");
        let place = place.first_chunk().expect("the last 4 bytes");
        Self {
            outpoint: Outpoint::from_bytes(outpoint),
            sequence: u32::from_be_bytes(*sequence),
            amount: u64::from_be_bytes(*amount),
            place: Place::from_u32(u32::from_be_bytes(*place)),
        }
    }
}

/// Most bytes of an output in the stream.
pub const SIGNING_OUTPUT_MAX: usize = 8 + 4 + 1 + SIGNING_SCRIPT_MAX;

/// An output in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigningOutput<'a> {
    /// In sat.
    pub amount: u64,
    /// Whom it pays.
    pub payee: OutputPayee<'a>,
}

/// Whom an output pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputPayee<'a> {
    /// The card: it writes the script itself.
    Own(Place),
    /// Another, by this scriptPubKey of 1 to [`SIGNING_SCRIPT_MAX`] bytes.
    Other(&'a [u8]),
}

impl SigningOutput<'_> {
    /// The bytes in the stream.
    ///
    /// # Errors
    /// [`Overflow`] when the script is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8, SIGNING_OUTPUT_MAX>, Overflow> {
        let mut bytes = Vec::new();
        tlv::append(&mut bytes, &self.amount.to_be_bytes())?;
        match self.payee {
            OutputPayee::Own(place) => tlv::append(&mut bytes, &place.to_u32().to_be_bytes())?,
            OutputPayee::Other(script) => {
                let length = u8::try_from(script.len()).map_err(|_| Overflow)?;
                tlv::append(&mut bytes, &FOREIGN_SCRIPT.to_be_bytes())?;
                tlv::append(&mut bytes, &[length])?;
                tlv::append(&mut bytes, script)?;
            }
        }
        Ok(bytes)
    }
}
