//! Readers of our own: a socket that every PC/SC program on Linux takes for pcscd's.
//!
//! pcsc-lite's library connects to the socket that the environment variable
//! `PCSCLITE_CSOCK_NAME` names. [`PcscSocket`] speaks pcscd's protocol there (versions 4:4 to 4:6, pcsc-lite
//! 1.8.24 to 2.5) and shows readers of any name, with cards of this process in them: without root,
//! without a service, many side by side, and with events at once.
//!
//! As pcscd does, it takes the power from a card that nobody has been connected to for 0.4 s. Other than
//! pcscd it announces a card, and its removal, in less than a millisecond, unless it is told to be
//! like pcscd in that too ([`Notice`]).

mod atr;
mod calls;
mod client;
mod codes;
mod control;
mod error;
mod pin_pad;
mod pin_structure;
mod polling;
mod reader;
mod readers;
mod slot;
mod wire;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::{env, fs};

use rustix::net::{SendFlags, send};

use crate::slot::{CardInSlot, Snapshot};
use client::Client;
use codes::ReturnCode;
pub use error::SocketError;
pub use pin_pad::Key;
use pin_pad::PinPad;
pub use polling::Notice;
use readers::Readers;

/// The environment variable by which pcsc-lite's library finds its service.
pub const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";

/// The most clients at once, as with pcscd.
const MOST_CLIENTS: usize = 200;

/// The longest path of a socket, in bytes (`sockaddr_un`).
const LONGEST_PATH: usize = 107;

/// Only its owner may use the socket.
const OWNER_ONLY: u32 = 0o600;

/// What happens in a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A card is in.
    Inserted,
    /// The card isn't in any more.
    Removed,
    /// A program asks for a PIN on the reader's pad.
    PinAsked,
    /// It doesn't any more.
    PinDone,
    /// A program of the test's own holds the card for itself.
    Held,
    /// It doesn't any more.
    LetGo,
}

/// A client's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ClientId(u64);

/// The program that tests have hold a card.
const HOLDER: ClientId = ClientId(u64::MAX);

/// What holds what it holds, whatever happened to a thread that had it.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where an event goes.
struct Event(Arc<UnixStream>);

impl Event {
    /// Sends eight bytes to a client that waits for them. One that reads nothing, so that they find no
    /// room, has lost its connection: nobody waits for it.
    fn send(&self, code: ReturnCode) {
        let event = wire::numbers([0, code.0]);
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        if send(&*self.0, &event, flags) != Ok(event.len()) {
            let _ = self.0.shutdown(Shutdown::Both);
        }
    }
}

/// The clients of a socket.
#[derive(Default)]
struct Clients(Mutex<ClientList>);

#[derive(Default)]
struct ClientList {
    clients: BTreeMap<ClientId, Connected>,
    last_id: u64,
    last_context: u32,
    is_closed: bool,
}

struct Connected {
    stream: Arc<UnixStream>,
    context: u32,
}

impl Clients {
    /// Takes a client in, unless there are too many.
    fn join(&self, stream: &Arc<UnixStream>) -> Option<ClientId> {
        let mut list = lock(&self.0);
        if list.is_closed || list.clients.len() >= MOST_CLIENTS {
            return None;
        }
        list.last_id += 1;
        let id = ClientId(list.last_id);
        let stream = Arc::clone(stream);
        list.clients.insert(id, Connected { stream, context: 0 });
        Some(id)
    }

    fn leave(&self, id: ClientId) {
        lock(&self.0).clients.remove(&id);
    }

    fn new_context(&self, id: ClientId) -> u32 {
        let mut list = lock(&self.0);
        list.last_context = list.last_context % 0x7FFF_FFFF + 1;
        let context = list.last_context;
        if let Some(client) = list.clients.get_mut(&id) {
            client.context = context;
        }
        context
    }

    fn set_context(&self, id: ClientId, context: u32) {
        if let Some(client) = lock(&self.0).clients.get_mut(&id) {
            client.context = context;
        }
    }

    fn with_context(&self, context: u32) -> Option<ClientId> {
        let list = lock(&self.0);
        let mut clients = list.clients.iter();
        clients
            .find(|(_, client)| context != 0 && client.context == context)
            .map(|(id, _)| *id)
    }

