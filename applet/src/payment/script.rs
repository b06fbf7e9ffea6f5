//! Whom the card pays (`[PAY-5]`, `[PAY-6]`).

/// Longest scriptPubKey that the card pays to.
pub const PAYEE_SCRIPT_MAX: usize = 34;

/// A scriptPubKey of a permitted type.
#[derive(Clone, Copy)]
pub struct PayeeScript<'a> {
    bytes: &'a [u8],
    dust: u64,
}

impl<'a> PayeeScript<'a> {
    /// `None` for other types than P2PKH, P2SH, P2WPKH, P2WSH and P2TR.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let dust = match bytes {
            [0x76, 0xA9, 0x14, hash @ .., 0x88, 0xAC] if hash.len() == 20 => 546,
            [0xA9, 0x14, hash @ .., 0x87] if hash.len() == 20 => 540,
            [0x00, 0x14, hash @ ..] if hash.len() == 20 => 294,
            [0x00, 0x20, hash @ ..] if hash.len() == 32 => 330,
            [0x51, 0x20, key @ ..] if key.len() == 32 => 330,
            _ => return None,
        };
        Some(Self { bytes, dust })
    }

    /// The script.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bitcoin Core's dust threshold at 3000 sat/kvB, in sat.
    pub fn dust(&self) -> u64 {
        self.dust
    }
}
