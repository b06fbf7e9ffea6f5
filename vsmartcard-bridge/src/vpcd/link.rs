//! A connection to one slot of the virtual reader.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use vpicc::{Connection, VSmartCard};
use zeroize::Zeroize;

use super::{Address, LinkError};
use crate::slot::{CardInSlot, SlotError};

/// The most that a frame carries, in bytes: its length is a `u16`.
const FRAME_MAX: usize = u16::MAX as usize;

/// Bytes of a frame's length.
const LENGTH: usize = 2;

/// How often a look at the next frame's length may be cut short.
const PATIENCE: u32 = 16;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection to one slot of the virtual reader.
pub struct Link {
    connection: Connection,
    stream: Arc<TcpStream>,
    removed: Arc<AtomicBool>,
}

/// Takes the card out of the reader, from any thread.
#[derive(Clone)]
pub struct Remover {
    stream: Arc<TcpStream>,
    removed: Arc<AtomicBool>,
}

impl Remover {
    /// Makes [`Link::serve`] return. An answer under way is still sent.
    pub fn remove(&self) {
        self.removed.store(true, Ordering::SeqCst);
        // Fails only when the connection is closed already.
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

impl Link {
    /// Connects to the slot at `address`. The slot may be taken: see [`Link::wait`].
    ///
    /// # Errors
    /// [`LinkError::NothingListens`], [`LinkError::Unreachable`] or [`LinkError::Io`].
    pub fn connect(address: &Address) -> Result<Self, LinkError> {
        let unreachable = |error| LinkError::Unreachable(address.clone(), error);
        let mut failure = io::Error::new(ErrorKind::NotFound, "the name has no address");
        for socket in (address.host(), address.port())
            .to_socket_addrs()
            .map_err(unreachable)?
        {
            match TcpStream::connect_timeout(&socket, CONNECT_TIMEOUT) {
                Ok(stream) => return Ok(Self::over(stream)?),
                Err(error) => failure = error,
            }
        }
        if failure.kind() == ErrorKind::ConnectionRefused {
            Err(LinkError::NothingListens(address.clone()))
        } else {
            Err(unreachable(failure))
        }
    }

    /// Speaks over a connection made elsewhere, such as one that the driver opened in its reversed
    /// mode.
    ///
    /// # Errors
    /// When the operating system can't give a second handle of the stream.
    pub fn over(stream: TcpStream) -> io::Result<Self> {
        Ok(Self {
            stream: Arc::new(stream.try_clone()?),
            connection: Connection::from(stream),
            removed: Arc::default(),
        })
    }

    /// A handle that takes the card out again.
    #[must_use]
    pub fn remover(&self) -> Remover {
        Remover {
            stream: Arc::clone(&self.stream),
            removed: Arc::clone(&self.removed),
        }
    }

    /// Waits at most `patience` for the reader's first frame, and tells whether it came: a slot
    /// that holds another card accepts the connection and asks nothing until that card leaves.
    ///
    /// # Errors
    /// [`LinkError::ReaderGone`] or [`LinkError::Io`].
    pub fn wait(&self, patience: Option<Duration>) -> Result<Waited, LinkError> {
        self.stream.set_read_timeout(patience)?;
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(None)?;
        match peeked {
            _ if self.removed.load(Ordering::SeqCst) => Ok(Waited::Removed),
            Ok(0) => Err(LinkError::ReaderGone),
            Ok(_) => Ok(Waited::Inserted),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(Waited::NotYet)
            }
            Err(error) => Err(gone_or(error)),
        }
    }

    /// Shows the card in the slot until a [`Remover`] takes it out.
    ///
    /// # Errors
    /// Any [`LinkError`] but those of [`Link::connect`]. The connection is closed then.
    pub fn serve(mut self, card: &mut (impl CardInSlot + ?Sized)) -> Result<(), LinkError> {
        let atr = card.atr().len();
        if !(2..=33).contains(&atr) {
            return Err(LinkError::Atr(atr));
        }
        let mut frame = Frame::new();
        while !self.removed.load(Ordering::SeqCst) {
            acknowledge_quickly(&self.stream)?;
            let served = match next_length(&self.stream) {
                Ok(1) => self.control(card, &mut frame),
                Ok(length) => frame.serve(&self.stream, length, card),
                Err(error) => Err(gone_or(error)),
            };
            match served {
                Err(LinkError::ReaderGone | LinkError::Io(_))
                    if self.removed.load(Ordering::SeqCst) => {}
                served => served?,
            }
        }
        Ok(())
    }

    /// Has vpicc take a frame of one byte, and do what it says.
    fn control(
        &mut self,
        card: &mut (impl CardInSlot + ?Sized),
        frame: &mut Frame,
    ) -> Result<(), LinkError> {
        let mut controlled = Controlled {
            card: &mut *card,
            fault: None,
        };
        let polled = self.connection.poll(&mut controlled);
        if let Some(fault) = controlled.fault {
            return Err(LinkError::Card(fault));
        }
        match polled {
            Ok(()) => Ok(()),
            // vpicc knows no such control byte, so it can only be an APDU of one byte. A card
            // answers it as it answers one of none: neither has a header.
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                frame.answer(&self.stream, 0, card)
            }
            Err(error) => Err(gone_or(error)),
        }
    }
}

