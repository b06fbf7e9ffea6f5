//! A port at which other programs' cards come into a reader.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use tracing::warn;

use super::{Tray, TrayError, lock};
use crate::layers::Faulty;
use crate::nvm::PowerSwitch;
use crate::test_cards::{Description, TestCard};
use crate::vpcd::{Guest, GuestAnswers, LinkError};

/// Why there is no port for other programs' cards.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// It would be open to others.
    #[error("{0} isn't an address of this machine alone; write for example 127.0.0.1:35963")]
    NotLoopback(SocketAddr),
    /// The address can't be had.
    #[error("cards can't be waited for at {0}: {1}; port 0 takes a free one")]
    Listen(SocketAddr, io::Error),
}

impl PortError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "card-port-not-loopback",
            Self::Listen(..) => "card-port",
        }
    }
}

/// Why a program's card isn't in the reader.
#[derive(Debug, thiserror::Error)]
enum NotShown {
    #[error(transparent)]
    Connection(#[from] io::Error),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Tray(#[from] TrayError),
}

/// Listens as vpcd does: the card of a program that connects is in the reader until it closes the
/// connection. One at a time; who comes meanwhile waits.
///
/// The cards lie on the tray as `guest-1`, `guest-2` and so on, with faults and a trace as any other;
/// only their memory can't be saved. The port closes when this is dropped.
pub struct CardPort {
    guests: Arc<Guests>,
    thread: Option<JoinHandle<()>>,
}

struct Guests {
    tray: Arc<Tray>,
    address: SocketAddr,
    reader: String,
    is_closed: AtomicBool,
    /// The connection of the card in the reader.
    present: Mutex<Option<TcpStream>>,
}

impl CardPort {
    /// Listens at a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`PortError`]
    pub fn open(tray: Arc<Tray>, reader: &str, address: SocketAddr) -> Result<Self, PortError> {
        if !address.ip().is_loopback() {
            return Err(PortError::NotLoopback(address));
        }
        let taken = |error| PortError::Listen(address, error);
        let listener = TcpListener::bind(address).map_err(taken)?;
        let address = listener.local_addr().map_err(taken)?;
        let guests = Arc::new(Guests {
            tray,
            address,
            reader: reader.to_owned(),
            is_closed: AtomicBool::new(false),
            present: Mutex::default(),
        });
        let thread = {
            let guests = Arc::clone(&guests);
            thread::spawn(move || guests.take_in(&listener))
        };
        Ok(Self {
            guests,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.guests.address
    }
}

impl Drop for CardPort {
    fn drop(&mut self) {
        self.guests.is_closed.store(true, Ordering::SeqCst);
        if let Some(present) = lock(&self.guests.present).as_ref() {
            let _ = present.shutdown(Shutdown::Both);
        }
        // The listener looks up when somebody comes.
        let woken = TcpStream::connect(self.guests.address);
        if let (Ok(_), Some(thread)) = (woken, self.thread.take()) {
            let _ = thread.join();
        }
    }
}

impl Guests {
    fn take_in(&self, listener: &TcpListener) {
        for (number, stream) in (1_u64..).zip(listener.incoming()) {
            if self.is_closed.load(Ordering::SeqCst) {
                return;
            }
            let name = format!("guest-{number}");
            let connected = stream.map_err(NotShown::from);
            let shown = connected.and_then(|stream| self.show(stream, &name));
            if let Err(error) = shown {
                warn!(%error, reader = self.reader, "a card couldn't be put in");
            }
        }
    }

    /// Shows the card of a connection until it ends.
    fn show(&self, stream: TcpStream, name: &str) -> Result<(), NotShown> {
        *lock(&self.present) = stream.try_clone().ok();
        let shown = self.insert(stream, name).map(GuestAnswers::pass_on);
        *lock(&self.present) = None;
        // It may never have been there.
        let _ = self.tray.discard(name);
        shown
    }

    fn insert(&self, stream: TcpStream, name: &str) -> Result<GuestAnswers, NotShown> {
        let (guest, answers) = Guest::meet(stream)?;
        let lots = self.tray.lots(name)?;
        let card = Faulty::new(guest, PowerSwitch::default(), lots);
        let about = Description::new(name, "A card that another program shows.");
        self.tray.add_card(TestCard::around(card, about))?;
        self.tray.insert(&self.reader, name)?;
        Ok(answers)
    }
}
