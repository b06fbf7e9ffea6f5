//! Readers by name, and cards by their application: never by place.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use pcsc::{Context, PNP_NOTIFICATION, ReaderState, Scope, State};
use tillcard_protocol::command::Select;

use super::{Pcsc, Transport, TransportError};
use crate::Untrusted;

/// How long to wait before a card that another program holds is tried again. The PC/SC service
/// announces cards that come and go, but not that a program lets one go.
const RETRY_HELD_CARD: Duration = Duration::from_millis(250);

/// The PC/SC service's readers, all of them or those of a name.
pub struct Readers {
    context: Context,
    name: Option<String>,
}

/// Ends a wait from another thread.
#[derive(Clone)]
pub struct Interrupt(Context);

impl Interrupt {
    /// Lets the wait under way end with [`TransportError::Cancelled`].
    pub fn cancel(&self) {
        // It fails only when the service is gone, which ends the wait as well.
        let _ = self.0.cancel();
    }
}

/// What was found out about a reader while looking for a card.
enum Slot {
    Ours(Pcsc),
    HeldByAnother(Untrusted),
    NotOurs,
}

impl Readers {
    /// Asks the PC/SC service. `name` is part of a reader's name, in any case; without it all
    /// readers are meant.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when the service isn't running.
    pub fn establish(name: Option<&str>) -> Result<Self, TransportError> {
        let context = Context::establish(Scope::User)
            .map_err(|error| TransportError::from_pcsc(error, "the PC/SC service"))?;
        Ok(Self {
            context,
            name: name.map(str::to_owned),
        })
    }

    /// A handle that ends a wait.
    pub fn interrupt(&self) -> Interrupt {
        Interrupt(self.context.clone())
    }

    /// Names of the readers meant, in the service's order.
    ///
    /// # Errors
    /// [`TransportError::NoReader`] when there is none.
    pub fn names(&self) -> Result<Vec<Untrusted>, TransportError> {
        let present = self.list()?;
        let named = |names: &[CString]| names.iter().map(|name| untrusted(name)).collect();
        let meant: Vec<_> = present.iter().filter(|n| self.means(n)).cloned().collect();
        if meant.is_empty() {
            return Err(TransportError::NoReader {
                wanted: self.name.as_deref().map(Untrusted::from),
                present: named(&present),
            });
        }
        Ok(named(&meant))
    }

    /// Whether there is a card of any kind in `reader`.
    ///
    /// # Errors
    /// [`TransportError::NoReader`] when the reader isn't there.
    pub fn has_card(&self, reader: &str) -> Result<bool, TransportError> {
        let mut states = [ReaderState::new(c_name(reader)?, State::UNAWARE)];
        match self
            .context
            .get_status_change(Some(Duration::ZERO), &mut states)
        {
            Ok(()) | Err(pcsc::Error::Timeout) => {}
            Err(pcsc::Error::UnknownReader) => {
                return Err(TransportError::NoReader {
                    wanted: Some(reader.into()),
                    present: self.names()?,
                });
            }
            Err(error) => return Err(TransportError::from_pcsc(error, reader)),
        }
        Ok(states[0].event_state().contains(State::PRESENT))
    }

    /// Connects to the first card that has our application.
    ///
    /// # Errors
    /// [`TransportError::NoReader`], [`TransportError::NoCard`] when no card answers SELECT,
    /// [`TransportError::InUse`] when the only candidates are held by other programs.
    pub fn connect(&self) -> Result<Pcsc, TransportError> {
        let names = self.names()?;
        let mut held = None;
        for name in &names {
            match self.try_reader(name.as_given())? {
                Slot::Ours(card) => return Ok(card),
                Slot::HeldByAnother(reader) => held = Some(reader),
                Slot::NotOurs => {}
            }
        }
        Err(match held {
            Some(reader) => TransportError::InUse { reader },
            None => TransportError::NoCard { readers: names },
        })
    }

