//! Bitcoin's CompactSize: a number in 1, 3, 5 or 9 bytes, little-endian, always in as few as it
//! needs.

/// The bytes aren't a CompactSize, or are longer than the number needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMinimal;

/// Bytes that a CompactSize takes, from its first byte.
pub const fn length(first: u8) -> usize {
    match first {
        0..=0xFC => 1,
        0xFD => 3,
        0xFE => 5,
        0xFF => 9,
    }
}

/// The number that exactly these bytes encode.
///
/// # Errors
/// [`NotMinimal`]
pub fn decode(bytes: &[u8]) -> Result<u64, NotMinimal> {
    let (value, least) = match *bytes {
        [value @ 0..=0xFC] => (u64::from(value), 0),
        [0xFD, a, b] => (u64::from(u16::from_le_bytes([a, b])), 0xFD),
        [0xFE, a, b, c, d] => (u64::from(u32::from_le_bytes([a, b, c, d])), 0x1_0000),
        [0xFF, a, b, c, d, e, f, g, h] => {
            (u64::from_le_bytes([a, b, c, d, e, f, g, h]), 0x1_0000_0000)
        }
        _ => return Err(NotMinimal),
    };
    if value >= least {
        Ok(value)
    } else {
        Err(NotMinimal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortest_encodings_only() {
        for (bytes, number) in [
            (&[0u8][..], 0),
            (&[0xFC], 0xFC),
            (&[0xFD, 0xFD, 0x00], 0xFD),
            (&[0xFD, 0xFF, 0xFF], 0xFFFF),
            (&[0xFE, 0, 0, 1, 0], 0x1_0000),
            (&[0xFE, 0xFF, 0xFF, 0xFF, 0xFF], 0xFFFF_FFFF),
            (&[0xFF, 0, 0, 0, 0, 1, 0, 0, 0], 0x1_0000_0000),
            (&[0xFF; 9], u64::MAX),
        ] {
            assert_eq!(decode(bytes), Ok(number));
            assert_eq!(length(bytes[0]), bytes.len());
        }
        for bytes in [
            &[][..],
            &[0xFDu8],
            &[0xFD, 0xFC, 0x00],
            &[0xFE, 0xFF, 0xFF, 0, 0],
            &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0],
            &[0, 0],
        ] {
            assert_eq!(decode(bytes), Err(NotMinimal), "{bytes:x?}");
        }
    }
}