    /// Lets nobody else in.
    fn refuse(&self) {
        lock(&self.0).is_closed = true;
    }

    fn is_closed(&self) -> bool {
        lock(&self.0).is_closed
    }

    /// Ends all connections.
    fn end(&self) {
        for client in lock(&self.0).clients.values() {
            let _ = client.stream.shutdown(Shutdown::Both);
        }
    }
}

/// A socket with readers. It closes when this is dropped; a card that is still in a reader is dropped
/// too.
///
/// ```
/// use tillcard_emu::pcsc_socket::{PcscSocket, SOCKET_VARIABLE};
/// use tillcard_emu::{EmulatedCard, Seed};
///
/// let folder = std::env::temp_dir().join(format!("tillcard-doc-{}", std::process::id()));
/// std::fs::create_dir(&folder)?;
/// let socket = PcscSocket::open(&folder.join("pcscd.comm"))?;
/// socket.add_reader("Counter 1")?;
/// socket.insert("Counter 1", Box::new(EmulatedCard::ephemeral(Seed::Number(1))?))?;
/// // A program that is started with this in its environment sees the reader and the card:
/// println!("{SOCKET_VARIABLE}={}", socket.path().display());
/// let card = socket.remove("Counter 1")?;
/// assert!(card.is_some());
/// # drop(socket);
/// # std::fs::remove_dir(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PcscSocket {
    path: PathBuf,
    readers: Arc<Readers>,
    clients: Arc<Clients>,
    listening: Option<JoinHandle<()>>,
    /// Looks at the readers, where nobody tells of cards.
    looking: Option<JoinHandle<()>>,
}

impl PcscSocket {
    /// Listens at `path`, which only this user may use. A socket that a dead program left there is
    /// replaced. The path becomes absolute.
    ///
    /// # Errors
    /// [`SocketError::PathTooLong`], [`SocketError::InUse`], [`SocketError::NoSocket`] or
    /// [`SocketError::Io`].
    pub fn open(path: &Path) -> Result<Self, SocketError> {
        Self::open_with(path, Notice::AtOnce)
    }

