//! Records and commit marks: key (`u16`), length (`u8`), data.

use super::{Error, KEYS, Key};

/// Bytes before a record's data.
pub(super) const HEADER_LENGTH: usize = 3;
/// Bytes of data in a commit mark: tail (`u32`), CRC-32 (`u32`).
pub(super) const MARK_DATA_LENGTH: usize = 8;
/// Bytes of a whole commit mark.
pub(super) const MARK_LENGTH: usize = HEADER_LENGTH + MARK_DATA_LENGTH;

const MARK_KEY: Key = 0xFFFE;
const ERASED_KEY: Key = 0xFFFF;

/// What stands at some place in the log, by its first three bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// A record of so many bytes under a key.
    Value { key: Key, length: usize },
    /// A commit mark.
    Mark,
    /// Nothing.
    Erased,
    /// None of these.
    Torn,
}

impl Record {
    pub(super) fn decode(header: [u8; HEADER_LENGTH]) -> Self {
        let key = Key::from_be_bytes([header[0], header[1]]);
        let length = usize::from(header[2]);
        match key {
            ERASED_KEY if header[2] == 0xFF => Self::Erased,
            MARK_KEY if length == MARK_DATA_LENGTH => Self::Mark,
            key if usize::from(key) < KEYS => Self::Value { key, length },
            _ => Self::Torn,
        }
    }

    pub(super) fn length(self) -> usize {
        match self {
            Self::Value { length, .. } => length,
            Self::Mark => MARK_DATA_LENGTH,
            Self::Erased | Self::Torn => 0,
        }
    }
}

/// The three bytes before a value.
pub(super) fn value_header(key: Key, length: usize) -> Result<[u8; HEADER_LENGTH], Error> {
    let length = u8::try_from(length).map_err(|_| Error::Full)?;
    let [high, low] = key.to_be_bytes();
    Ok([high, low, length])
}

/// The three bytes before a mark's data.
pub(super) const fn mark_header() -> [u8; HEADER_LENGTH] {
    let [high, low] = MARK_KEY.to_be_bytes();
    [high, low, MARK_DATA_LENGTH as u8]
}
