//! What a program asks a reader with a PIN pad for (PC/SC part 10, version 2.02.09, sections 2.5 and 2.6), and
//! how a PIN gets into its command.

use zeroize::Zeroizing;

/// Where a PIN goes in a command, and which PINs are taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PinFormat {
    /// Seconds until the first key, and until each after it; 0 for the reader's own time, and for no other.
    pub(super) times: [u8; 2],
    /// Fewest and most digits.
    pub(super) digits: [u8; 2],
    encoding: Encoding,
    is_right_justified: bool,
    /// Bytes of the PIN block, and bits before it in the data field.
    block: usize,
    position: usize,
    /// Bits of the PIN's length, 0 for none, and bits before it in the data field.
    length_bits: usize,
    length_position: usize,
}

/// How digits are written (`bmFormatString`, bits 1 and 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Binary,
    /// Two digits in a byte.
    Decimal,
    Ascii,
}

/// A request to type a PIN, or to type a new one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PinRequest {
    pub(super) format: PinFormat,
    /// Where PINs go: bytes before each in the data field, besides the format's position. The old PIN, if it is
    /// asked for, comes first.
    pub(super) places: Vec<usize>,
    /// Whether the last PIN is to be typed twice.
    pub(super) is_confirmed: bool,
    /// The command, with its data field as a form to be filled in.
    pub(super) command: Zeroizing<Vec<u8>>,
}

/// Bytes of a command before its data field: header and Lc.
const BEFORE_DATA: usize = 5;

impl PinRequest {
    /// A `PIN_VERIFY` structure; `None` for what isn't one.
    pub(super) fn verify(bytes: &[u8]) -> Option<Self> {
        let (head, command) = bytes.split_at_checked(19)?;
        let format = PinFormat::parse(head.first_chunk()?, [head[5], head[6]])?;
        Some(Self {
            format,
            places: vec![0],
            is_confirmed: false,
            command: form(&head[15..19], command)?,
        })
    }

    /// A `PIN_MODIFY` structure; `None` for what isn't one.
    pub(super) fn modify(bytes: &[u8]) -> Option<Self> {
        let (head, command) = bytes.split_at_checked(24)?;
        let format = PinFormat::parse(head.first_chunk()?, [head[7], head[8]])?;
        let (old, new, confirm) = (head[5], head[6], head[9]);
        let asks_old = confirm & 2 != 0;
        let places = asks_old.then_some(old).into_iter().chain([new]);
        Some(Self {
            format,
            places: places.map(usize::from).collect(),
            is_confirmed: confirm & 1 != 0,
            command: form(&head[20..24], command)?,
        })
    }

    /// Writes a PIN into the command at one of its places; `None` when it has no room there.
    pub(super) fn fill(&mut self, place: usize, digits: &[u8]) -> Option<()> {
        let data = self.command.get_mut(BEFORE_DATA..)?;
        self.format.write(data.get_mut(place..)?, digits)
    }
}

/// The command that is to be filled in: a case 3 or case 4 command with a short data field.
fn form(length: &[u8], command: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let data = usize::from(*command.get(4)?);
    let is_form = command.len() == length && data > 0 && length >= BEFORE_DATA + data;
    is_form.then(|| Zeroizing::new(command.to_vec()))
}

impl PinFormat {
    fn parse(head: &[u8; 5], [most, fewest]: [u8; 2]) -> Option<Self> {
        let [first, others, string, block, length] = *head;
        let unit = |in_bytes: bool| if in_bytes { 8 } else { 1 };
        let encoding = match string & 0b11 {
            0b00 => Encoding::Binary,
            0b01 => Encoding::Decimal,
            0b10 => Encoding::Ascii,
            _ => return None,
        };
        let format = Self {
            times: [first, others],
            digits: [fewest, most],
            encoding,
            is_right_justified: string & 0b100 != 0,
            block: usize::from(block & 0x0F),
            position: usize::from(string >> 3 & 0x0F) * unit(string & 0x80 != 0),
            length_bits: usize::from(block >> 4),
            length_position: usize::from(length & 0x0F) * unit(length & 0x10 != 0),
        };
        (fewest <= most && most > 0).then_some(format)
    }

    /// Bits of a digit.
    fn width(&self) -> usize {
        match self.encoding {
            Encoding::Decimal => 4,
            Encoding::Binary | Encoding::Ascii => 8,
        }
    }

    /// What isn't written keeps what the form has there.
    fn write(&self, data: &mut [u8], digits: &[u8]) -> Option<()> {
        let used = digits.len() * self.width();
        // A block without a length of its own is as long as the PIN.
        let block = match self.block {
            0 => used,
            bytes => 8 * bytes,
        };
        let before = if self.is_right_justified {
            block.checked_sub(used)?
        } else {
            0
        };
        for (at, digit) in digits.iter().enumerate() {
            let value = match self.encoding {
                Encoding::Ascii => *digit,
                Encoding::Binary | Encoding::Decimal => digit - b'0',
            };
            let position = self.position + before + at * self.width();
            put(data, position, self.width(), usize::from(value))?;
        }
        (used <= block).then_some(())?;
        put(data, self.length_position, self.length_bits, digits.len())
    }
}

