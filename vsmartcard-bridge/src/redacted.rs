//! APDUs as they may be written to a log: what a command is and how long, and how it ended.
//!
//! APDUs are byte slices everywhere else, which the emulator never formats. PINs, keys and
//! transactions are in their data fields, so these two types have no access to more than a header
//! or a status word.

use core::fmt;

/// Bytes of CLA INS P1 P2.
const HEADER: usize = 4;

/// A command APDU without its data field: the four bytes of its header, and its whole length.
pub struct RedactedCommand {
    header: Option<[u8; HEADER]>,
    length: usize,
}

impl RedactedCommand {
    /// What may be known of the command.
    #[must_use]
    pub fn new(command: &[u8]) -> Self {
        Self {
            header: command.first_chunk().copied(),
            length: command.len(),
        }
    }
}

impl fmt::Display for RedactedCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.header {
            Some([cla, ins, p1, p2]) => {
                write!(
                    f,
                    "{cla:02X}{ins:02X}{p1:02X}{p2:02X}, {} bytes",
                    self.length
                )
            }
            None => write!(f, "no header, {} bytes", self.length),
        }
    }
}

/// A response APDU without its data field: its status word, and its whole length.
pub struct RedactedAnswer {
    status: Option<[u8; 2]>,
    length: usize,
}

impl RedactedAnswer {
    /// What may be known of the response.
    #[must_use]
    pub fn new(answer: &[u8]) -> Self {
        Self {
            status: answer.last_chunk().copied(),
            length: answer.len(),
        }
    }
}

impl fmt::Display for RedactedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some([sw1, sw2]) => write!(f, "{sw1:02X}{sw2:02X}, {} bytes", self.length),
            None => write!(f, "no status word, {} bytes", self.length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_data_field_is_shown() {
        let command = [0x00, 0x20, 0x00, 0x80, 0x08, 0x26, 0x27, 0x18, 0x28];
        assert_eq!(
            RedactedCommand::new(&command).to_string(),
            "00200080, 9 bytes"
        );
        let short = RedactedCommand::new(&command[5..8]).to_string();
        assert_eq!(short, "no header, 3 bytes");
        let answer = [0x11, 0x22, 0x90, 0x00];
        assert_eq!(RedactedAnswer::new(&answer).to_string(), "9000, 4 bytes");
        assert_eq!(
            RedactedAnswer::new(&[0x90]).to_string(),
            "no status word, 1 bytes"
        );
    }
}
