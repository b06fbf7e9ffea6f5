//! What clients do with a card: connect, transmit, keep others out, leave.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use zeroize::Zeroizing;

use super::atr::chosen;
use super::codes::{Disposition, ReturnCode, ShareMode, attribute, protocol};
use super::reader::{Connection, Reader};
use super::readers::{Readers, State};
use super::{Change, ClientId, HOLDER, SocketError, lock};

/// How long a client waits for a transaction of another before it is told to ask again: it asks every
/// 100 ms of itself.
const TRANSACTION_WAIT: Duration = Duration::from_millis(100);

impl Readers {
    pub(super) fn connect(
        &self,
        client: ClientId,
        name: &str,
        mode: u32,
        protocols: u32,
    ) -> Result<(u32, u32), ReturnCode> {
        let mode = asked(mode, protocols)?;
        let mut state = self.state();
        loop {
            let reader = state.named(name).map_err(|_| ReturnCode::UNKNOWN_READER)?;
            if reader.is_exclusive() {
                return Err(ReturnCode::SHARING_VIOLATION);
            }
            if !reader.is_locked_against(0) {
                break;
            }
            state = self.wait_for_release(state, None)?;
        }
        let card = state.new_card();
        let reader = state.named(name).map_err(|_| ReturnCode::UNKNOWN_READER)?;
        if mode != ShareMode::Direct && reader.atr.is_none() {
            return Err(ReturnCode::NO_SMARTCARD);
        }
        let others = !reader.connections.is_empty();
        reader.share(card, mode, others)?;
        reader.connections.push(Connection {
            card,
            client,
            event: None,
        });
        let slot = Arc::clone(&reader.slot);
        drop(state);
        let chosen = match mode {
            ShareMode::Direct => Ok(None),
            _ => lock(&slot).connect().map(|()| Some(protocols)),
        };
        let mut state = self.state();
        let reader = state.of(card)?;
        let protocol = chosen.and_then(|wanted| reader.agree(wanted));
        if protocol.is_err() {
            reader.disconnect(card);
        }
        Ok((card, protocol?))
    }

    pub(super) fn reconnect(
        &self,
        card: u32,
        mode: u32,
        protocols: u32,
        initialization: u32,
    ) -> Result<u32, ReturnCode> {
        let initialization = match Disposition::parse(initialization)? {
            Disposition::Eject => return Err(ReturnCode::INVALID_VALUE),
            other => other,
        };
        let mode = asked(mode, protocols)?;
        self.state().of(card)?.check_free(card)?;
        self.dispose(card, initialization, true)?;
        let mut state = self.state();
        let reader = state.of(card)?;
        if reader.atr.is_none() {
            return Err(ReturnCode::NO_SMARTCARD);
        }
        let wanted = (mode != ShareMode::Direct).then_some(protocols);
        let protocol = reader.agree(wanted)?;
        let others = reader.connections.len() > 1;
        reader.share(card, mode, others)?;
        reader.connection(card)?.event = None;
        drop(state);
        self.released.notify_all();
        Ok(protocol)
    }

    pub(super) fn disconnect(&self, card: u32, disposition: u32) -> Result<(), ReturnCode> {
        let disposition = Disposition::parse(disposition)?;
        let mut state = self.state();
        while disposition != Disposition::Leave && state.of(card)?.is_locked_against(card) {
            state = self.wait_for_release(state, None)?;
        }
        state.of(card)?;
        drop(state);
        // A card that doesn't come back is no reason to keep the connection.
        let _ = self.dispose(card, disposition, false);
        self.state().of(card)?.disconnect(card);
        self.released.notify_all();
        Ok(())
    }

    /// Resets the card, or takes its power away and gives it back unless that was the last word.
    fn dispose(&self, card: u32, how: Disposition, comes_back: bool) -> Result<(), ReturnCode> {
        if matches!(how, Disposition::Leave | Disposition::Eject) {
            return Ok(());
        }
        let slot = {
            let mut state = self.state();
            let reader = state.of(card)?;
            reader.was_reset(card);
            Arc::clone(&reader.slot)
        };
        let mut slot = lock(&slot);
        match how {
            Disposition::Reset => slot.reset(),
            _ => {
                slot.power_off();
                match comes_back {
                    true => slot.power_on(),
                    false => Ok(()),
                }
            }
        }
    }

    pub(super) fn begin_transaction(&self, card: u32) -> Result<(), ReturnCode> {
        let mut state = self.state();
        state.of(card)?.check_event(card)?;
        if state.of(card)?.is_locked_against(card) {
            state = self.wait_for_release(state, Some(TRANSACTION_WAIT))?;
        }
        state.of(card)?.lock(card)
    }

    pub(super) fn end_transaction(&self, card: u32, disposition: u32) -> Result<(), ReturnCode> {
        let disposition = Disposition::parse(disposition)?;
        {
            let mut state = self.state();
            let reader = state.of(card)?;
            reader.check_event(card)?;
            reader.check_free(card)?;
        }
        let done = self.dispose(card, disposition, true);
        self.state().of(card)?.unlock(card)?;
        self.released.notify_all();
        done
    }

    pub(super) fn status(&self, card: u32) -> Result<(), ReturnCode> {
        let mut state = self.state();
        let reader = state.of(card)?;
        reader.check_free(card)?;
        reader.check_event(card)
    }