    /// The same, and programs hear of cards as `notice` says.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, notice: Notice) -> Result<Self, SocketError> {
        let io = |error| SocketError::Io(path.to_owned(), error);
        let path = env::current_dir().map_err(io)?.join(path);
        if path.as_os_str().len() > LONGEST_PATH {
            return Err(SocketError::PathTooLong(path));
        }
        clear(&path)?;
        let io = |error| SocketError::Io(path.clone(), error);
        let listener = UnixListener::bind(&path).map_err(io)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(OWNER_ONLY)).map_err(io)?;
        let (readers, clients) = (Arc::new(Readers::new(notice)), Arc::<Clients>::default());
        let listening = {
            let (readers, clients) = (Arc::clone(&readers), Arc::clone(&clients));
            thread::spawn(move || listen(&listener, &readers, &clients))
        };
        Ok(Self {
            path,
            listening: Some(listening),
            looking: readers.is_like_pcscd().then(|| {
                let readers = Arc::clone(&readers);
                thread::spawn(move || readers.keep_looking())
            }),
            readers,
            clients,
        })
    }

    /// The value of [`SOCKET_VARIABLE`] for clients.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an empty reader; its name has 1 to 127 bytes. Clients before pcsc-lite 2.5 see the first 16.
    ///
    /// # Errors
    /// [`SocketError::ReaderName`] or [`SocketError::ReaderExists`].
    pub fn add_reader(&self, name: &str) -> Result<(), SocketError> {
        self.readers.add(name, None)
    }

    /// Adds an empty reader with a PIN pad, on which [`press`](Self::press) types.
    ///
    /// # Errors
    /// As [`add_reader`](Self::add_reader).
    pub fn add_reader_with_pin_pad(&self, name: &str) -> Result<(), SocketError> {
        self.readers.add(name, Some(Arc::<PinPad>::default()))
    }

    /// Presses keys of a reader's PIN pad, for the program that asks for a PIN, or for the next one
    /// while the same card is in.
    ///
    /// # Errors
    /// [`SocketError::NoReader`] or [`SocketError::NoPinPad`].
    pub fn press(&self, reader: &str, keys: &[Key]) -> Result<(), SocketError> {
        self.readers.press(reader, keys)
    }

    /// Has somebody told of what happens in which reader, before clients are. Everybody waits for that: it
    /// may not ask this socket for anything.
    pub fn follow(&self, follower: impl Fn(&str, Change) + Send + 'static) {
        self.readers.follow(follower);
    }

    /// Puts a card into an empty reader. When this returns, a client can connect to it. A card that
    /// left the reader by itself, and that nobody has taken with [`remove`](Self::remove), is dropped.
    ///
    /// # Errors
    /// [`SocketError::NoReader`] or [`SocketError::Occupied`]; the card is dropped.
    pub fn insert(&self, reader: &str, card: Box<dyn CardInSlot>) -> Result<(), SocketError> {
        self.readers.insert(reader, card)
    }

    /// Takes the card out of a reader, if there is one, without power; also one that left by itself
    /// ([`SlotError::Left`](crate::slot::SlotError::Left)). Clients hear of it at once. A
    /// command under way is waited for; its client gets no answer.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]; [`SocketError::Card`] when the card had failed, and left the reader by
    /// itself.
    pub fn remove(&self, reader: &str) -> Result<Option<Box<dyn CardInSlot>>, SocketError> {
        self.readers.remove(reader)
    }

    /// Whether there is a card in a reader, as clients see it.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]
    pub fn has_card(&self, reader: &str) -> Result<bool, SocketError> {
        self.readers.has_card(reader)
    }

    /// Has another program hold the card in a reader for itself, until [`let_go`](Self::let_go), or until the
    /// card leaves: who connects is told that there is a sharing violation.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]; [`SocketError::NotHeld`] without a card, or when programs are connected to it.
    pub fn hold(&self, reader: &str) -> Result<(), SocketError> {
        self.readers.hold(reader)
    }

    /// The other program lets the card go, if it holds it.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]
    pub fn let_go(&self, reader: &str) -> Result<(), SocketError> {
        self.readers.let_go(reader)
    }

    /// Copies the memory of the card in a reader, between two commands; none without a card.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]; [`SocketError::Card`] as [`CardInSlot::snapshot`] has it.
    pub fn snapshot(&self, reader: &str) -> Result<Option<Snapshot>, SocketError> {
        self.readers.snapshot(reader)
    }

    /// Gives the card in a reader the memory of a snapshot, between two commands: its session is over,
    /// and clients are told that it was reset. Whether there was a card.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]; [`SocketError::Card`] as [`CardInSlot::restore`] has it.
    pub fn restore(&self, reader: &str, snapshot: &Snapshot) -> Result<bool, SocketError> {
        self.readers.restore(reader, snapshot)
    }

    /// Waits until there is no card in a reader: somebody took it out, or it failed.
    ///
    /// # Errors
    /// [`SocketError::NoReader`]
    pub fn wait_for_removal(&self, reader: &str) -> Result<(), SocketError> {
        self.readers.wait_for_removal(reader)
    }
}

impl Drop for PcscSocket {
    /// First nobody finds the socket any more, then connections end.
    fn drop(&mut self) {
        self.clients.refuse();
        // The listener looks up when somebody comes.
        let woken = UnixStream::connect(&self.path);
        if let (Ok(_), Some(listening)) = (woken, self.listening.take()) {
            let _ = listening.join();
        }
        let _ = fs::remove_file(&self.path);
        self.readers.close();
        self.clients.end();
        if let Some(looking) = self.looking.take() {
            let _ = looking.join();
        }
    }
}

/// Takes away a socket at which nobody listens.
fn clear(path: &Path) -> Result<(), SocketError> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(());
    };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NoSocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(|error| SocketError::Io(path.to_owned(), error))
        }
        _ => Err(SocketError::InUse(path.to_owned())),
    }
}

fn listen(listener: &UnixListener, readers: &Arc<Readers>, clients: &Arc<Clients>) {
    for stream in listener.incoming() {
        if clients.is_closed() {
            return;
        }
        let Ok(stream) = stream.map(Arc::new) else {
            continue;
        };
        let Some(id) = clients.join(&stream) else {
            continue;
        };
        let client = Client::new(id, stream, Arc::clone(readers), Arc::clone(clients));
        thread::spawn(move || client.serve());
    }
}
