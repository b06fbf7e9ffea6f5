//! BER-TLV as section 1 of the protocol text restricts it: shortest definite lengths, a fixed
//! order, nothing between or after the data objects.

use crate::outcome::{Step, Stop};

/// One data object, with the shortest length encoding. `tag` is one byte, or two for `7F49`, `5F49` and `BF21`.
#[must_use]
pub fn object(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len() + 5);
    if tag > 0xFF {
        bytes.push((tag >> 8) as u8);
    }
    bytes.push((tag & 0xFF) as u8);
    let len = value.len();
    if len < 0x80 {
        bytes.push(len as u8);
    } else if len < 0x100 {
        bytes.extend_from_slice(&[0x81, len as u8]);
    } else {
        bytes.extend_from_slice(&[0x82, (len >> 8) as u8, len as u8]);
    }
    bytes.extend_from_slice(value);
    bytes
}

/// Data objects, one after another.
#[must_use]
pub fn objects(objects: &[(u16, Vec<u8>)]) -> Vec<u8> {
    (objects.iter())
        .flat_map(|(tag, value)| object(*tag, value))
        .collect()
}

/// Reads data objects one after the other out of an answer.
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'a str,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of an answer; `what` names it in messages.
    #[must_use]
    pub const fn new(what: &'a str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, what }
    }

    /// The value of the next data object, which must bear this tag.
    ///
    /// # Errors
    /// [`Stop::Fail`] on another tag, a length that isn't the shortest, or too few bytes.
    pub fn next(&mut self, tag: u16) -> Step<&'a [u8]> {
        let expected = if tag > 0xFF {
            tag.to_be_bytes().to_vec()
        } else {
            vec![(tag & 0xFF) as u8]
        };
        let Some(after) = self.rest.strip_prefix(expected.as_slice()) else {
            return Err(self.fail(&format!("tag {tag:02X} expected")));
        };
        let (len, after) = match *after {
            [len @ 0..=0x7F, ref rest @ ..] => (usize::from(len), rest),
            [0x81, len @ 0x80..=0xFF, ref rest @ ..] => (usize::from(len), rest),
            [0x82, hi @ 1..=0xFF, lo, ref rest @ ..] => {
                (usize::from(hi) << 8 | usize::from(lo), rest)
            }
            _ => return Err(self.fail("length missing, or not in its shortest form")),
        };
        if after.len() < len {
            return Err(self.fail(&format!("data object {tag:02X} is cut short")));
        }
        let (value, rest) = after.split_at(len);
        self.rest = rest;
        Ok(value)
    }

    /// Like [`Reader::next`], with a value of exactly `N` bytes.
    ///
    /// # Errors
    /// [`Stop::Fail`] as for [`Reader::next`], and on another length.
    pub fn array<const N: usize>(&mut self, tag: u16) -> Step<[u8; N]> {
        let value = self.next(tag)?;
        value.try_into().map_err(|_| {
            self.fail(&format!(
                "data object {tag:02X} has {} bytes instead of {N}",
                value.len()
            ))
        })
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Asserts that nothing is left.
    ///
    /// # Errors
    /// [`Stop::Fail`] when bytes follow the last data object.
    pub fn end(&self) -> Step<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.fail("bytes after the last data object"))
    }

    fn fail(&self, why: &str) -> Stop {
        Stop::Fail(format!(
            "{}: {why}, at {} bytes from the end",
            self.what,
            self.rest.len()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reader, object};

    #[test]
    fn lengths_are_the_shortest_and_read_back() {
        for len in [0, 1, 127, 128, 255, 256, 300] {
            let value = vec![7; len];
            let bytes = object(0x83, &value);
            let header = match len {
                0..=127 => 2,
                128..=255 => 3,
                _ => 4,
            };
            assert_eq!(bytes.len(), header + len);
            let mut reader = Reader::new("test", &bytes);
            assert_eq!(reader.next(0x83).unwrap(), value);
            assert!(reader.end().is_ok());
        }
    }

    #[test]
    fn bad_encodings_are_refused() {
        for bad in ["", "80", "8002AA", "818101", "8081", "82820010"] {
            let bytes = hex::decode(bad).unwrap();
            assert!(Reader::new("test", &bytes).next(0x80).is_err(), "{bad}");
        }
        let long = hex::decode("80810141").unwrap();
        assert!(Reader::new("test", &long).next(0x80).is_err());
        assert!(Reader::new("test", &[0x80, 0, 0]).end().is_err());
    }
}
