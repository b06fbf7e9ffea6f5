//! Numbers in as few bytes as they need, seven bits each, lowest first (LEB128).

use heapless::VecView;

/// Appends a number; `None` when it doesn't fit.
pub(crate) fn put(out: &mut VecView<u8>, mut number: u64) -> Option<()> {
    while number >= 0x80 {
        out.push(number as u8 | 0x80).ok()?;
        number >>= 7;
    }
    out.push(number as u8).ok()
}

/// Takes a number off the front; `None` when there is none.
pub(crate) fn take(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(9) {
        number |= u64::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[i + 1..]));
        }
    }
    None
}