    /// The card's answer, and the protocol in use.
    pub(super) fn transmit(
        &self,
        card: u32,
        command: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, u32), ReturnCode> {
        let (slot, protocol) = {
            let mut state = self.state();
            let reader = state.of(card)?;
            reader.check_free(card)?;
            reader.check_event(card)?;
            if reader.atr.is_none() {
                return Err(ReturnCode::NO_SMARTCARD);
            }
            (Arc::clone(&reader.slot), reader.protocol)
        };
        let (answer, had_card, has_card) = {
            let mut slot = lock(&slot);
            let had_card = slot.has_card();
            (slot.transmit(command), had_card, slot.has_card())
        };
        if self.is_like_pcscd() {
            let is_dead = answer.is_err() || self.state().of(card)?.is_pulled;
            return match had_card && is_dead {
                true => Ok((Zeroizing::default(), protocol)),
                false => Ok((answer?, protocol)),
            };
        }
        if !has_card {
            self.change(|state| {
                let name = state.of(card)?.name.clone();
                state.leave(&name).map_err(|_| ReturnCode::UNKNOWN_READER)
            })?;
            self.released.notify_all();
        }
        // The answer of a card that left meanwhile came too late.
        if self.state().of(card)?.check_event(card) == Err(ReturnCode::REMOVED_CARD) {
            return Err(ReturnCode::NOT_TRANSACTED);
        }
        Ok((answer?, protocol))
    }

    pub(super) fn attribute(&self, card: u32, wanted: u32) -> Result<Vec<u8>, ReturnCode> {
        let mut state = self.state();
        let reader = state.of(card)?;
        reader.check_free(card)?;
        reader.check_event(card)?;
        match wanted {
            attribute::VENDOR_NAME => Ok(b"Tillcard\0".to_vec()),
            attribute::ICC_PRESENCE => Ok(vec![if reader.atr.is_some() { 2 } else { 0 }]),
            attribute::ATR_STRING => reader.atr.clone().ok_or(ReturnCode::NO_SMARTCARD),
            attribute::DEVICE_FRIENDLY_NAME | attribute::DEVICE_SYSTEM_NAME => {
                Ok([reader.name.as_bytes(), &[0]].concat())
            }
            _ => Err(ReturnCode::UNSUPPORTED_FEATURE),
        }
    }

    /// The connection is this client's.
    pub(super) fn check_owner(&self, client: ClientId, card: u32) -> Result<(), ReturnCode> {
        match self.state().of(card)?.connection(card)?.client == client {
            true => Ok(()),
            false => Err(ReturnCode::INVALID_HANDLE),
        }
    }

    /// Connects a program of the test's own, for itself.
    pub(super) fn hold(&self, name: &str) -> Result<(), SocketError> {
        self.state().named(name)?;
        let exclusive = ShareMode::Exclusive as u32;
        let held = self.connect(HOLDER, name, exclusive, protocol::T0 | protocol::T1);
        held.map_err(|_| SocketError::NotHeld(name.to_owned()))?;
        self.state().tell(name, Change::Held);
        Ok(())
    }

    /// Ends that.
    pub(super) fn let_go(&self, name: &str) -> Result<(), SocketError> {
        let mut state = self.state();
        if state.named(name)?.drop_holder() {
            state.tell(name, Change::LetGo);
            self.released.notify_all();
        }
        Ok(())
    }

    /// Ends all of a client's connections. A card with a transaction under way is reset.
    pub(super) fn release(&self, client: ClientId) {
        let mut state = self.state();
        state.take_waiting(client);
        let cards: Vec<(u32, bool)> = (state.readers.iter())
            .flat_map(|reader| {
                let own = (reader.connections.iter()).filter(|own| own.client == client);
                own.map(|own| {
                    (
                        own.card,
                        reader.has_transaction(own.card) && own.event.is_none(),
                    )
                })
            })
            .collect();
        drop(state);
        for (card, is_in_transaction) in cards {
            let how = match is_in_transaction {
                true => Disposition::Reset,
                false => Disposition::Leave,
            };
            let _ = self.dispose(card, how, false);
            if let Ok(reader) = self.state().of(card) {
                reader.disconnect(card);
            }
        }
        self.released.notify_all();
    }

    /// Waits until a transaction ends, without the lock.
    fn wait_for_release<'a>(
        &self,
        state: MutexGuard<'a, State>,
        at_most: Option<Duration>,
    ) -> Result<MutexGuard<'a, State>, ReturnCode> {
        let state = match at_most {
            Some(limit) => {
                let waited = self.released.wait_timeout(state, limit);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.released.wait(state);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        match state.is_closed {
            true => Err(ReturnCode::SERVICE_STOPPED),
            false => Ok(state),
        }
    }
}

/// A sharing mode, and, but for direct access, a protocol.
fn asked(mode: u32, protocols: u32) -> Result<ShareMode, ReturnCode> {
    let mode = ShareMode::parse(mode)?;
    let known = protocols & (protocol::T0 | protocol::T1 | protocol::RAW) != 0;
    match mode == ShareMode::Direct || known {
        true => Ok(mode),
        false => Err(ReturnCode::PROTO_MISMATCH),
    }
}

impl Reader {
    /// The protocol of a connection: the one in use, or the one agreed on now; with direct access, the
    /// one in use if any.
    fn agree(&mut self, wanted: Option<u32>) -> Result<u32, ReturnCode> {
        let Some(wanted) = wanted else {
            return Ok(self.protocol);
        };
        let atr = self.atr.as_ref().ok_or(ReturnCode::NO_SMARTCARD)?;
        if self.protocol == protocol::NONE {
            self.protocol = chosen(atr, wanted).ok_or(ReturnCode::PROTO_MISMATCH)?;
        }
        match self.protocol & wanted {
            protocol::NONE => Err(ReturnCode::PROTO_MISMATCH),
            _ => Ok(self.protocol),
        }
    }
}
