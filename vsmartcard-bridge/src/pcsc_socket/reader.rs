//! One reader, as its clients see it: the card's presence, who is connected, who has it for himself.

use std::sync::{Arc, Mutex};

use super::codes::{ReturnCode, ShareMode, protocol, state};
use super::pin_pad::PinPad;
use super::slot::Slot;
use super::wire::ReaderState;
use super::{ClientId, HOLDER, lock};

/// A client's connection to the reader.
pub(super) struct Connection {
    pub(super) card: u32,
    pub(super) client: ClientId,
    /// What happened to the card since the client last heard of it.
    pub(super) event: Option<ReturnCode>,
}

/// Who keeps the others out, and how many times over.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lock {
    card: u32,
    depth: u32,
}

pub(super) struct Reader {
    pub(super) name: String,
    /// What the card answers to a reset; nothing without a card.
    pub(super) atr: Option<Vec<u8>>,
    /// The card itself, apart: one that takes its time holds up only those who wait for it.
    pub(super) slot: Arc<Mutex<Slot>>,
    /// Somebody is taking the card out, or has, and nobody was told yet.
    pub(super) is_pulled: bool,
    /// Its PIN pad, if it has one.
    pub(super) pad: Option<Arc<PinPad>>,
    /// The protocol in use.
    pub(super) protocol: u32,
    pub(super) connections: Vec<Connection>,
    is_exclusive: bool,
    lock: Option<Lock>,
    events: u32,
}

impl Reader {
    pub(super) fn new(name: String, pad: Option<Arc<PinPad>>) -> Self {
        Self {
            name,
            atr: None,
            slot: Arc::default(),
            is_pulled: false,
            pad,
            protocol: protocol::NONE,
            connections: Vec::new(),
            is_exclusive: false,
            lock: None,
            events: 0,
        }
    }

    /// A card came, or left.
    pub(super) fn changed(&mut self, atr: Option<Vec<u8>>) {
        if self.atr.is_some() {
            for connection in &mut self.connections {
                connection.event = Some(ReturnCode::REMOVED_CARD);
            }
        }
        self.atr = atr;
        self.protocol = protocol::NONE;
        self.events = self.events.wrapping_add(1);
    }

    /// The card is reset: everybody but `by` is told.
    pub(super) fn was_reset(&mut self, by: u32) {
        self.protocol = protocol::NONE;
        for connection in &mut self.connections {
            if connection.card != by && connection.event.is_none() {
                connection.event = Some(ReturnCode::RESET_CARD);
            }
        }
    }

    pub(super) fn connection(&mut self, card: u32) -> Result<&mut Connection, ReturnCode> {
        (self.connections.iter_mut())
            .find(|connection| connection.card == card)
            .ok_or(ReturnCode::INVALID_HANDLE)
    }

    /// Nobody else has the card for himself.
    pub(super) fn check_free(&self, card: u32) -> Result<(), ReturnCode> {
        match self.lock {
            Some(lock) if lock.card != card => Err(ReturnCode::SHARING_VIOLATION),
            _ => Ok(()),
        }
    }

    /// Nothing happened to the card that this client hasn't heard of.
    pub(super) fn check_event(&mut self, card: u32) -> Result<(), ReturnCode> {
        self.connection(card)?.event.map_or(Ok(()), Err)
    }

    pub(super) fn is_exclusive(&self) -> bool {
        self.is_exclusive
    }

    pub(super) fn is_locked_against(&self, card: u32) -> bool {
        self.check_free(card).is_err()
    }

    /// The sharing that a new connection, or one that exists, asks for. `others` are connected too.
    pub(super) fn share(
        &mut self,
        card: u32,
        mode: ShareMode,
        others: bool,
    ) -> Result<(), ReturnCode> {
        match mode {
            ShareMode::Exclusive if self.is_exclusive => {}
            ShareMode::Exclusive if others => return Err(ReturnCode::SHARING_VIOLATION),
            ShareMode::Exclusive => {
                self.is_exclusive = true;
                self.lock = Some(Lock { card, depth: 1 });
            }
            ShareMode::Shared | ShareMode::Direct if self.is_exclusive => {
                self.is_exclusive = false;
                self.lock = None;
            }
            ShareMode::Shared | ShareMode::Direct => {}
        }
        Ok(())
    }

    /// Begins a transaction, or one inside it.
    pub(super) fn lock(&mut self, card: u32) -> Result<(), ReturnCode> {
        self.check_free(card)?;
        let depth = self.lock.map_or(0, |lock| lock.depth);
        self.lock = Some(Lock {
            card,
            depth: depth + 1,
        });
        Ok(())
    }

    /// Ends the innermost transaction.
    pub(super) fn unlock(&mut self, card: u32) -> Result<(), ReturnCode> {
        self.check_free(card)?;
        let lock = self.lock.ok_or(ReturnCode::NOT_TRANSACTED)?;
        self.lock = (lock.depth > 1).then_some(Lock {
            card,
            depth: lock.depth - 1,
        });
        Ok(())
    }

    /// Whether this connection has a transaction under way.
    pub(super) fn has_transaction(&self, card: u32) -> bool {
        !self.is_exclusive && self.lock.is_some_and(|lock| lock.card == card)
    }

    /// Ends a connection, and what it kept from others.
    pub(super) fn disconnect(&mut self, card: u32) {
        self.connections
            .retain(|connection| connection.card != card);
        if self.lock.is_some_and(|lock| lock.card == card) {
            self.lock = None;
            self.is_exclusive = false;
        }
        if self.connections.is_empty() {
            lock(&self.slot).release();
        }
    }

    /// Ends the connection of the program that tests have hold the card, and tells whether there was
    /// one.
    pub(super) fn drop_holder(&mut self) -> bool {
        let held = (self.connections.iter()).find(|own| own.client == HOLDER);
        let card = held.map(|own| own.card);
        if let Some(card) = card {
            self.disconnect(card);
        }
        card.is_some()
    }

    pub(super) fn state(&self) -> ReaderState {
        let state = match self.atr {
            None => state::ABSENT,
            Some(_) if self.is_powered() => state::PRESENT | state::POWERED | state::NEGOTIABLE,
            Some(_) => state::PRESENT,
        };
        let connections = i32::try_from(self.connections.len()).unwrap_or(i32::MAX);
        ReaderState {
            name: self.name.clone(),
            events: self.events,
            state,
            sharing: if self.is_exclusive { -1 } else { connections },
            atr: self.atr.clone().unwrap_or_default(),
            protocol: self.protocol,
        }
    }

    /// One that works on a command has power.
    fn is_powered(&self) -> bool {
        self.slot.try_lock().map_or(true, |slot| slot.is_powered())
    }
}
