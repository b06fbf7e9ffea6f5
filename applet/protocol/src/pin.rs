//! The PIN block of ISO 9564-1 format 2 (`docs/protocol.md`, section 4).

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bytes in a PIN block.
pub const BLOCK_LENGTH: usize = 8;
/// Fewest digits.
pub const MIN_DIGITS: usize = 4;
/// Most digits.
pub const MAX_DIGITS: usize = 12;

/// A well-formed PIN block: control nibble 2, number of digits, digits, filler.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PinBlock([u8; BLOCK_LENGTH]);

impl PinBlock {
    /// Packs ASCII digits; `None` unless there are 4 to 12 of them and nothing
    /// else.
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        if !(MIN_DIGITS..=MAX_DIGITS).contains(&digits.len())
            || !digits.iter().all(u8::is_ascii_digit)
        {
            return None;
        }
        let mut block = Self([0xFF; BLOCK_LENGTH]);
        block.0[0] = 0x20 | digits.len() as u8;
        for (i, digit) in digits.iter().enumerate() {
            let byte = &mut block.0[1 + i / 2];
            let nibble = digit - b'0';
            *byte = if i % 2 == 0 {
                nibble << 4 | 0x0F
            } else {
                *byte & 0xF0 | nibble
            };
        }
        Some(block)
    }

    /// Takes a block as it travels; `None` unless it is well formed.
    pub fn from_bytes(bytes: &[u8; BLOCK_LENGTH]) -> Option<Self> {
        let digits = usize::from(bytes[0] & 0x0F);
        if bytes[0] >> 4 != 2 || !(MIN_DIGITS..=MAX_DIGITS).contains(&digits) {
            return None;
        }
        let nibble = |i: usize| {
            let byte = bytes[1 + i / 2];
            if i.is_multiple_of(2) {
                byte >> 4
            } else {
                byte & 0x0F
            }
        };
        let well_formed = (0..2 * (BLOCK_LENGTH - 1)).all(|i| {
            if i < digits {
                nibble(i) < 10
            } else {
                nibble(i) == 0x0F
            }
        });
        well_formed.then(|| Self(*bytes))
    }

    /// The eight bytes as they travel.
    pub fn as_bytes(&self) -> &[u8; BLOCK_LENGTH] {
        &self.0
    }
}

impl ConstantTimeEq for PinBlock {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn example_of_the_protocol() {
        let block = PinBlock::from_digits(b"1234").unwrap();
        assert_eq!(hex::encode(block.as_bytes()), "241234ffffffffff");
        let longest = PinBlock::from_digits(b"123456789012").unwrap();
        assert_eq!(hex::encode(longest.as_bytes()), "2c123456789012ff");
    }

    #[test]
    fn malformed_blocks() {
        for block in [
            "231230ffffffffff",
            "241234fffffffffe",
            "2412a4ffffffffff",
            "341234ffffffffff",
            "2d1234567890123f",
            "24123fffffffffff",
            "0000000000000000",
        ] {
            let bytes = hex::decode(block).unwrap().try_into().unwrap();
            assert!(PinBlock::from_bytes(&bytes).is_none(), "{block}");
        }
        for digits in [&b"123"[..], b"1234567890123", b"12a4", b""] {
            assert!(PinBlock::from_digits(digits).is_none());
        }
    }

    proptest! {
        #[test]
        fn digits_survive_the_journey(digits in "[0-9]{4,12}") {
            let block = PinBlock::from_digits(digits.as_bytes()).unwrap();
            let back = PinBlock::from_bytes(block.as_bytes()).unwrap();
            prop_assert!(bool::from(block.ct_eq(&back)));
        }
    }
}
