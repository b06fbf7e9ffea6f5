//! ENTER COIN (`docs/protocol.md`, section 6.2).

use super::{Apdu, Header, Txid, expect_length};
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Bytes in a BIP340 signature.
pub const SIGNATURE_LENGTH: usize = 64;
/// Most bytes of a transaction in one short command.
pub const PIECE_MAX: usize = 255;

/// The two forms of ENTER COIN.
pub enum EnterCoin<'a> {
    /// Names the coin; signed by the owner.
    Begin {
        /// Which coin is to come.
        announced: Announced,
        /// The signed part of the data field.
        body: &'a [u8],
        /// The owner's signature.
        signature: &'a [u8; SIGNATURE_LENGTH],
    },
    /// The next bytes of the transaction.
    Piece(&'a [u8]),
}

/// The coin that a streamed transaction is to bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The transaction that makes the coin.
    pub txid: Txid,
    /// Which of its outputs.
    pub vout: u32,
    /// Receive index of the script that the output pays.
    pub index: u32,
}

impl Announced {
    /// Bytes in the body of the first command.
    pub const BODY_LENGTH: usize = 46;

    /// The body, which the owner signs.
    pub fn body(&self) -> [u8; Self::BODY_LENGTH] {
        let mut body = heapless::Vec::<u8, { Self::BODY_LENGTH }>::new();
        let written = (|| {
            tlv::put(&mut body, 0x80, &self.txid)?;
            tlv::put(&mut body, 0x81, &self.vout.to_be_bytes())?;
            tlv::put(&mut body, 0x82, &self.index.to_be_bytes())
        })();
        written
            .ok()
            .and_then(|()| body.into_array().ok())
            .expect("the three objects have this length")
    }

    fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let announced = Self {
            txid: *objects.fixed(0x80)?,
            vout: objects.u32(0x81)?,
            index: objects.u32(0x82)?,
        };
        objects.end()?;
        Ok(announced)
    }
}

impl<'a> EnterCoin<'a> {
    pub(super) const CODE: [u8; 2] = [0x80, 0x22];
    /// Header of the first command, as the owner signs it.
    pub const BEGIN: Header = [0x80, 0x22, 0x00, 0x00];
    const PIECE: Header = [0x80, 0x22, 0x01, 0x00];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        match parameters {
            [0, 0] => {
                const SIGNED: usize = Announced::BODY_LENGTH + 2 + SIGNATURE_LENGTH;
                expect_length(data, SIGNED..=SIGNED)?;
                let (body, rest) = data.split_at(Announced::BODY_LENGTH);
                let announced = Announced::parse(body)?;
                let mut objects = Objects::new(rest);
                let signature = objects.fixed(0x9E)?;
                objects.end()?;
                Ok(Self::Begin {
                    announced,
                    body,
                    signature,
                })
            }
            [1, 0] => {
                expect_length(data, 1..=usize::MAX)?;
                Ok(Self::Piece(data))
            }
            _ => Err(status::INCORRECT_P1_P2),
        }
    }

    /// The first command in bytes.
    pub fn begin(announced: &Announced, signature: &[u8; SIGNATURE_LENGTH]) -> Apdu {
        Apdu::build(Self::BEGIN, false, |out| {
            tlv::append(out, &announced.body())?;
            tlv::put(out, 0x9E, signature)
        })
        .expect("112 bytes fit")
    }

    /// A further command in bytes.
    ///
    /// # Errors
    /// [`Overflow`] for more than [`PIECE_MAX`] bytes.
    pub fn piece(bytes: &[u8]) -> Result<Apdu, Overflow> {
        Apdu::build(Self::PIECE, true, |out| tlv::append(out, bytes))
    }
}

/// The answer to the last piece: the coin is in the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoinEntered {
    /// The coin's amount, in sat.
    pub amount: u64,
}

impl CoinEntered {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let amount = objects.u64(0x80)?;
        objects.end()?;
        Ok(Self { amount })
    }

    pub(crate) fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.amount.to_be_bytes())
    }
}
