//! ENTER COIN (`docs/protocol.md`, sections 6.2 and 6.3).

use super::apdu::{Apdu, Header};
use super::place::{Outpoint, Place};
use super::signed::body;
use super::signed::{Body, OwnerCommand, SIGNATURE_LENGTH, Signed};
use super::types::{Txid, expect_length};
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Most bytes of a stream in one short command.
pub const PIECE_MAX: usize = 255;

/// The forms of ENTER COIN.
pub enum EnterCoin<'a> {
    /// Names a rooted coin; signed by the owner.
    Begin(Signed<'a, Announced>),
    /// Names an unrooted coin.
    Credit(Announced),
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
    /// Whose script the output pays.
    pub place: Place,
}

impl Announced {
    /// The output that makes the coin.
    pub const fn outpoint(&self) -> Outpoint {
        Outpoint {
            txid: self.txid,
            vout: self.vout,
        }
    }
}

impl OwnerCommand for Announced {
    const HEADER: Header = [0x80, 0x22, 0x00, 0x00];
    const BODY_LENGTH: usize = 46;
    const ANSWERED: bool = false;

    fn body(&self) -> Body {
        body([
            (0x80, &self.txid),
            (0x81, &self.vout.to_be_bytes()),
            (0x82, &self.place.to_u32().to_be_bytes()),
        ])
    }

    fn parse_body(body: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(body);
        let announced = Self {
            txid: *objects.fixed(0x80)?,
            vout: objects.u32(0x81)?,
            place: Place::from_u32(objects.u32(0x82)?),
        };
        objects.end()?;
        Ok(announced)
    }
}

impl<'a> EnterCoin<'a> {
    pub(super) const CODE: [u8; 2] = [0x80, 0x22];
    const PIECE: Header = [0x80, 0x22, 0x01, 0x00];
    const CREDIT: Header = [0x80, 0x22, 0x02, 0x00];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        match parameters {
            [0, 0] => Signed::parse(data).map(Self::Begin),
            [1, 0] => {
                expect_length(data, 1..=usize::MAX)?;
                Ok(Self::Piece(data))
            }
            [2, 0] => {
                expect_length(data, Announced::BODY_LENGTH..=Announced::BODY_LENGTH)?;
                Ok(Self::Credit(Announced::parse_body(data)?))
            }
            _ => Err(status::INCORRECT_P1_P2),
        }
    }

    /// The first command for a rooted coin, in bytes.
    pub fn begin(announced: &Announced, signature: &[u8; SIGNATURE_LENGTH]) -> Apdu {
        announced.to_apdu(signature)
    }

    /// The first command for a credit, in bytes.
    pub fn credit(announced: &Announced) -> Apdu {
        Apdu::build(Self::CREDIT, false, |out| {
            tlv::append(out, &announced.body())
        })
        .expect("46 bytes fit")
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

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.amount.to_be_bytes())
    }
}
