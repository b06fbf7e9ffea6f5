//! PINs and their blocks (ISO 9564-1 format 2).

/// A test PIN of 4 to 12 digits.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(Vec<u8>);

impl Pin {
    /// From digits 0 to 9. More or fewer than the protocol allows is possible, for bad blocks.
    #[must_use]
    pub fn new(digits: &[u8]) -> Self {
        Self(digits.to_vec())
    }

    /// The digits, 0 to 9 each.
    #[must_use]
    pub fn digits(&self) -> &[u8] {
        &self.0
    }

    /// The digits in ASCII.
    #[must_use]
    pub fn ascii(&self) -> Vec<u8> {
        self.0.iter().map(|digit| b'0' + digit).collect()
    }

    /// `2L`, the digits as nibbles, `F` to the end: eight bytes. Digits beyond the fourteenth
    /// have no room and are left out.
    #[must_use]
    pub fn block(&self) -> [u8; 8] {
        let mut nibbles = [0xF; 16];
        nibbles[0] = 2;
        nibbles[1] = (self.0.len() & 0xF) as u8;
        for (nibble, digit) in nibbles[2..].iter_mut().zip(&self.0) {
            *nibble = *digit;
        }
        let mut block = [0; 8];
        for (byte, pair) in block.iter_mut().zip(nibbles.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        block
    }

    /// The same PIN with one digit changed.
    #[must_use]
    pub fn with_wrong_digit(&self, position: usize) -> Self {
        let mut digits = self.0.clone();
        digits[position] = (digits[position] + 1) % 10;
        Self(digits)
    }
}

#[cfg(test)]
mod tests {
    use super::Pin;

    #[test]
    fn the_example_of_the_protocol_text() {
        assert_eq!(
            hex::encode_upper(Pin::new(&[1, 2, 3, 4]).block()),
            "241234FFFFFFFFFF"
        );
        let twelve = Pin::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2]);
        assert_eq!(hex::encode_upper(twelve.block()), "2C123456789012FF");
    }
}
