//! Framing: command APDUs from bytes, answers of any length in parts
//! (`docs/protocol.md`, section 2.2).

use heapless::Vec;
use iso7816::command::{CommandView, FromSliceError};
use tillcard_protocol::command::Certificate;
use tillcard_protocol::status::{self, Status};

/// What protection adds to an answer at most: padding and a MAC.
const PROTECTION_MAX: usize = 16 + 8;
/// A payment with sixteen inputs and two outputs.
const PAYMENT_MAX: usize = 10 + 41 * 16 + 2 * 43 + 2 + 66 * 16;
/// Two certificates.
const CERTIFICATES_MAX: usize = 2 * Certificate::PIECES as usize * Certificate::PIECE_MAX;
/// Longest answer: certificates in a channel.
pub const ANSWER_MAX: usize = CERTIFICATES_MAX + PROTECTION_MAX;
const _: () = assert!(PAYMENT_MAX <= CERTIFICATES_MAX);
/// Longest response APDU.
pub const RESPONSE_MAX: usize = ANSWER_MAX + 2;

/// A response APDU.
pub type Response = Vec<u8, RESPONSE_MAX>;

/// What a short Le asks for at most.
const SHORT_LE_MAX: usize = 256;

/// GET RESPONSE: CLA, INS.
const GET_RESPONSE: [u8; 2] = [0x00, 0xC0];

/// The answer that is being given.
#[derive(Default)]
pub(crate) struct Framing {
    answer: Vec<u8, ANSWER_MAX>,
    given: usize,
}

impl Framing {
    /// Decodes a command APDU.
    ///
    /// # Errors
    /// `6700`, or `6E00` for the class byte that ISO/IEC 7816-3 forbids.
    pub(crate) fn decode(bytes: &[u8]) -> Result<CommandView<'_>, Status> {
        let command = CommandView::try_from(bytes).map_err(|error| match error {
            FromSliceError::InvalidClass => status::CLASS,
            _ => status::WRONG_LENGTH,
        })?;
        // An extended Lc is 1 at least (ISO/IEC 7816-3 §12.1.3); without data
        // there is an extended Le of three bytes, and nothing else.
        if command.extended && command.data().is_empty() && bytes.len() != 7 {
            return Err(status::WRONG_LENGTH);
        }
        Ok(command)
    }

    /// Whether the command is a GET RESPONSE, well formed or not.
    pub(crate) fn is_get_response(command: &CommandView<'_>) -> bool {
        let code: [u8; 2] = [command.class().into_inner(), command.instruction().into()];
        code == GET_RESPONSE
    }

    /// Discards what is left of the former answer, and gives room for the next.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8, ANSWER_MAX> {
        self.answer.clear();
        self.given = 0;
        &mut self.answer
    }

    /// The first part of an answer that was written after [`Self::begin`].
    pub(crate) fn answer(
        &mut self,
        done: Result<(), Status>,
        expected: usize,
        response: &mut Response,
    ) {
        let status = done.err().unwrap_or(Status::Success);
        // A warning can have an answer (section 2.7), an error can't.
        if !matches!(status, Status::Success | Status::RemainingRetries(_)) {
            self.begin();
        }
        self.give(status, expected, response);
    }

    /// The next part, which a GET RESPONSE asks for.
    pub(crate) fn get_response(&mut self, command: &CommandView<'_>, response: &mut Response) {
        let refusal = if [command.p1, command.p2] != [0, 0] {
            Some(status::INCORRECT_P1_P2)
        } else if !command.data().is_empty() {
            Some(status::WRONG_LENGTH)
        } else if self.given == self.answer.len() {
            Some(status::CONDITIONS)
        } else {
            None
        };
        match refusal {
            Some(status) => self.answer(Err(status), 0, response),
            None => {
                // There are clients that send no Le here.
                let expected = match command.expected() {
                    0 => SHORT_LE_MAX,
                    expected => expected,
                };
                self.give(Status::Success, expected, response);
            }
        }
    }

    fn give(&mut self, status: Status, expected: usize, response: &mut Response) {
        let left = &self.answer[self.given..];
        let part = &left[..expected.min(left.len())];
        let more = left.len() - part.len();
        self.given += part.len();
        let status = match (status, more) {
            (Status::Success, 1..) => Status::MoreAvailable(u8::try_from(more).unwrap_or(0)),
            (status, _) => {
                self.given = self.answer.len();
                status
            }
        };
        response.clear();
        // A part of an answer and a status word always fit.
        let _ = response.extend_from_slice(part);
        let _ = response.extend_from_slice(&u16::from(status).to_be_bytes());
    }
}
