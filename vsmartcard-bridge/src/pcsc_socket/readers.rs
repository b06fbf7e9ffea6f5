//! All readers of a socket: which there are, what is in them, and who waits for a change.
//!
//! One lock guards what clients are told: presence, connections, events. Nothing is written to a client
//! while it is held, and no card works under it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::codes::ReturnCode;
use super::pin_pad::PinPad;
use super::polling::Notice;
use super::reader::Reader;
use super::wire::{NAME_LENGTH, ReaderState};
use super::{Change, ClientId, Event, Key, SocketError, lock};
use crate::slot::{CardInSlot, SlotError, Snapshot};

/// Readers in the array that clients before 4:6 know of, and by how many it grows after.
const ARRAY_STEP: usize = 16;

/// No connection has this number.
const NOBODY: u32 = 0;

#[derive(Default)]
pub(super) struct Readers {
    state: Mutex<State>,
    /// A transaction ended, a card left, the readers were looked at, or the socket is closed.
    pub(super) released: Condvar,
    /// The socket is closed.
    pub(super) closing: Condvar,
    /// When programs hear of cards.
    notice: Notice,
}

/// Who is told, at once, in which reader something happens.
type Follower = Box<dyn Fn(&str, Change) + Send>;

#[derive(Default)]
pub(super) struct State {
    pub(super) readers: Vec<Reader>,
    /// Counts changes that clients wait for.
    changes: u64,
    /// How often the readers were looked at.
    pub(super) looks: u64,
    /// How many readers came or left.
    reader_events: u32,
    waiting: Vec<(ClientId, Event)>,
    last_card: u32,
    follower: Option<Follower>,
    pub(super) is_closed: bool,
}

/// What the readers are like, and the number of the change that made them so.
pub(super) struct Picture {
    pub(super) states: Vec<ReaderState>,
    change: u64,
}

impl Readers {
    pub(super) fn new(notice: Notice) -> Self {
        Self {
            notice,
            ..Self::default()
        }
    }

    /// Whether cards come and go unseen until somebody looks.
    pub(super) fn is_like_pcscd(&self) -> bool {
        self.notice == Notice::LikePcscd
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Changes what clients wait for, and tells them.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.update(|state| {
            state.changed();
            change(state)
        })
    }

    /// Does something, and tells clients of it if it changed what they wait for.
    pub(super) fn update<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let before = state.changes;
        let result = act(&mut state);
        let waiting = match state.changes == before {
            true => Vec::new(),
            false => std::mem::take(&mut state.waiting),
        };
        drop(state);
        for (_, event) in waiting {
            event.send(ReturnCode::SUCCESS);
        }
        result
    }

    /// Has somebody told of what happens in readers, before clients are.
    pub(super) fn follow(&self, follower: impl Fn(&str, Change) + Send + 'static) {
        self.state().follower = Some(Box::new(follower));
    }

    /// A reader more, without a card.
    pub(super) fn add(&self, name: &str, pad: Option<Arc<PinPad>>) -> Result<(), SocketError> {
        if name.is_empty() || name.len() >= NAME_LENGTH || name.contains('\0') {
            return Err(SocketError::ReaderName(name.to_owned()));
        }
        self.change(|state| {
            if state.readers.iter().any(|reader| reader.name == name) {
                return Err(SocketError::ReaderExists(name.to_owned()));
            }
            state.readers.push(Reader::new(name.to_owned(), pad));
            state.reader_events += 1;
            Ok(())
        })
    }

    /// Puts a card into an empty reader, and returns when clients know of it.
    pub(super) fn insert(&self, name: &str, card: Box<dyn CardInSlot>) -> Result<(), SocketError> {
        if self.is_like_pcscd() {
            self.state().put(name, card)?;
            self.wait_for_look();
            return Ok(());
        }
        let atr = card.atr().to_vec();
        self.change(|state| {
            if state.named(name)?.atr.is_some() {
                return Err(SocketError::Occupied(name.to_owned()));
            }
            state.put(name, card)?;
            state.named(name)?.changed(Some(atr));
            state.tell(name, Change::Inserted);
            Ok(())
        })
    }

    /// Takes the card out. A command under way goes on, and its answer is lost.
    pub(super) fn remove(&self, name: &str) -> Result<Option<Box<dyn CardInSlot>>, SocketError> {
        let slot = match self.is_like_pcscd() {
            true => {
                let mut state = self.state();
                let reader = state.named(name)?;
                reader.is_pulled = true;
                Arc::clone(&reader.slot)
            }
            false => self.change(|state| {
                state.leave(name)?;
                Ok::<_, SocketError>(Arc::clone(&state.named(name)?.slot))
            })?,
        };
        self.released.notify_all();
        lock(&slot).remove().map_err(SocketError::Card)
    }

    /// Presses keys of a reader's PIN pad.
    pub(super) fn press(&self, name: &str, keys: &[Key]) -> Result<(), SocketError> {
        let pad = self.state().named(name)?.pad.clone();
        let pad = pad.ok_or_else(|| SocketError::NoPinPad(name.to_owned()))?;
        pad.press(keys);
        Ok(())
    }

    pub(super) fn has_card(&self, name: &str) -> Result<bool, SocketError> {
        Ok(self.state().named(name)?.atr.is_some())
    }

    pub(super) fn snapshot(&self, name: &str) -> Result<Option<Snapshot>, SocketError> {
        let slot = Arc::clone(&self.state().named(name)?.slot);
        let mut slot = lock(&slot);
        Ok(slot.snapshot()?)
    }

    /// Clients are told of a reset: the card has forgotten them.
    pub(super) fn restore(&self, name: &str, snapshot: &Snapshot) -> Result<bool, SocketError> {
        let slot = Arc::clone(&self.state().named(name)?.slot);
        {
            let mut slot = lock(&slot);
            if !slot.restore(snapshot)? {
                return Ok(false);
            }
        }
        self.change(|state| state.named(name).map(|reader| reader.was_reset(NOBODY)))?;
        Ok(true)
    }

    /// Returns when there is no card in the reader, or when the socket closes.
    pub(super) fn wait_for_removal(&self, name: &str) -> Result<(), SocketError> {
        let mut state = self.state();
        while state.named(name)?.atr.is_some() && !state.is_closed {
            let waited = self.released.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Nobody waits any longer.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.released.notify_all();
        self.closing.notify_all();
    }

    pub(super) fn picture(&self) -> Picture {
        let state = self.state();
        Picture {
            states: state.readers.iter().map(Reader::state).collect(),
            change: state.changes,
        }
    }

    pub(super) fn reader_events(&self) -> u32 {
        self.state().reader_events
    }

    /// Entries of the array of states: it never gets smaller.
    pub(super) fn array_size(&self) -> usize {
        let readers = self.state().readers.len();
        readers.next_multiple_of(ARRAY_STEP).max(ARRAY_STEP)
    }

    /// Sends the client one event at the next change; now, when there was one since it saw `picture`.
    pub(super) fn wait(&self, client: ClientId, event: Event, picture: Option<&Picture>) {
        let mut state = self.state();
        if picture.is_none_or(|picture| picture.change == state.changes) {
            state.waiting.push((client, event));
            return;
        }
        drop(state);
        event.send(ReturnCode::SUCCESS);
    }

    /// Whether the client still waited, and no event is under way to it.
    pub(super) fn stop_waiting(&self, client: ClientId) -> bool {
        self.state().take_waiting(client).is_some()
    }

    /// Sends the client the event that its wait is over.
    pub(super) fn cancel(&self, client: ClientId) {
        let event = self.state().take_waiting(client);
        if let Some(event) = event {
            event.send(ReturnCode::CANCELLED);
        }
    }
}

