//! INTERNAL AUTHENTICATE that opens a channel (`docs/protocol.md`, section 2.6;
//! GlobalPlatform Card Specification, Amendment F, SCP11b).

use super::apdu::Apdu;
use super::card_keys::CardKey;
use super::types::expect_length;
use crate::status::{self, Status};
use crate::tlv::{self, Malformed, Overflow};
use heapless::VecView;

/// A point of P-256, uncompressed (SEC 1).
pub type UncompressedPoint = [u8; 65];
/// Bytes in a receipt, which names a channel.
pub const RECEIPT_LENGTH: usize = 16;

/// The control reference template, and tag and length of the key behind it.
const BEFORE_KEY: [u8; 18] = [
    0xA6, 0x0D, 0x90, 0x02, 0x11, 0x00, 0x95, 0x01, 0x3C, 0x80, 0x01, 0x88, 0x81, 0x01, 0x10, 0x5F,
    0x49, 0x41,
];
const DATA_LENGTH: usize = BEFORE_KEY.len() + 65;

/// Opens a channel. Answered by a [`ChannelOpened`].
pub struct OpenChannel<'a> {
    /// The client's ephemeral key. Whether it is on the curve is unchecked.
    pub client_key: &'a UncompressedPoint,
    /// The whole data field, which the receipt is over.
    pub data: &'a [u8],
}

impl<'a> OpenChannel<'a> {
    /// CLA and INS.
    pub const CODE: [u8; 2] = [0x80, 0x88];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        let [version, identifier] = parameters;
        if [identifier, version] != CardKey::Agreement.reference() {
            return Err(status::DATA_NOT_FOUND);
        }
        expect_length(data, DATA_LENGTH..=DATA_LENGTH)?;
        let client_key = data
            .strip_prefix(&BEFORE_KEY)
            .and_then(|key| key.try_into().ok())
            .ok_or(status::INCORRECT_DATA)?;
        Ok(Self { client_key, data })
    }

    /// The command in bytes, for a client with this ephemeral key.
    pub fn to_apdu(client_key: &UncompressedPoint) -> Apdu {
        let [cla, ins] = Self::CODE;
        let [identifier, version] = CardKey::Agreement.reference();
        Apdu::build([cla, ins, version, identifier], true, |out| {
            tlv::append(out, &BEFORE_KEY)?;
            tlv::append(out, client_key)
        })
        .expect("83 bytes fit")
    }
}

/// The answer that opens a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ChannelOpened {
    /// The card's ephemeral key.
    pub card_key: UncompressedPoint,
    /// Proves that the card has the agreement key.
    pub receipt: [u8; RECEIPT_LENGTH],
}

impl ChannelOpened {
    /// Tag and length of the card's key.
    const BEFORE_KEY: [u8; 3] = [0x5F, 0x49, 0x41];
    const BEFORE_RECEIPT: [u8; 2] = [0x86, 0x10];

    /// Reads the answer; the receipt is unchecked.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let rest = bytes.strip_prefix(&Self::BEFORE_KEY).ok_or(Malformed)?;
        let (card_key, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let receipt = rest.strip_prefix(&Self::BEFORE_RECEIPT).ok_or(Malformed)?;
        Ok(Self {
            card_key: *card_key,
            receipt: receipt.try_into().map_err(|_| Malformed)?,
        })
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::append(out, &Self::BEFORE_KEY)?;
        tlv::append(out, &self.card_key)?;
        tlv::append(out, &Self::BEFORE_RECEIPT)?;
        tlv::append(out, &self.receipt)
    }

    /// What the receipt is over: the command's data field, then the object of the
    /// card's key. Pieces of one byte string.
    pub fn receipt_message<'a>(data: &'a [u8], card_key: &'a UncompressedPoint) -> [&'a [u8]; 3] {
        [data, &Self::BEFORE_KEY, card_key]
    }
}
