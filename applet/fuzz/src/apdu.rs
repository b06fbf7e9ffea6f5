//! Command APDUs, taken apart and put together without a line of the card's.

/// GET DATA, status.
pub const STATUS: [u8; 4] = [0x00, 0xCA, 0x01, 0x00];

/// Header and data of a command that a channel can protect.
pub fn plain(apdu: &[u8]) -> Option<([u8; 4], &[u8])> {
    let (header, rest) = apdu.split_first_chunk::<4>()?;
    let is_plain = matches!(header[0], 0x00 | 0x80);
    // GET RESPONSE, SELECT, and what opens a channel are sent as they are.
    let is_bare = matches!(header[..2], [0x00, 0xC0 | 0xA4] | [0x80, 0x88]);
    (is_plain && !is_bare).then(|| (*header, data(rest)))
}

/// The data field behind a header, as far as it is there.
pub fn data(rest: &[u8]) -> &[u8] {
    let (length, rest) = match rest {
        [0, high, low, rest @ ..] if !rest.is_empty() => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        [length, rest @ ..] if !rest.is_empty() => (usize::from(*length), rest),
        _ => (0, &[][..]),
    };
    &rest[..length.min(rest.len())]
}

/// A plain command as it would be sent.
pub fn canonical(header: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = data.len();
    match length {
        0 => [&header[..], &[0]].concat(),
        1..0x100 => [&header[..], &[length as u8], data, &[0]].concat(),
        _ => {
            let extended = [0, (length >> 8) as u8, length as u8];
            [&header[..], &extended, data, &[0, 0]].concat()
        }
    }
}

/// Whether a command that was sent as it stands closes an open channel (`[SES-1]` to
/// `[SES-3]`, `[MSG-2]`).
pub fn closes(apdu: &[u8], status: u16) -> bool {
    if !is_well_formed(apdu) {
        assert!(status == 0x6700 || apdu.first() == Some(&0xFF));
        return false;
    }
    match [apdu[0], apdu[1]] {
        [0x00, 0xC0] => false,
        [0x00, 0xA4] => status == 0x9000,
        [0x80, 0x88] => true,
        [0x00 | 0x80 | 0x04 | 0x84, _] => {
            assert_eq!(status, 0x6982, "{apdu:02X?}");
            true
        }
        _ => {
            assert!(matches!(status, 0x6881 | 0x6882 | 0x6884 | 0x6E00));
            false
        }
    }
}

/// Whether a command's lengths agree (ISO/IEC 7816-3 §12.1).
fn is_well_formed(apdu: &[u8]) -> bool {
    match apdu {
        [] | [_] | [_, _] | [_, _, _] => false,
        [_, _, _, _] | [_, _, _, _, _] => true,
        [_, _, _, _, 0, _, _] => true,
        [_, _, _, _, 0, high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            length > 0 && [length, length + 2].contains(&rest.len())
        }
        [_, _, _, _, 0, ..] => false,
        [_, _, _, _, length, rest @ ..] => {
            let length = usize::from(*length);
            [length, length + 1].contains(&rest.len())
        }
    }
}
