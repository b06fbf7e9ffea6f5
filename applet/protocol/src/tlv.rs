//! Data objects as the protocol has them (`docs/protocol.md`, section 1):
//! BER-TLV, one-byte tags, shortest definite lengths, in a fixed order.

use heapless::VecView;

/// The bytes aren't the expected data objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// The buffer is too small for what was to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

/// Takes data objects off the front of a byte string, one after another.
#[derive(Clone, Copy)]
pub struct Objects<'a> {
    rest: &'a [u8],
}

impl<'a> Objects<'a> {
    /// Starts at the front of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The value of the next object, which must have this tag.
    pub fn next(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        let rest = self.rest.strip_prefix(&[tag]).ok_or(Malformed)?;
        let (length, rest) = take_length(rest)?;
        let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(value)
    }

    /// The value of the next object, which must have this tag and length.
    pub fn fixed<const N: usize>(&mut self, tag: u8) -> Result<&'a [u8; N], Malformed> {
        self.next(tag)?.try_into().map_err(|_| Malformed)
    }

    /// The next object's value as a big-endian `u32`.
    pub fn u32(&mut self, tag: u8) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(*self.fixed(tag)?))
    }

    /// The next object's value as a big-endian `u64`.
    pub fn u64(&mut self, tag: u8) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(*self.fixed(tag)?))
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Requires that nothing is left.
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

fn take_length(bytes: &[u8]) -> Result<(usize, &[u8]), Malformed> {
    match bytes {
        [short @ 0..=0x7F, rest @ ..] => Ok((usize::from(*short), rest)),
        [0x81, length @ 0x80..=0xFF, rest @ ..] => Ok((usize::from(*length), rest)),
        [0x82, high @ 1..=0xFF, low, rest @ ..] => {
            Ok((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => Err(Malformed),
    }
}

/// Appends tag and length; the value, of `length` bytes, is for the caller to
/// append.
pub fn open(out: &mut VecView<u8>, tag: u8, length: usize) -> Result<(), Overflow> {
    let length = u16::try_from(length).map_err(|_| Overflow)?;
    let [high, low] = length.to_be_bytes();
    match length {
        0..=0x7F => append(out, &[tag, low]),
        0x80..=0xFF => append(out, &[tag, 0x81, low]),
        _ => append(out, &[tag, 0x82, high, low]),
    }
}

/// Appends a whole data object.
pub fn put(out: &mut VecView<u8>, tag: u8, value: &[u8]) -> Result<(), Overflow> {
    open(out, tag, value.len())?;
    append(out, value)
}

/// Appends bytes as they are.
pub fn append(out: &mut VecView<u8>, bytes: &[u8]) -> Result<(), Overflow> {
    out.extend_from_slice(bytes).map_err(|_| Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn longer_length_than_needed_is_malformed() {
        for bytes in [
            &[0x80u8, 0x81, 0x01, 0xAA][..],
            &[0x80, 0x82, 0x00, 0x01, 0xAA],
            &[0x80, 0x80],
            &[0x80, 0x83, 0, 0, 1, 0xAA],
            &[0x80],
            &[],
            &[0x81, 0x00],
        ] {
            assert_eq!(Objects::new(bytes).next(0x80), Err(Malformed), "{bytes:x?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_is_taken(value in proptest::collection::vec(any::<u8>(), 0..600)) {
            let mut out = heapless::Vec::<u8, 700>::new();
            put(&mut out, 0x85, &value).unwrap();
            let mut objects = Objects::new(&out);
            prop_assert_eq!(objects.next(0x85).unwrap(), &value[..]);
            prop_assert!(objects.end().is_ok());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            let _ = Objects::new(&bytes).next(*bytes.first().unwrap_or(&0));
        }
    }
}
