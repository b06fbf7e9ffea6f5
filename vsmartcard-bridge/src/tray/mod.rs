//! A tray of cards beside readers of our own: which cards there are, which is in which reader.
//!
//! A card is made when it is first asked for, by the name of a test card
//! ([`test_cards`](crate::test_cards)), and from then on it is the same card: put in again, it
//! remembers what was done to it. `ok#2` is another card of the same kind as `ok`.

mod error;
mod events;
mod faults;
mod held;
mod others;
mod port;
mod reader;
mod snapshots;
mod waiting;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha20Rng;
use tempfile::TempDir;
use tillcard_test_owner::Funding;

pub use error::TrayError;
pub use events::{Awaited, AwaitedState, Events, Following, PlaceEvent, TrayEvent, What};
pub use held::CardStatus;
use held::{Held, Place};
pub use port::{CardPort, PortError};
pub use reader::Reader;

use crate::layers::{Trace, TraceFile};
use crate::pcsc_socket::{Notice, PcscSocket, SocketError};
use crate::seed::Seed;
use crate::test_cards::{Description, TestCard, TestCardError};

/// Between a test card's name and what tells it from another of its kind.
const MARK: char = '#';

/// The most cards on a tray.
const CARDS_MAX: usize = 1_000;

/// Cards, and readers at a socket of their own.
pub struct Tray {
    state: Mutex<State>,
    socket: PcscSocket,
    events: Events,
    seed: u64,
    /// Where the coins of test cards come from; without it, they are invented.
    funding: Mutex<Option<Box<dyn Funding>>>,
    /// Where the socket is, when nobody named a place. It goes with the tray.
    _folder: Option<TempDir>,
}

#[derive(Default)]
struct State {
    readers: Vec<String>,
    /// Those of the readers that have a PIN pad.
    pin_pads: Vec<String>,
    cards: BTreeMap<String, Held>,
    /// Where the cards' traces are written to.
    trace_files: Vec<TraceFile>,
    /// Why cards that failed in these readers had to leave.
    failures: BTreeMap<String, SocketError>,
}

/// A reader, and the card in it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct ReaderStatus {
    /// The reader's name.
    pub name: String,
    /// The name of the card in it.
    pub card: Option<String>,
    /// Whether it has a PIN pad.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pin_pad: bool,
    /// Whether a program asks for a PIN on the pad.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub asks_pin: bool,
    /// Whether another program holds the card for itself, as a test wanted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

impl Tray {
    /// An empty tray without readers, whose socket is at `path`, or in a folder of its own. `seed`
    /// makes its cards.
    ///
    /// # Errors
    /// [`TrayError::Socket`], [`TrayError::Folder`]
    pub fn open(path: Option<&Path>, seed: u64) -> Result<Self, TrayError> {
        Self::open_with(path, seed, Notice::AtOnce)
    }

