//! RECEIVE SCRIPT (`docs/protocol.md`, section 6.1).

use super::{Apdu, TaprootScript, expect_bare};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Asks for the script at the card's next receive index.
pub struct ReceiveScript;

impl ReceiveScript {
    pub(super) const CODE: [u8; 2] = [0x80, 0x20];

    pub(super) fn parse(parameters: [u8; 2], data: &[u8]) -> Result<Self, Status> {
        expect_bare(parameters, data)?;
        Ok(Self)
    }

    /// The command in bytes.
    pub fn to_apdu() -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::bare([cla, ins, 0, 0], true)
    }
}

/// The answer to RECEIVE SCRIPT.
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

    pub(crate) fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.index.to_be_bytes())?;
        tlv::put(out, 0x81, &self.script)
    }
}
