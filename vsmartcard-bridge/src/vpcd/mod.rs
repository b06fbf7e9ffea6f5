//! The link to vpcd, the driver that gives pcscd a virtual reader.
//!
//! vpcd listens on one TCP port for each slot of its reader; whoever connects is a card in that
//! slot, and leaves it by closing the connection. Either side sends frames of a big-endian `u16`
//! length and that many bytes. A frame of one byte from the reader is a control byte (power off,
//! power on, reset, ask for the ATR); any other is a command APDU. Only the ATR and APDUs are
//! answered (vsmartcard 3.3, "Virtual smart card API").
//!
//! The crate [`vpicc`] speaks this. Around it stand here the things that a reader forgives nobody:
//!
//! - vpcd sends a frame in two writes, and the second waits until the first is acknowledged. Linux
//!   delays that acknowledgement by 40 ms, unless told before every read that it must not
//!   (`TCP_QUICKACK`, `tcp(7)`), as the link does.
//! - an empty frame, or one longer than 65,535 bytes, would hang or confuse the driver. A card that
//!   answers so is taken out of the reader instead.
//! - an APDU of no or of one byte is answered `6700`, as ISO/IEC 7816-4 has it for what is shorter
//!   than a header; to vpicc it is an error.
//!
//! `vpicc` writes every APDU to the `log` crate at its trace level, PINs included: a program that
//! links this module and installs a logger must leave that level off.

mod address;

use std::io::{self, ErrorKind, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use address::{Address, DEFAULT_PORT, NotAnAddress};
use vpicc::{Connection, VSmartCard};

use crate::slot::{CardInSlot, SlotError};

/// The longest answer that a frame can carry, in bytes.
const LONGEST_ANSWER: usize = u16::MAX as usize;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a card isn't, or is no longer, in the virtual reader.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Nobody listens at the address.
    #[error(
        "nothing listens on {0}, where the virtual reader should be\n  \
         install it:  sudo apt-get install pcscd vsmartcard-vpcd\n  \
         start it:    sudo systemctl start pcscd   (without systemd: sudo pcscd)"
    )]
    NothingListens(Address),
    /// The address can't be reached.
    #[error("the virtual reader at {0} can't be reached: {1}")]
    Unreachable(Address, io::Error),
    /// The connection failed.
    #[error("the connection to the virtual reader failed: {0}")]
    Io(#[from] io::Error),
    /// The reader closed the connection.
    #[error(
        "the virtual reader went away: pcscd ended (started by systemd, it does so when no program \
         used it for 60 seconds)"
    )]
    ReaderGone,
    /// The card can't go on.
    #[error("{0}")]
    Card(SlotError),
    /// The card's answer can't be sent.
    #[error("the card answered {0} bytes; a reader takes 2 to {LONGEST_ANSWER}")]
    Answer(usize),
    /// The card's answer to reset can't be one.
    #[error("the card's answer to reset has {0} bytes instead of 2 to 33")]
    Atr(usize),
}

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
        let mut slot = Slot {
            card,
            stream: &self.stream,
            fault: None,
        };
        while !self.removed.load(Ordering::SeqCst) {
            acknowledge_quickly(&self.stream)?;
            let polled = self.connection.poll(&mut slot);
            if let Some(fault) = slot.fault.take() {
                return Err(fault);
            }
            match polled {
                Ok(()) => {}
                Err(_) if self.removed.load(Ordering::SeqCst) => {}
                // vpicc's two refusals: an unknown control byte, which can only be an APDU of one
                // byte, and an empty frame. Neither is long enough for a card to tell them apart.
                Err(error) if matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::Other) => {
                    let answer = slot.execute(&[]);
                    if let Some(fault) = slot.fault.take() {
                        return Err(fault);
                    }
                    send(&self.stream, &answer)?;
                }
                Err(error) => return Err(gone_or(error)),
            }
        }
        Ok(())
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

/// A card as vpicc wants it.
struct Slot<'a, C: ?Sized> {
    card: &'a mut C,
    stream: &'a TcpStream,
    fault: Option<LinkError>,
}

impl<C: CardInSlot + ?Sized> VSmartCard for Slot<'_, C> {
    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn power_on(&mut self) {
        let done = self.card.power_on();
        self.require(done);
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn reset(&mut self) {
        let done = match self.card.warm_reset() {
            // A reader that resets a card without power activates it.
            Err(SlotError::NoPower) => self.card.power_on(),
            done => done,
        };
        self.require(done);
    }

    fn execute(&mut self, command: &[u8]) -> Vec<u8> {
        let fault = match self.card.transmit(command) {
            Ok(answer) if (2..=LONGEST_ANSWER).contains(&answer.len()) => return answer.to_vec(),
            Ok(answer) => LinkError::Answer(answer.len()),
            Err(fault) => LinkError::Card(fault),
        };
        // vpicc would send whatever is returned here.
        self.fail(fault);
        Vec::new()
    }
}

impl<C: ?Sized> Slot<'_, C> {
    fn require(&mut self, done: Result<(), SlotError>) {
        if let Err(error) = done {
            self.fail(LinkError::Card(error));
        }
    }

    /// Nothing may reach the reader any more.
    fn fail(&mut self, fault: LinkError) {
        self.fault = Some(fault);
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn send(mut stream: &TcpStream, answer: &[u8]) -> Result<(), LinkError> {
    let length = u16::try_from(answer.len()).map_err(|_| LinkError::Answer(answer.len()))?;
    stream
        .write_all(&[&length.to_be_bytes()[..], answer].concat())
        .map_err(gone_or)
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
