//! Transactions and records in bytes.
//!
//! A transaction is a header (length of the records, and that length inverted,
//! `u16` each), the records, and a commit mark (tail `u32`, CRC-32 `u32`). A
//! record is key (`u16`), length (`u8`), data.
//!
//! The header tells where a transaction ends even when it was torn or damaged:
//! so a torn one, behind which nothing was ever written, is known from a damaged
//! one with others behind it.

use super::{Error, Key};

/// Bytes before a transaction's records.
pub(super) const FRAME_HEADER_LENGTH: usize = 4;
/// Bytes of a commit mark.
pub(super) const MARK_LENGTH: usize = 8;
/// Bytes of a transaction that aren't records.
pub(super) const FRAME_LENGTH: usize = FRAME_HEADER_LENGTH + MARK_LENGTH;
/// Bytes before a record's data.
pub(super) const HEADER_LENGTH: usize = 3;

/// The header of a transaction with so many bytes of records.
pub(super) fn frame_header(length: usize) -> Result<[u8; FRAME_HEADER_LENGTH], Error> {
    let length = u16::try_from(length).map_err(|_| Error::Full)?;
    let ([a, b], [c, d]) = (length.to_be_bytes(), (!length).to_be_bytes());
    Ok([a, b, c, d])
}

/// Bytes of records; `None` when this is no whole header.
pub(super) fn records_length(header: [u8; FRAME_HEADER_LENGTH]) -> Option<usize> {
    let [a, b, c, d] = header;
    let length = u16::from_be_bytes([a, b]);
    (length == !u16::from_be_bytes([c, d])).then_some(length.into())
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
