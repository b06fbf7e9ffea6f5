//! A card of another program's, from the driver's end of the link.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use zeroize::Zeroizing;

use super::LinkError;
use crate::slot::{CardInSlot, SlotError, Snapshot};

/// What the driver asks for by frames of one byte (vsmartcard 3.3, "Virtual smart card API").
mod control {
    pub(super) const POWER_OFF: u8 = 0;
    pub(super) const POWER_ON: u8 = 1;
    pub(super) const RESET: u8 = 2;
    pub(super) const GET_ATR: u8 = 4;
}

/// How long a program that connects may take to say what its card's answer to reset is.
const ATR_TIMEOUT: Duration = Duration::from_secs(5);

/// Wrong length, which is what a card answers to a command without a header (ISO/IEC 7816-4 §5.6).
const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];

/// A card that a program shows over a connection, as it would to vpcd.
pub struct Guest {
    stream: TcpStream,
    answers: Receiver<Zeroizing<Vec<u8>>>,
    atr: Vec<u8>,
    answer: Zeroizing<Vec<u8>>,
}

/// The answers of a [`Guest`], on their way to it.
pub struct GuestAnswers {
    stream: TcpStream,
    answers: Sender<Zeroizing<Vec<u8>>>,
}

impl Guest {
    /// The card of the program that made this connection.
    ///
    /// # Errors
    /// [`LinkError::Io`] when it doesn't tell its answer to reset in time, [`LinkError::Atr`] when it
    /// tells one that can't be.
    pub fn meet(stream: TcpStream) -> Result<(Self, GuestAnswers), LinkError> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ATR_TIMEOUT))?;
        send_frame(&stream, &[control::GET_ATR])?;
        let atr = receive_frame(&stream)?.to_vec();
        if !(2..=33).contains(&atr.len()) {
            return Err(LinkError::Atr(atr.len()));
        }
        stream.set_read_timeout(None)?;
        let (send, answers) = mpsc::channel();
        let coming = GuestAnswers {
            stream: stream.try_clone()?,
            answers: send,
        };
        let guest = Self {
            stream,
            answers,
            atr,
            answer: Zeroizing::default(),
        };
        Ok((guest, coming))
    }

    fn control(&self, byte: u8) -> Result<(), SlotError> {
        send_frame(&self.stream, &[byte]).map_err(|_| SlotError::Left)
    }
}

impl GuestAnswers {
    /// Passes answers on until the program closes its connection: then the card has left.
    pub fn pass_on(self) {
        while let Ok(answer) = receive_frame(&self.stream) {
            if self.answers.send(answer).is_err() {
                break;
            }
        }
    }
}

impl CardInSlot for Guest {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) -> Result<(), SlotError> {
        self.control(control::POWER_ON)
    }

    fn power_off(&mut self) {
        // One that has left has no power.
        let _ = self.control(control::POWER_OFF);
    }

    fn warm_reset(&mut self) -> Result<(), SlotError> {
        self.control(control::RESET)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        match command {
            // As a frame it would be a control byte.
            [_] => *self.answer = WRONG_LENGTH.to_vec(),
            command => {
                send_frame(&self.stream, command).map_err(|_| SlotError::Left)?;
                self.answer = self.answers.recv().map_err(|_| SlotError::Left)?;
            }
        }
        Ok(&self.answer)
    }

    fn snapshot(&mut self) -> Result<Snapshot, SlotError> {
        Err(no_memory())
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), SlotError> {
        Err(no_memory())
    }
}

fn no_memory() -> SlotError {
    SlotError::Fault("the card's memory is another program's".into())
}

/// A length and that many bytes, in one write.
fn send_frame(mut stream: &TcpStream, payload: &[u8]) -> io::Result<()> {
    let length = u16::try_from(payload.len()).map_err(io::Error::other)?;
    let mut frame = Zeroizing::new(Vec::with_capacity(2 + payload.len()));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(payload);
    stream.write_all(&frame)
}

fn receive_frame(mut stream: &TcpStream) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut payload = Zeroizing::new(vec![0; u16::from_be_bytes(length).into()]);
    stream.read_exact(&mut payload)?;
    Ok(payload)
}