impl State {
    /// What clients wait for has changed.
    pub(super) fn changed(&mut self) {
        self.changes += 1;
    }

    /// Puts a card into the slot of an empty reader, of which nobody is told.
    fn put(&mut self, name: &str, card: Box<dyn CardInSlot>) -> Result<(), SocketError> {
        let reader = self.named(name)?;
        // Readers before slots, as everywhere: who ends a connection has them in this order.
        let mut slot = lock(&reader.slot);
        if slot.has_card() {
            return Err(SocketError::Occupied(name.to_owned()));
        }
        slot.insert(card);
        drop(slot);
        reader.is_pulled = false;
        Ok(())
    }

    pub(super) fn named(&mut self, name: &str) -> Result<&mut Reader, SocketError> {
        (self.readers.iter_mut())
            .find(|reader| reader.name == name)
            .ok_or_else(|| SocketError::NoReader(name.to_owned()))
    }

    /// The card isn't in the reader any more, if there was one.
    pub(super) fn leave(&mut self, name: &str) -> Result<(), SocketError> {
        let reader = self.named(name)?;
        if reader.atr.is_some() {
            reader.changed(None);
            reader.drop_holder();
            if let Some(pad) = &reader.pad {
                pad.card_left();
            }
            self.tell(name, Change::Removed);
        }
        Ok(())
    }

    pub(super) fn tell(&self, reader: &str, change: Change) {
        if let Some(follower) = &self.follower {
            follower(reader, change);
        }
    }

    /// The reader to which this is a connection.
    pub(super) fn of(&mut self, card: u32) -> Result<&mut Reader, ReturnCode> {
        (self.readers.iter_mut())
            .find(|reader| reader.connections.iter().any(|own| own.card == card))
            .ok_or(ReturnCode::INVALID_HANDLE)
    }

    /// A number that no connection has: positive, as an `i32`.
    pub(super) fn new_card(&mut self) -> u32 {
        loop {
            self.last_card = self.last_card % 0x7FFF_FFFF + 1;
            let card = self.last_card;
            if self.of(card).is_err() {
                return card;
            }
        }
    }

    pub(super) fn take_waiting(&mut self, client: ClientId) -> Option<Event> {
        let at = (self.waiting.iter()).position(|(waiting, _)| *waiting == client)?;
        Some(self.waiting.swap_remove(at).1)
    }
}

impl From<SlotError> for SocketError {
    fn from(error: SlotError) -> Self {
        Self::Card(error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_change_between_the_picture_and_the_wait_is_told_at_once() {
        let readers = Readers::default();
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let patience = Some(Duration::from_secs(5));
        theirs.set_read_timeout(patience).unwrap();
        let client = ClientId(1);
        let picture = readers.picture();
        readers.add("Counter 1", None).unwrap();
        readers.wait(client, Event(Arc::new(ours)), Some(&picture));
        let mut event = [0; 8];
        theirs.read_exact(&mut event).unwrap();
        assert!(!readers.stop_waiting(client), "nobody waits any more");
    }
}
