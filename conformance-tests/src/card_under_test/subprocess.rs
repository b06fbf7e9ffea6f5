//! Cards that another program answers for, on its standard input and output.
//!
//! A frame is a byte that says what it is, a length of four bytes, big-endian, and so many bytes.
//! To the program go `N` with a seed of eight bytes (take a card that was never issued), `R` (take
//! its power away and give it back) and `A` with a command APDU. It answers each by a length and
//! so many bytes: the ATR, the ATR, the response APDU.

use super::{Link, Reset, Target};
use crate::failure::{Code, Failure};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const NEW_CARD: u8 = b'N';
const RESET: u8 = b'R';
const APDU: u8 = b'A';
/// Longest answer that is believed: a whole response APDU of extended length.
const ANSWER_MAX: usize = 65_536 + 2;

/// Gives cards of a program that is started once.
pub struct CommandTarget {
    line: String,
    program: Rc<RefCell<Program>>,
}

impl CommandTarget {
    /// Starts the program, each of whose answers is waited for so long. The line is run by `sh`.
    ///
    /// # Errors
    /// When `sh` can't be started.
    pub fn new(line: &str, patience: Duration) -> Result<Self, Failure> {
        Ok(Self {
            line: line.to_owned(),
            program: Rc::new(RefCell::new(Program::start(line, patience)?)),
        })
    }
}

impl Target for CommandTarget {
    fn name(&self) -> String {
        format!("command:{}", self.line)
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        let atr = (self.program.borrow_mut()).exchange(NEW_CARD, &seed.to_be_bytes())?;
        Ok(Box::new(Answered {
            program: Rc::clone(&self.program),
            atr,
        }))
    }
}

/// A card of the program.
struct Answered {
    program: Rc<RefCell<Program>>,
    atr: Vec<u8>,
}

impl Link for Answered {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        self.program.borrow_mut().exchange(APDU, command)
    }

    fn reset(&mut self, _: Reset) -> Result<(), Failure> {
        self.atr = self.program.borrow_mut().exchange(RESET, &[])?;
        Ok(())
    }
}

/// The program that runs; dropping it ends it.
struct Program {
    child: Child,
    input: ChildStdin,
    answers: Receiver<io::Result<Vec<u8>>>,
    patience: Duration,
}

impl Program {
    fn start(line: &str, patience: Duration) -> Result<Self, Failure> {
        let mut child = Command::new("sh")
            .arg("-c")
            .arg(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| Code::CardProgramFailed.because(format!("sh: {e}")))?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, mut output) =
            pipes.ok_or_else(|| Code::CardProgramFailed.because("it has no pipes"))?;
        let (answered, answers) = mpsc::channel();
        // A thread of its own, so that an answer can be waited for with a limit. It ends with the
        // program's output, or when nobody listens any more.
        thread::spawn(move || {
            loop {
                let answer = read_answer(&mut output);
                let is_last = answer.is_err();
                if answered.send(answer).is_err() || is_last {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            input,
            answers,
            patience,
        })
    }

    fn exchange(&mut self, kind: u8, data: &[u8]) -> Result<Vec<u8>, Failure> {
        let gone = |why: String| {
            Code::CardWentAway.because(format!("the program that answers for a card: {why}"))
        };
        let length = u32::try_from(data.len()).map_err(|e| gone(e.to_string()))?;
        let frame = [&[kind], &length.to_be_bytes()[..], data].concat();
        (self.input.write_all(&frame))
            .and_then(|()| self.input.flush())
            .map_err(|e| gone(e.to_string()))?;
        match self.answers.recv_timeout(self.patience) {
            Ok(answer) => answer.map_err(|e| gone(e.to_string())),
            Err(RecvTimeoutError::Disconnected) => Err(gone("it has ended".to_owned())),
            Err(RecvTimeoutError::Timeout) => Err(Code::CardSilent.because(format!(
                "the program that answers for a card: no answer in {} s",
                self.patience.as_secs()
            ))),
        }
    }
}

fn read_answer(output: &mut ChildStdout) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    output.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if length > ANSWER_MAX {
        return Err(io::Error::other(format!("an answer of {length} bytes")));
    }
    let mut answer = vec![0; length];
    output.read_exact(&mut answer)?;
    Ok(answer)
}

impl Drop for Program {
    fn drop(&mut self) {
        // What the shell started ends with its input, which is closed after this.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
