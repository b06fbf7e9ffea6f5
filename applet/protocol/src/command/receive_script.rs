//! The answer to RECEIVE SCRIPT (`docs/protocol.md`, section 6.1).

use super::types::TaprootScript;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// The card's next receive script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveScriptAnswer {
    /// Index on the receive chain (`CARD/0/index`).
    pub index: u32,
    /// The scriptPubKey there.
    pub script: TaprootScript,
}

impl ReceiveScriptAnswer {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let answer = Self {
            index: objects.u32(0x80)?,
            script: *objects.fixed(0x81)?,
        };
        objects.end()?;
        Ok(answer)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.index.to_be_bytes())?;
        tlv::put(out, 0x81, &self.script)
    }
}
