//! Encoding of a short command APDU (ISO/IEC 7816-3 §12.1).

use crate::tlv::{self, Overflow};
use heapless::VecView;
use zeroize::Zeroize;

/// Longest short command APDU: header, Lc, 255 bytes of data, Le.
const SHORT_APDU_MAX: usize = 4 + 1 + 255 + 1;

/// CLA INS P1 P2.
pub type Header = [u8; 4];

/// A short command APDU in bytes. It may hold a PIN, so it is zeroized when
/// dropped and can't be printed.
#[derive(Default)]
pub struct Apdu(heapless::Vec<u8, SHORT_APDU_MAX>);

impl Apdu {
    /// A command whose data field `data` writes; `answered` asks for an answer
    /// (Le = `00`, up to 256 bytes).
    pub(super) fn build(
        header: Header,
        answered: bool,
        data: impl FnOnce(&mut VecView<u8>) -> Result<(), Overflow>,
    ) -> Result<Self, Overflow> {
        let mut apdu = Self::default();
        tlv::append(&mut apdu.0, &header)?;
        tlv::append(&mut apdu.0, &[0])?;
        data(&mut apdu.0)?;
        let length = apdu.0.len() - 5;
        if length == 0 {
            apdu.0.truncate(4);
        } else {
            apdu.0[4] = u8::try_from(length).map_err(|_| Overflow)?;
        }
        if answered {
            tlv::append(&mut apdu.0, &[0])?;
        }
        Ok(apdu)
    }

    /// A command without a data field.
    pub(super) fn bare(header: Header, answered: bool) -> Self {
        Self::build(header, answered, |_| Ok(())).expect("a header fits")
    }

    /// The bytes to send.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Apdu {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}
