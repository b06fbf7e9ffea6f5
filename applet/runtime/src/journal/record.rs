//! Transactions and records in bytes.
//!
//! A transaction is a header (length of the records `u16`, CRC-16 `u16` over page
//! page number, address and length), the records, and a commit mark (tail
//! `u32`, CRC-32 `u32`). A record is key (`u16`), length (`u8`), data.
//!
//! The header tells where a transaction ends even when it was torn or damaged:
//! so a torn one, behind which nothing was ever written, is known from a damaged
//! one with others behind it. Its CRC finds any three flipped bits: a wrong length
//! that reached into what is erased would pass for a torn transaction, and those
//! behind would be forgotten.

use super::{Error, Key};
use crc::{CRC_16_IBM_3740, Crc};

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_3740);

/// Bytes before a transaction's records.
pub(super) const FRAME_HEADER_LENGTH: usize = 4;
/// Bytes of a commit mark.
pub(super) const MARK_LENGTH: usize = 8;
/// Bytes of a transaction that aren't records.
pub(super) const FRAME_LENGTH: usize = FRAME_HEADER_LENGTH + MARK_LENGTH;
/// Bytes before a record's data.
pub(super) const HEADER_LENGTH: usize = 3;

/// The header of a transaction with so many bytes of records, at an address on the
/// page with a number.
pub(super) fn frame_header(
    page_number: u32,
    address: usize,
    length: usize,
) -> Result<[u8; FRAME_HEADER_LENGTH], Error> {
    let length = u16::try_from(length).map_err(|_| Error::Full)?;
    let [a, b] = length.to_be_bytes();
    let [c, d] = header_crc(page_number, address, [a, b]).to_be_bytes();
    Ok([a, b, c, d])
}

/// Bytes of records; `None` when this is no whole header.
pub(super) fn records_length(
    page_number: u32,
    address: usize,
    header: [u8; FRAME_HEADER_LENGTH],
) -> Option<usize> {
    let [a, b, c, d] = header;
    let is_whole = header != [0xFF; FRAME_HEADER_LENGTH]
        && header_crc(page_number, address, [a, b]) == u16::from_be_bytes([c, d]);
    is_whole.then_some(u16::from_be_bytes([a, b]).into())
}

fn header_crc(page_number: u32, address: usize, length: [u8; 2]) -> u16 {
    let mut digest = CRC.digest();
    digest.update(&page_number.to_be_bytes());
    // Addresses have 16 bits (`Pages::check_geometry`).
    digest.update(&(address as u16).to_be_bytes());
    digest.update(&length);
    digest.finalize()
}

/// The header of a record.
pub(super) fn record_header(key: Key, length: usize) -> Result<[u8; HEADER_LENGTH], Error> {
    let length = u8::try_from(length).map_err(|_| Error::Full)?;
    let [high, low] = key.to_be_bytes();
    Ok([high, low, length])
}

/// Key and length of a record's data.
pub(super) fn key_and_length(header: [u8; HEADER_LENGTH]) -> (Key, usize) {
    let [high, low, length] = header;
    (Key::from_be_bytes([high, low]), length.into())
}
