//! What a session is known by in signatures (`docs/protocol.md`, sections 3.8 and
//! 5.2).

use crate::command::RECEIPT_LENGTH;
use heapless::Vec;

/// The session in which something is signed, or signed for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Session {
    /// A plain one.
    #[default]
    Plain,
    /// A channel, by its receipt.
    Channel([u8; RECEIPT_LENGTH]),
}

impl Session {
    /// The receipt with its length before it, or a length of zero.
    pub fn to_bytes(&self) -> Vec<u8, { 1 + RECEIPT_LENGTH }> {
        let receipt = match self {
            Self::Plain => &[][..],
            Self::Channel(receipt) => receipt,
        };
        core::iter::once(receipt.len() as u8)
            .chain(receipt.iter().copied())
            .collect()
    }
}