    /// The same, and programs hear of cards as `notice` says.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(path: Option<&Path>, seed: u64, notice: Notice) -> Result<Self, TrayError> {
        let (socket, folder) = match path {
            Some(path) => (PcscSocket::open_with(path, notice)?, None),
            None => {
                let folder = tempfile::Builder::new()
                    .prefix("tillcard-emu-")
                    .tempdir()
                    .map_err(TrayError::Folder)?;
                let path = folder.path().join("pcscd.comm");
                let socket = PcscSocket::open_with(&path, notice)?;
                (socket, Some(folder))
            }
        };
        let events = Events::default();
        let seats = events.clone();
        socket.follow(move |reader, change| seats.reader_changed(reader, change));
        Ok(Self {
            state: Mutex::default(),
            socket,
            events,
            seed,
            funding: Mutex::default(),
            _folder: folder,
        })
    }

    /// Has the coins of the test cards that are made from now on come from somewhere, such as a regtest
    /// node.
    pub fn fund_from(&self, funding: Box<dyn Funding>) {
        *lock(&self.funding) = Some(funding);
    }

    /// Has the traces of the cards that come from now on written to a file too.
    pub fn trace_to(&self, file: TraceFile) {
        self.state().trace_files.push(file);
    }

    /// The value of [`SOCKET_VARIABLE`](crate::pcsc_socket::SOCKET_VARIABLE) for programs that are to
    /// see the readers.
    #[must_use]
    pub fn socket_path(&self) -> &Path {
        self.socket.path()
    }

    /// Adds an empty reader.
    ///
    /// # Errors
    /// [`TrayError::Socket`]
    pub fn add_reader(&self, name: &str) -> Result<(), TrayError> {
        let mut state = self.state();
        self.socket.add_reader(name)?;
        self.events.reader_added(name);
        state.readers.push(name.to_owned());
        Ok(())
    }

    /// Adds an empty reader with a PIN pad.
    ///
    /// # Errors
    /// [`TrayError::Socket`]
    pub fn add_reader_with_pin_pad(&self, name: &str) -> Result<(), TrayError> {
        let mut state = self.state();
        self.socket.add_reader_with_pin_pad(name)?;
        self.events.reader_added(name);
        state.readers.push(name.to_owned());
        state.pin_pads.push(name.to_owned());
        Ok(())
    }

    /// Lays a card on the tray that isn't one of the test cards.
    ///
    /// # Errors
    /// [`TrayError::CardExists`], [`TrayError::Full`]
    pub fn add_card(&self, card: TestCard) -> Result<(), TrayError> {
        let mut state = self.current();
        self.add(&mut state, card)
    }

    /// Puts a card into an empty reader, by its name. When this returns, a client can connect to it.
    /// A name that isn't on the tray makes a test card.
    ///
    /// # Errors
    /// [`TrayError`]; nothing was done.
    pub fn insert(&self, reader: &str, card: &str) -> Result<Description, TrayError> {
        self.put_in(&mut self.current(), reader, card)
    }

    /// Puts a card into a reader, by its name; one that is in leaves first.
    ///
    /// # Errors
    /// [`TrayError`]; the reader has the card that it had before, or none.
    pub fn choose(&self, reader: &str, card: &str) -> Result<Description, TrayError> {
        let mut state = self.current();
        state.failures.remove(reader);
        match state.card_in(reader)?.map(str::to_owned) {
            Some(same) if same == card => return Ok(state.held(card)?.about.clone()),
            Some(other) => {
                self.make(&mut state, card)?;
                state.held(card)?.check_out()?;
                self.take_back(&mut state, &other, reader);
            }
            None => {}
        }
        self.put_in(&mut state, reader, card)
    }

    fn put_in(
        &self,
        state: &mut State,
        reader: &str,
        card: &str,
    ) -> Result<Description, TrayError> {
        if let Some(other) = state.card_in(reader)? {
            return Err(TrayError::Occupied(reader.to_owned(), other.to_owned()));
        }
        self.make(state, card)?;
        let held = state.held(card)?;
        let about = held.about.clone();
        let inserted = held.take_out_of_tray(reader)?;
        self.events.card_comes(reader, card);
        if let Err(error) = self.socket.insert(reader, inserted) {
            // The reader was empty a moment ago, and nobody else fills it.
            state.cards.remove(card);
            return Err(error.into());
        }
        Ok(about)
    }

    /// Takes the card out of a reader; its name, if there was one. Clients hear of it at once.
    ///
    /// # Errors
    /// [`TrayError::NoReader`]; [`TrayError::Socket`] when the card failed: there is none any more.
    pub fn remove(&self, reader: &str) -> Result<Option<String>, TrayError> {
        let mut state = self.current();
        if let Some(failure) = state.failures.remove(reader) {
            return Err(failure.into());
        }
        let Some(name) = state.card_in(reader)?.map(str::to_owned) else {
            return Ok(None);
        };
        self.take_back(&mut state, &name, reader);
        Ok(Some(name))
    }

    /// Throws a card away. One that is in a reader leaves it first.
    ///
    /// # Errors
    /// [`TrayError::NoCard`]
    pub fn discard(&self, card: &str) -> Result<(), TrayError> {
        let mut state = self.current();
        if let Place::In(reader) = &state.held(card)?.place {
            let reader = reader.clone();
            self.take_back(&mut state, card, &reader);
        }
        state.cards.remove(card);
        self.events.card_changed(card);
        Ok(())
    }

    /// Makes the card of this name, unless it is on the tray; what it is.
    ///
    /// # Errors
    /// [`TrayError::TestCard`], [`TrayError::Full`]
    pub fn describe(&self, card: &str) -> Result<Description, TrayError> {
        let mut state = self.current();
        self.make(&mut state, card)?;
        Ok(state.held(card)?.about.clone())
    }

    /// A card's trace.
    ///
    /// # Errors
    /// [`TrayError::NoCard`]
    pub fn trace(&self, card: &str) -> Result<Trace, TrayError> {
        Ok(self.current().held(card)?.trace.clone())
    }

    /// All readers, in the order in which they were added.
    #[must_use]
    pub fn readers(&self) -> Vec<ReaderStatus> {
        let state = self.current();
        let status = |name: &String| ReaderStatus {
            name: name.clone(),
            card: state.card_in(name).ok().flatten().map(str::to_owned),
            pin_pad: state.pin_pads.contains(name),
            asks_pin: self.events.asks_pin(name),
            held: self.events.is_held(name),
        };
        state.readers.iter().map(status).collect()
    }

    /// All cards, by name.
    #[must_use]
    pub fn cards(&self) -> Vec<CardStatus> {
        self.current().cards.values().map(Held::status).collect()
    }

    /// What draws lots for the faults of a card.
    fn lots(&self, card: &str) -> Result<ChaCha20Rng, TrayError> {
        let drawn = Seed::Number(self.seed).generator(card, 0);
        Ok(drawn.map_err(TestCardError::from)?)
    }

    /// Makes a test card, unless the tray has one of this name.
    fn make(&self, state: &mut State, name: &str) -> Result<(), TrayError> {
        if state.cards.contains_key(name) {
            return Ok(());
        }
        let kind = name.split(MARK).next().unwrap_or(name);
        let mut funding = lock(&self.funding);
        let funding = funding.as_mut().map(|funding| &mut **funding as _);
        let card = TestCard::called(name, kind, self.seed, funding)?;
        self.add(state, card)
    }

    fn add(&self, state: &mut State, card: TestCard) -> Result<(), TrayError> {
        let name = card.about.name.clone();
        let trace = card.trace.clone();
        state.add(card)?;
        let events = self.events.clone();
        trace.follow(move |entry| events.card_did(&name, entry));
        Ok(())
    }

    /// The card is on the tray again; one that failed is there no longer.
    fn take_back(&self, state: &mut State, name: &str, reader: &str) {
        match (self.socket.remove(reader), state.cards.get_mut(name)) {
            (Ok(Some(card)), Some(held)) => held.place = Place::Out(card),
            (taken, _) => {
                state.cards.remove(name);
                if let Err(failure) = taken {
                    state.failures.insert(reader.to_owned(), failure);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The state, in which cards that left their readers by themselves are on the tray.
    fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        let left: Vec<_> = (state.cards.iter())
            .filter_map(|(name, held)| match &held.place {
                Place::In(reader) if self.socket.has_card(reader).is_ok_and(|has| !has) => {
                    Some((name.clone(), reader.clone()))
                }
                _ => None,
            })
            .collect();
        for (name, reader) in left {
            self.take_back(&mut state, &name, &reader);
        }
        state
    }
}

/// What is held, whatever happened to a thread that had it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn add(&mut self, card: TestCard) -> Result<(), TrayError> {
        let name = card.about.name.clone();
        if self.cards.contains_key(&name) {
            return Err(TrayError::CardExists(name));
        }
        if self.cards.len() >= CARDS_MAX {
            return Err(TrayError::Full);
        }
        for file in &self.trace_files {
            file.follow(&card.trace, &name);
        }
        self.cards.insert(name, Held::new(card));
        Ok(())
    }

    fn held(&mut self, card: &str) -> Result<&mut Held, TrayError> {
        (self.cards.get_mut(card)).ok_or_else(|| TrayError::NoCard(card.to_owned()))
    }

    fn card_in(&self, reader: &str) -> Result<Option<&str>, TrayError> {
        if !self.readers.iter().any(|known| known == reader) {
            return Err(TrayError::NoReader(reader.to_owned()));
        }
        let mut cards = self.cards.iter();
        let found = cards.find(|(_, held)| held.is_in(reader));
        Ok(found.map(|(name, _)| name.as_str()))
    }
}
