//! A PIN from standard input.

use std::io::{IsTerminal, Write};

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};
use tillcard::till::{PinError, PinSource};
use tillcard_client::card::{PIN_DIGITS_MAX, PinBlock};
use zeroize::Zeroizing;

/// The PIN from standard input: typed on a terminal without echo, or a line from a pipe. It is read
/// byte by byte, so that no buffer keeps it.
#[derive(Default)]
pub(crate) struct StandardInput {
    _private: (),
}

/// What the Ctrl-C and Ctrl-D keys send while the terminal sends no signals for them.
const END_OF_TEXT: u8 = 0x03;
const END_OF_TRANSMISSION: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const DELETE: u8 = 0x7F;

impl PinSource for StandardInput {
    fn ask(&mut self, prompt: &str) -> Result<PinBlock, PinError> {
        block(&self.digits(prompt)?)
    }
}

impl StandardInput {
    /// The PIN's digits, for the till's service, which makes the block of them.
    pub(crate) fn digits(&mut self, prompt: &str) -> Result<Zeroizing<String>, PinError> {
        if !std::io::stdin().is_terminal() {
            return read_line(read_byte);
        }
        let failed = |error: rustix::io::Errno| PinError::Terminal(error.to_string());
        let quiet = QuietTerminal::enter().map_err(failed)?;
        let mut out = std::io::stderr();
        // Nobody is asked when the prompt can't be shown; the reading goes on all the same.
        let _ = write!(out, "{prompt}: ").and_then(|()| out.flush());
        let digits = read_line(read_byte);
        drop(quiet);
        let _ = writeln!(out);
        digits
    }
}

fn block(digits: &str) -> Result<PinBlock, PinError> {
    PinBlock::from_digits(digits.as_bytes()).ok_or(PinError::NotAPin)
}

/// One byte; `None` at the end of the input.
fn read_byte() -> Result<Option<u8>, PinError> {
    let mut byte = Zeroizing::new([0]);
    loop {
        match rustix::io::read(rustix::stdio::stdin(), &mut *byte) {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(Some(byte[0])),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(PinError::Terminal(error.to_string())),
        }
    }
}

/// Takes digits until the line's end. A line that is too long is read to its end all the same, so
/// that the rest isn't taken for the next entry.
fn read_line(
    mut next: impl FnMut() -> Result<Option<u8>, PinError>,
) -> Result<Zeroizing<String>, PinError> {
    let mut digits = Zeroizing::new([0; PIN_DIGITS_MAX + 1]);
    let mut length = 0;
    let mut any = false;
    loop {
        match next()? {
            None if !any => return Err(PinError::None),
            None | Some(b'\n' | b'\r') => break,
            Some(END_OF_TEXT | END_OF_TRANSMISSION) => return Err(PinError::None),
            Some(BACKSPACE | DELETE) => length = usize::saturating_sub(length, 1),
            Some(byte) => {
                digits[length.min(PIN_DIGITS_MAX)] = byte;
                length += 1;
            }
        }
        any = true;
    }
    let digits = digits
        .get(..length)
        .and_then(|digits| str::from_utf8(digits).ok());
    let digits = Zeroizing::new(digits.ok_or(PinError::NotAPin)?.to_owned());
    block(&digits)?;
    Ok(digits)
}

/// The terminal without echo, line editing and signals, until the value is dropped.
struct QuietTerminal {
    before: Termios,
}

impl QuietTerminal {
    fn enter() -> rustix::io::Result<Self> {
        let before = tcgetattr(rustix::stdio::stdin())?;
        let mut quiet = before.clone();
        quiet
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for QuietTerminal {
    fn drop(&mut self) {
        // There is nobody to tell when even this fails.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8]) -> Result<PinBlock, PinError> {
        let mut input = input.iter();
        block(&read_line(|| Ok(input.next().copied()))?)
    }

    #[test]
    fn a_line_of_digits_is_a_pin() {
        for line in [&b"1234\n"[..], b"1234\r\n", b"1234", b"12x\x7F34\n"] {
            let pin = read(line).unwrap();
            assert_eq!(hex::encode(pin.as_bytes()), "241234ffffffffff");
        }
        assert!(read(b"123456789012\n").is_ok());
    }

    #[test]
    fn anything_else_is_none() {
        for line in [&b"123\n"[..], b"1234567890123\n", b"12 34\n", b"\n"] {
            assert!(matches!(read(line), Err(PinError::NotAPin)), "{line:?}");
        }
        for line in [&b""[..], b"12\x03"] {
            assert!(matches!(read(line), Err(PinError::None)), "{line:?}");
        }
    }

    #[test]
    fn a_line_too_long_is_read_to_its_end() {
        let mut input = b"12345678901234567890\n1234\n".iter();
        let mut next = || Ok(input.next().copied());
        assert!(matches!(read_line(&mut next), Err(PinError::NotAPin)));
        assert!(read_line(&mut next).is_ok());
    }
}
