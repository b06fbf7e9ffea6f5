//! Framing: command APDUs from bytes, answers of any length in parts
//! (ISO/IEC 7816-3 §12.1, ISO/IEC 7816-4 §5.3.4).

use heapless::{Vec, VecView};
use iso7816::Status;
use iso7816::command::{CommandView, FromSliceError};

/// Bytes of a status word.
const STATUS_LENGTH: usize = 2;
/// What a short Le asks for at most, in bytes.
const SHORT_LE_MAX: usize = 256;

/// GET RESPONSE: CLA, INS.
const GET_RESPONSE: [u8; 2] = [0x00, 0xC0];

/// The answer that is being given, of at most `ANSWER` bytes.
#[derive(Default)]
pub(crate) struct Framing<const ANSWER: usize> {
    answer: Vec<u8, ANSWER>,
    given: usize,
}

impl<const ANSWER: usize> Framing<ANSWER> {
    /// Decodes a command APDU.
    ///
    /// - `[FRM-3]`: short and extended forms come to the same command.
    /// - `[FRM-4]`: length fields that disagree, and less than four bytes, are refused.
    ///
    /// # Errors
    /// `6700`, or `6E00` for the class byte that ISO/IEC 7816-3 forbids.
    pub(crate) fn decode(bytes: &[u8]) -> Result<CommandView<'_>, Status> {
        let command = CommandView::try_from(bytes).map_err(|error| match error {
            FromSliceError::InvalidClass => Status::ClassNotSupported,
            _ => Status::WrongLength,
        })?;
        // An extended Lc is 1 at least (ISO/IEC 7816-3 §12.1.3); without data
        // there is an extended Le of three bytes, and nothing else.
        if command.extended && command.data().is_empty() && bytes.len() != 7 {
            return Err(Status::WrongLength);
        }
        Ok(command)
    }

    /// Whether the command is a GET RESPONSE, well formed or not.
    pub(crate) fn is_get_response(command: &CommandView<'_>) -> bool {
        let code: [u8; 2] = [command.class().into_inner(), command.instruction().into()];
        code == GET_RESPONSE
    }

    /// Discards what is left of the former answer, and gives room for the next.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8, ANSWER> {
        self.answer.clear();
        self.given = 0;
        &mut self.answer
    }

    /// The first part of an answer that was written after [`Self::begin`].
    ///
    /// `[FRM-5]`: an answer longer than Le is given in parts.
    pub(crate) fn answer(
        &mut self,
        done: Result<(), Status>,
        expected: usize,
        response: &mut VecView<u8>,
    ) {
        let status = done.err().unwrap_or(Status::Success);
        // A warning (63CX) can have an answer, an error can't.
        if !matches!(status, Status::Success | Status::RemainingRetries(_)) {
            self.begin();
        }
        self.give(status, expected, response);
    }

    /// The next part, which a GET RESPONSE asks for.
    ///
    /// - `[FRM-6]`: nothing left is refused, and a refusal discards what was left.
    /// - `[MSG-7]`: it is plain, and leaves a channel open.
    pub(crate) fn get_response(&mut self, command: &CommandView<'_>, response: &mut VecView<u8>) {
        let refusal = if [command.p1, command.p2] != [0, 0] {
            Some(Status::IncorrectP1OrP2Parameter)
        } else if !command.data().is_empty() {
            Some(Status::WrongLength)
        } else if self.given == self.answer.len() {
            Some(Status::ConditionsOfUseNotSatisfied)
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

    fn give(&mut self, status: Status, expected: usize, response: &mut VecView<u8>) {
        response.clear();
        let left = &self.answer[self.given..];
        let room = response.capacity().saturating_sub(STATUS_LENGTH);
        let part = &left[..expected.min(left.len()).min(room)];
        let more = left.len() - part.len();
        self.given += part.len();
        let status = match (status, more) {
            (Status::Success, 1..) => Status::MoreAvailable(u8::try_from(more).unwrap_or(0)),
            (status, _) => {
                self.given = self.answer.len();
                status
            }
        };
        // Both fit: the part was cut to the room that there is.
        let _ = response.extend_from_slice(part);
        let _ = response.extend_from_slice(&u16::from(status).to_be_bytes());
    }
}
