//! Byte strings that many commands carry, and the checks that many parsers share.

use crate::status::{self, Status};

/// A point of secp256k1 or P-256, compressed (SEC 1).
pub type Point = [u8; 33];
/// A BIP340 public key.
pub type XOnlyKey = [u8; 32];
/// A txid, in the byte order in which transactions carry it.
pub type Txid = [u8; 32];
/// A taproot scriptPubKey.
pub type TaprootScript = [u8; 34];

/// Accepts these P1-P2 only.
///
/// # Errors
/// `6A86`
pub(super) fn expect_parameters(got: [u8; 2], expected: [u8; 2]) -> Result<(), Status> {
    if got == expected {
        Ok(())
    } else {
        Err(status::INCORRECT_P1_P2)
    }
}

/// Accepts a data field of these lengths only, in bytes.
///
/// # Errors
/// `6700`
pub(super) fn expect_length(
    data: &[u8],
    lengths: core::ops::RangeInclusive<usize>,
) -> Result<(), Status> {
    if lengths.contains(&data.len()) {
        Ok(())
    } else {
        Err(status::WRONG_LENGTH)
    }
}

/// Accepts P1-P2 of zero and an empty data field only.
///
/// # Errors
/// `6A86`, `6700`
pub(super) fn expect_bare(parameters: [u8; 2], data: &[u8]) -> Result<(), Status> {
    expect_parameters(parameters, [0, 0])?;
    expect_length(data, 0..=0)
}