    /// Waits until a card with our application is there, and connects to it. Readers may come and
    /// go meanwhile. Without `timeout` it waits for ever.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`]; [`TransportError::Cancelled`] after [`Interrupt::cancel`].
    pub fn wait_for_card(&self, timeout: Option<Duration>) -> Result<Pcsc, TransportError> {
        let deadline = timeout.map(|t| Instant::now() + t);
        let mut states = vec![ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        // Without a known state the service answers at once.
        let mut patience = Some(Duration::ZERO);
        let mut held: Vec<Untrusted> = Vec::new();
        loop {
            self.follow_readers(&mut states)?;
            match self.context.get_status_change(patience, &mut states) {
                Ok(()) | Err(pcsc::Error::Timeout) => {}
                Err(error) => return Err(TransportError::from_pcsc(error, "the PC/SC service")),
            }
            let held_before = std::mem::take(&mut held);
            for state in &mut states {
                let changed = state.event_state().contains(State::CHANGED);
                state.sync_current_state();
                if !state.event_state().contains(State::PRESENT) {
                    continue;
                }
                let name = untrusted(state.name());
                if !changed && !held_before.contains(&name) {
                    continue;
                }
                match self.try_reader(name.as_given())? {
                    Slot::Ours(card) => return Ok(card),
                    Slot::HeldByAnother(name) => held.push(name),
                    Slot::NotOurs => {}
                }
            }
            let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Err(TransportError::TimedOut);
            }
            patience = if held.is_empty() {
                left
            } else {
                Some(left.map_or(RETRY_HELD_CARD, |left| left.min(RETRY_HELD_CARD)))
            };
        }
    }

    /// Waits until the card in `reader` is gone, or the reader itself. Without `timeout` it waits
    /// for ever.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`]; [`TransportError::Cancelled`] after [`Interrupt::cancel`].
    pub fn wait_for_removal(
        &self,
        reader: &str,
        timeout: Option<Duration>,
    ) -> Result<(), TransportError> {
        wait_for_removal(&self.context, reader, timeout)
    }

    fn means(&self, name: &CStr) -> bool {
        self.name.as_ref().is_none_or(|wanted| {
            name.to_string_lossy()
                .to_lowercase()
                .contains(&wanted.to_lowercase())
        })
    }

    fn list(&self) -> Result<Vec<CString>, TransportError> {
        match self.context.list_readers_owned() {
            Ok(names) => Ok(names),
            Err(pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
            Err(error) => Err(TransportError::from_pcsc(error, "the PC/SC service")),
        }
    }

    /// Adds readers that came, drops those that went; the first entry stays the announcer of both.
    fn follow_readers(&self, states: &mut Vec<ReaderState>) -> Result<(), TransportError> {
        let present: Vec<_> = self
            .list()?
            .into_iter()
            .filter(|name| self.means(name))
            .collect();
        states.retain(|state| {
            state.name() == PNP_NOTIFICATION() || present.iter().any(|n| **n == *state.name())
        });
        for name in present {
            if !states.iter().any(|state| *state.name() == *name) {
                states.push(ReaderState::new(name, State::UNAWARE));
            }
        }
        Ok(())
    }

    fn try_reader(&self, name: &str) -> Result<Slot, TransportError> {
        let mut card = match Pcsc::connect(&self.context, &c_name(name)?) {
            Ok(card) => card,
            Err(TransportError::InUse { reader }) => return Ok(Slot::HeldByAnother(reader)),
            Err(error @ TransportError::NoService) => return Err(error),
            // Mute, just removed, or no card at all: none of ours.
            Err(_) => return Ok(Slot::NotOurs),
        };
        match card.transmit(Select::to_apdu().as_bytes()) {
            Ok(response) if has_application(&response) => Ok(Slot::Ours(card)),
            _ => {
                card.leave();
                Ok(Slot::NotOurs)
            }
        }
    }
}

/// [`Readers::wait_for_removal`].
pub(super) fn wait_for_removal(
    context: &Context,
    reader: &str,
    timeout: Option<Duration>,
) -> Result<(), TransportError> {
    let deadline = timeout.map(|t| Instant::now() + t);
    let mut states = [ReaderState::new(c_name(reader)?, State::UNAWARE)];
    loop {
        let left = deadline.map(|d| d.saturating_duration_since(Instant::now()));
        match context.get_status_change(left, &mut states) {
            Ok(()) => {}
            Err(pcsc::Error::UnknownReader) => return Ok(()),
            Err(error) => return Err(TransportError::from_pcsc(error, reader)),
        }
        let [state] = &mut states;
        if !state.event_state().contains(State::PRESENT) {
            return Ok(());
        }
        state.sync_current_state();
    }
}

/// Whether SELECT succeeded: done, or done with the answer still to be fetched.
fn has_application(response: &[u8]) -> bool {
    matches!(response, [.., 0x90, 0x00] | [.., 0x61, _])
}

fn untrusted(name: &CStr) -> Untrusted {
    Untrusted::from(name.to_string_lossy().as_ref())
}

fn c_name(name: &str) -> Result<CString, TransportError> {
    CString::new(name).map_err(|_| TransportError::NoReader {
        wanted: Some(name.into()),
        present: Vec::new(),
    })
}
