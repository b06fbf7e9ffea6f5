//! Command and response APDUs (ISO/IEC 7816-3 §12.1), encoded by the suite itself.

use crate::failure::Code;
use crate::outcome::{Step, Stop};
use crate::status::Sw;

/// Le of a short command that takes as many bytes as there are, up to 256.
pub const LE_SHORT: u32 = 256;
/// Le of an extended command that takes as many bytes as there are, up to 65 536.
pub const LE_EXTENDED: u32 = 65_536;

/// A command before it is encoded.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// CLA INS P1 P2.
    pub header: [u8; 4],
    /// The data field; empty means absent.
    pub data: Vec<u8>,
    /// How many answer bytes are asked for; `None` means that the Le field is absent.
    pub le: Option<u32>,
}

impl Command {
    /// A command without data and without Le.
    #[must_use]
    pub const fn new(header: [u8; 4]) -> Self {
        Self {
            header,
            data: Vec::new(),
            le: None,
        }
    }

    /// The same command with this data field.
    #[must_use]
    pub fn data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.data = data.into();
        self
    }

    /// The same command with this Le, in bytes asked for.
    #[must_use]
    pub const fn le(mut self, le: u32) -> Self {
        self.le = Some(le);
        self
    }

    /// The short form: at most 255 data bytes and an Le of at most 256.
    ///
    /// # Errors
    /// [`Stop::Error`] when the command doesn't fit: a fault of the case, not of the card.
    pub fn short(&self) -> Step<Vec<u8>> {
        let mut apdu = self.header.to_vec();
        if !self.data.is_empty() {
            apdu.push(u8::try_from(self.data.len()).map_err(|_| too_long())?);
            apdu.extend_from_slice(&self.data);
        }
        match self.le {
            None => {}
            Some(LE_SHORT) => apdu.push(0),
            Some(le) => apdu.push(u8::try_from(le).map_err(|_| too_long())?),
        }
        Ok(apdu)
    }

    /// The extended form: at most 65 535 data bytes and an Le of at most 65 536.
    ///
    /// # Errors
    /// [`Stop::Error`] when the command doesn't fit.
    pub fn extended(&self) -> Step<Vec<u8>> {
        let mut apdu = self.header.to_vec();
        if !self.data.is_empty() {
            let lc = u16::try_from(self.data.len()).map_err(|_| too_long())?;
            apdu.push(0);
            apdu.extend_from_slice(&lc.to_be_bytes());
            apdu.extend_from_slice(&self.data);
        } else if self.le.is_some() {
            apdu.push(0);
        }
        match self.le {
            None => {}
            Some(LE_EXTENDED) => apdu.extend_from_slice(&[0, 0]),
            Some(le) => {
                let le = u16::try_from(le).map_err(|_| too_long())?;
                apdu.extend_from_slice(&le.to_be_bytes());
            }
        }
        Ok(apdu)
    }
}

fn too_long() -> Stop {
    Stop::Error("a case asked for an APDU longer than its form allows".to_owned())
}

/// What a card answered to one command.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The response data field.
    pub data: Vec<u8>,
    /// SW1 SW2.
    pub sw: Sw,
    /// CLA INS P1 P2 of the command, for messages.
    pub to: [u8; 4],
}

impl Answer {
    /// Splits a response APDU.
    ///
    /// # Errors
    /// [`Stop::Error`] below two bytes: that is how a reader reports a card that went away.
    pub fn split(to: [u8; 4], mut response: Vec<u8>) -> Step<Self> {
        let Some(at) = response.len().checked_sub(2) else {
            let reason = "the card went away in the middle of a command (fewer than two bytes \
                          came back)";
            return Err(Stop::Error(Code::CardWentAway.because(reason).to_string()));
        };
        let sw = Sw(u16::from_be_bytes([response[at], response[at + 1]]));
        response.truncate(at);
        Ok(Self {
            data: response,
            sw,
            to,
        })
    }

    /// The data, if the status word is the expected one.
    ///
    /// # Errors
    /// [`Stop::Fail`] with the expected and the actual status word, or when a refusal carries data.
    pub fn want(self, expected: Sw, what: &str) -> Step<Vec<u8>> {
        if self.sw != expected {
            return Err(Stop::Fail(format!(
                "{what}: expected {expected}, the card answered {} to {}",
                self.sw,
                hex::encode_upper(self.to)
            )));
        }
        if !expected.is_success() && !self.data.is_empty() {
            return Err(Stop::Fail(format!(
                "{what}: {} bytes of data came with {}",
                self.data.len(),
                self.sw
            )));
        }
        Ok(self.data)
    }

    /// Like [`Answer::want`], where the answer must have no data.
    ///
    /// # Errors
    /// [`Stop::Fail`] on another status word, or on data.
    pub fn want_bare(self, expected: Sw, what: &str) -> Step<()> {
        let data = self.want(expected, what)?;
        if data.is_empty() {
            return Ok(());
        }
        Err(Stop::Fail(format!(
            "{what}: expected no data, the card answered {} bytes",
            data.len()
        )))
    }
}