/// The card is out of the reader, however many handles of the connection there still are.
impl Drop for Link {
    fn drop(&mut self) {
        // Fails only when the connection is closed already.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// What [`Link::wait`] waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The reader sees the card.
    Inserted,
    /// Nothing happened yet.
    NotYet,
    /// A [`Remover`] took the card out.
    Removed,
}

/// The bytes of one command and of one answer, in memory that never moves and is wiped after each.
struct Frame {
    command: Box<[u8]>,
    answer: Box<[u8]>,
}

impl Frame {
    fn new() -> Self {
        Self {
            command: vec![0; FRAME_MAX].into(),
            answer: vec![0; LENGTH + FRAME_MAX].into(),
        }
    }

    /// Reads a frame, whose length was looked at, and has the card answer it.
    fn serve(
        &mut self,
        mut stream: &TcpStream,
        length: usize,
        card: &mut (impl CardInSlot + ?Sized),
    ) -> Result<(), LinkError> {
        let read = stream
            .read_exact(&mut [0; LENGTH])
            .and_then(|()| stream.read_exact(&mut self.command[..length]));
        let served = match read {
            Ok(()) => self.answer(stream, length, card),
            Err(error) => Err(gone_or(error)),
        };
        self.command[..length].zeroize();
        served
    }

    /// Sends the card's answer to the command of so many bytes. A card that can't answer, or not
    /// within a frame, sends nothing more.
    fn answer(
        &mut self,
        mut stream: &TcpStream,
        length: usize,
        card: &mut (impl CardInSlot + ?Sized),
    ) -> Result<(), LinkError> {
        let answer = card
            .transmit(&self.command[..length])
            .map_err(LinkError::Card)?;
        let length = match u16::try_from(answer.len()) {
            Ok(length) if length >= 2 => length,
            _ => return Err(LinkError::Answer(answer.len())),
        };
        let frame = &mut self.answer[..LENGTH + answer.len()];
        frame[..LENGTH].copy_from_slice(&length.to_be_bytes());
        frame[LENGTH..].copy_from_slice(answer);
        let sent = stream.write_all(frame);
        frame.zeroize();
        sent.map_err(gone_or)
    }
}

/// What a card does on a control byte, as vpicc wants it.
struct Controlled<'a, C: ?Sized> {
    card: &'a mut C,
    fault: Option<SlotError>,
}

impl<C: CardInSlot + ?Sized> VSmartCard for Controlled<'_, C> {
    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn power_on(&mut self) {
        self.fault = self.card.power_on().err();
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn reset(&mut self) {
        let reset = match self.card.warm_reset() {
            // A reader that resets a card without power activates it.
            Err(SlotError::NoPower) => self.card.power_on(),
            reset => reset,
        };
        self.fault = reset.err();
    }

    /// Not called: vpicc gets frames of one byte only, and those aren't commands to it.
    fn execute(&mut self, _: &[u8]) -> Vec<u8> {
        vec![0x6F, 0x00]
    }
}

/// The length of the next frame, which is left in the stream.
fn next_length(stream: &TcpStream) -> io::Result<usize> {
    let mut length = [0; LENGTH];
    let mut cut_short = 0;
    // A signal can cut a look short; the connection's end does it to every look.
    while cut_short < PATIENCE {
        match recv(stream, &mut length, RecvFlags::PEEK | RecvFlags::WAITALL) {
            Ok((_, LENGTH)) => return Ok(u16::from_be_bytes(length).into()),
            Ok((_, 0)) => break,
            Ok(_) => cut_short += 1,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ErrorKind::UnexpectedEof.into())
}

fn gone_or(error: io::Error) -> LinkError {
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => LinkError::ReaderGone,
        _ => LinkError::Io(error),
    }
}

/// Has what arrives next acknowledged at once. The setting wears off, so it is made anew for each
/// frame.
#[cfg(target_os = "linux")]
fn acknowledge_quickly(stream: &TcpStream) -> io::Result<()> {
    socket2::SockRef::from(stream).set_tcp_quickack(true)
}

/// Other systems have no such setting, and no vpcd that would need it.
#[cfg(not(target_os = "linux"))]
fn acknowledge_quickly(_: &TcpStream) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::{EmulatedCard, Seed};

    /// Both ends of a connection: the reader's, and the card's.
    fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let reader = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (reader, listener.accept().unwrap().0)
    }

    #[test]
    fn nothing_of_a_command_or_of_an_answer_is_left_in_memory() {
        let (mut reader, stream) = connection();
        let mut card = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
        card.power_on().unwrap();
        let mut frame = Frame::new();
        let select = b"\x00\x0F\x00\xA4\x04\x00\x09\xF0TILLCARD\x00";
        reader.write_all(select).unwrap();
        let length = next_length(&stream).unwrap();
        frame.serve(&stream, length, &mut card).unwrap();
        let mut answer = [0; 2 + 27];
        reader.read_exact(&mut answer).unwrap();
        assert_eq!(answer[27..], [0x90, 0x00]);
        assert!(frame.command.iter().all(|&byte| byte == 0));
        assert!(frame.answer.iter().all(|&byte| byte == 0));

        // Nor when it can't be answered.
        card.power_off();
        reader.write_all(select).unwrap();
        let length = next_length(&stream).unwrap();
        let refused = frame.serve(&stream, length, &mut card);
        assert!(matches!(refused, Err(LinkError::Card(SlotError::NoPower))));
        assert!(frame.command.iter().all(|&byte| byte == 0));
    }

    #[test]
    fn half_a_length_and_no_more_is_an_end() {
        let (mut reader, stream) = connection();
        reader.write_all(&[0]).unwrap();
        drop(reader);
        let error = next_length(&stream).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }
}
