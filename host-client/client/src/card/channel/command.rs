//! A plain command APDU taken apart (ISO/IEC 7816-3 §12.1), and put together again with protected
//! data.

use zeroize::Zeroizing;

/// The longest data field that still fits into a short APDU once it is protected, in bytes: 255
/// less a MAC of 8 and at least one byte of padding, in whole blocks of 16.
pub(in crate::card) const DATA_MAX: usize = 239;

/// The bit of the class byte that asks for secure messaging with an authenticated header
/// (ISO/IEC 7816-4 §5.4.1).
const PROTECTED: u8 = 0x04;

/// A command APDU's parts; what Le it has doesn't matter, since a protected command asks for all.
pub(super) struct Parts<'a> {
    header: [u8; 4],
    pub(super) data: &'a [u8],
    extended: bool,
}

impl<'a> Parts<'a> {
    /// None when the length fields don't agree with the length.
    pub(super) fn of(command: &'a [u8]) -> Option<Self> {
        let (&header, body) = command.split_first_chunk::<4>()?;
        let (data, extended) = match *body {
            [] | [_] => (&[][..], false),
            [0, _, _] => (&[][..], true),
            [0, high, low, ref rest @ ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                (without_le(rest, length, 2)?, true)
            }
            [length, ref rest @ ..] => (without_le(rest, length.into(), 1)?, false),
        };
        Some(Self {
            header,
            data,
            extended,
        })
    }

    /// The header as it is sent, and Lc for so many bytes of protected data: what the MAC covers
    /// besides those. None when they are too many.
    pub(super) fn head(&self, length: usize) -> Option<Zeroizing<Vec<u8>>> {
        let [class, rest @ ..] = self.header;
        // Room for all that comes behind, so that no copy of it stays where it grew.
        let mut head = Zeroizing::new(Vec::with_capacity(4 + 3 + length + 2));
        head.push(class | PROTECTED);
        head.extend_from_slice(&rest);
        if self.extended {
            head.push(0);
            head.extend_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
        } else {
            head.push(u8::try_from(length).ok()?);
        }
        Some(head)
    }

    /// Le that asks for as much as there is.
    pub(super) fn le(&self) -> &'static [u8] {
        if self.extended { &[0, 0] } else { &[0] }
    }
}

/// So many bytes, behind which there is an Le of `le` bytes, or none.
fn without_le(rest: &[u8], length: usize, le: usize) -> Option<&[u8]> {
    let fits = length > 0 && (rest.len() == length || rest.len() == length + le);
    fits.then(|| &rest[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(command: &[u8]) -> Option<(Vec<u8>, bool)> {
        Parts::of(command).map(|parts| (parts.data.to_vec(), parts.extended))
    }

    #[test]
    fn all_forms_of_a_command_are_taken_apart() {
        for (command, data, extended) in [
            (&[0, 1, 2, 3][..], &[][..], false),
            (&[0, 1, 2, 3, 0], &[], false),
            (&[0, 1, 2, 3, 9], &[], false),
            (&[0, 1, 2, 3, 1, 9], &[9], false),
            (&[0, 1, 2, 3, 1, 9, 0], &[9], false),
            (&[0, 1, 2, 3, 0, 0, 0], &[], true),
            (&[0, 1, 2, 3, 0, 0, 1, 9], &[9], true),
            (&[0, 1, 2, 3, 0, 0, 1, 9, 0, 0], &[9], true),
        ] {
            assert_eq!(
                parts(command),
                Some((data.to_vec(), extended)),
                "{command:?}"
            );
        }
        for command in [
            &[][..],
            &[0, 1, 2],
            &[0, 1, 2, 3, 2, 9],
            &[0, 1, 2, 3, 1, 9, 0, 0],
            &[0, 1, 2, 3, 0, 0],
            &[0, 1, 2, 3, 0, 0, 0, 9],
            &[0, 1, 2, 3, 0, 0, 1, 9, 0],
        ] {
            assert_eq!(parts(command), None, "{command:?}");
        }
    }
}
