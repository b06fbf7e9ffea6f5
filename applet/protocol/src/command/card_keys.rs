//! The card keys: GENERATE ASYMMETRIC KEY PAIR and PUT DATA of its
//! manufacturer (`docs/protocol.md`, section 3.6).

use super::apdu::Apdu;
use super::types::{Point, expect_length};
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// One of the card's two keys on P-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardKey {
    /// Signs.
    Identity,
    /// Opens channels.
    Agreement,
}

impl CardKey {
    /// Key identifier and key version number (GlobalPlatform Card Specification).
    pub const fn reference(self) -> [u8; 2] {
        match self {
            Self::Identity => [0x40, 0x01],
            Self::Agreement => [0x13, 0x01],
        }
    }

    pub(super) fn from_reference(reference: [u8; 2]) -> Option<Self> {
        [Self::Identity, Self::Agreement]
            .into_iter()
            .find(|key| key.reference() == reference)
    }
}

/// Makes the card draw its keys. Answered by [`CardKeys`].
pub struct GenerateCardKeys;

impl GenerateCardKeys {
    pub(super) const PARAMETERS: [u8; 2] = [0x00, 0x01];

    /// The command in bytes.
    pub fn to_apdu() -> Apdu {
        Apdu::bare([0x00, 0x46, 0x00, 0x01], true)
    }
}

/// The public keys that the card drew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardKeys {
    /// The key that signs, compressed (SEC 1).
    pub identity_key: Point,
    /// The key that opens channels, compressed (SEC 1).
    pub agreement_key: Point,
}

impl CardKeys {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let keys = Self {
            identity_key: *objects.fixed(0x80)?,
            agreement_key: *objects.fixed(0x81)?,
        };
        objects.end()?;
        Ok(keys)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.identity_key)?;
        tlv::put(out, 0x81, &self.agreement_key)
    }
}

/// A certificate that the card stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// Of the batch.
    Batch,
    /// Of one of the card keys.
    Key(CardKey),
}

impl Certificate {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::Batch,
        Self::Key(CardKey::Identity),
        Self::Key(CardKey::Agreement),
    ];
    /// Most pieces of one.
    pub const PIECES: u8 = 4;
    /// Most bytes of a piece: what a short command inside a channel holds.
    pub const PIECE_MAX: usize = 239;

    /// High digit of P2.
    pub const fn number(self) -> u8 {
        match self {
            Self::Batch => 0,
            Self::Key(CardKey::Identity) => 1,
            Self::Key(CardKey::Agreement) => 2,
        }
    }
}

/// PUT DATA, in its two forms.
#[derive(Clone, Copy)]
pub enum PutData<'a> {
    /// Stores a piece of a certificate.
    Piece {
        /// Which certificate.
        certificate: Certificate,
        /// Which of its pieces, below [`Certificate::PIECES`].
        number: u8,
        /// 1 to [`Certificate::PIECE_MAX`] bytes.
        bytes: &'a [u8],
    },
    /// Ends the personalisation.
    End,
}

const END: u8 = 0xFF;

impl<'a> PutData<'a> {
    pub(super) const CODE: [u8; 2] = [0x00, 0xDA];
    const P1: u8 = 0x02;

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        match parameters {
            [Self::P1, END] => {
                expect_length(data, 0..=0)?;
                Ok(Self::End)
            }
            [Self::P1, p2] => {
                let certificate = Certificate::ALL
                    .into_iter()
                    .find(|certificate| certificate.number() == p2 >> 4)
                    .filter(|_| p2 & 0x0F < Certificate::PIECES)
                    .ok_or(status::INCORRECT_P1_P2)?;
                expect_length(data, 1..=Certificate::PIECE_MAX)?;
                Ok(Self::Piece {
                    certificate,
                    number: p2 & 0x0F,
                    bytes: data,
                })
            }
            _ => Err(status::INCORRECT_P1_P2),
        }
    }

    /// The command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] when a piece is too long for a short command.
    pub fn to_apdu(&self) -> Result<Apdu, Overflow> {
        let [cla, ins] = Self::CODE;
        let (p2, bytes) = match self {
            Self::Piece {
                certificate,
                number,
                bytes,
            } => (certificate.number() << 4 | number, *bytes),
            Self::End => (END, &[][..]),
        };
        Apdu::build([cla, ins, Self::P1, p2], false, |out| {
            tlv::append(out, bytes)
        })
    }
}