/// Writes a number of so many bits after so many others.
fn put(data: &mut [u8], position: usize, bits: usize, value: usize) -> Option<()> {
    for bit in 0..bits {
        let (at, mask) = (position + bit, value >> (bits - 1 - bit) & 1);
        let byte = data.get_mut(at / 8)?;
        let shift = 7 - at % 8;
        *byte = *byte & !(1 << shift) | (mask as u8) << shift;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form of the project's card: ISO 9564 format 2, eight bytes, 4 to 12 digits.
    fn block_2() -> Vec<u8> {
        let mut asked = vec![30, 0, 0x89, 0x47, 0x04, 12, 4, 2, 1, 9, 4, 0, 0, 0, 0];
        asked.extend(13u32.to_le_bytes());
        asked.extend(b"\x00\x20\x00\x80\x08\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
        asked
    }

    #[test]
    fn a_block_of_format_2_is_filled_in() {
        for (digits, block) in [
            (&b"1234"[..], b"\x24\x12\x34\xFF\xFF\xFF\xFF\xFF"),
            (b"12345", b"\x25\x12\x34\x5F\xFF\xFF\xFF\xFF"),
            (b"123456789012", b"\x2C\x12\x34\x56\x78\x90\x12\xFF"),
        ] {
            let mut request = PinRequest::verify(&block_2()).unwrap();
            request.fill(0, digits).unwrap();
            assert_eq!(request.command[5..], block[..]);
        }
    }

    #[test]
    fn text_and_right_justified_digits_are_written_where_they_belong() {
        let form = |string, block, length, data: &[u8]| {
            let mut asked = vec![0, 0, string, block, length, 8, 4, 2, 0, 0, 0, 0, 0, 0, 0];
            asked.extend((5 + data.len() as u32).to_le_bytes());
            asked.extend([0, 0x20, 0, 1, data.len() as u8]);
            asked.extend(data);
            let mut request = PinRequest::verify(&asked).unwrap();
            request
                .fill(0, b"1234")
                .map(|()| request.command[5..].to_vec())
        };
        // ASCII, left, no length; the form has FF for what is missing.
        let ascii = form(0x82, 0x08, 0x00, &[0xFF; 8]).unwrap();
        assert_eq!(ascii, b"1234\xFF\xFF\xFF\xFF");
        // Decimal digits at the right end of four bytes, a byte of length before them.
        let right = form(0x8D, 0x84, 0x00, &[0; 5]).unwrap();
        assert_eq!(right, [4, 0, 0, 0x12, 0x34]);
        // No room.
        assert_eq!(form(0x82, 0x08, 0x00, &[0xFF; 3]), None);
    }

    #[test]
    fn old_and_new_pin_have_their_places() {
        let mut asked = vec![
            30, 0, 0x89, 0x47, 0x04, 0, 8, 12, 4, 3, 2, 3, 9, 4, 0, 1, 2, 0, 0, 0,
        ];
        asked.extend(21u32.to_le_bytes());
        asked.extend(b"\x00\x24\x00\x80\x10");
        asked.extend(b"\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF".repeat(2));
        let mut request = PinRequest::modify(&asked).unwrap();
        assert_eq!(
            (&request.places[..], request.is_confirmed),
            (&[0, 8][..], true)
        );
        request.fill(0, b"1234").unwrap();
        request.fill(8, b"5678").unwrap();
        assert_eq!(request.command[5..8], [0x24, 0x12, 0x34]);
        assert_eq!(request.command[13..16], [0x24, 0x56, 0x78]);
    }

    #[test]
    fn what_is_no_structure_is_refused() {
        let whole = block_2();
        for length in 0..whole.len() {
            assert_eq!(PinRequest::verify(&whole[..length]), None, "{length}");
            assert_eq!(PinRequest::modify(&whole[..length]), None, "{length}");
        }
        let with = |at: usize, byte: u8| {
            let mut changed = whole.clone();
            changed[at] = byte;
            PinRequest::verify(&changed)
        };
        assert_eq!(with(2, 0x8B), None, "no such format");
        assert_eq!(with(5, 3), None, "fewer at most than at least");
        assert_eq!(with(15, 14), None, "another length");
        assert_eq!(with(23, 9), None, "a data field that isn't there");
        // No bytes make it panic.
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7F, 0x80, 0xFF] {
                if let Some(mut request) = with(at, byte) {
                    let _ = request.fill(0, b"123456789012");
                }
            }
        }
    }
}
