//! Readers by name, and cards by their application: never by place.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use pcsc::{Context, PNP_NOTIFICATION, ReaderState, Scope, State};
use tillcard_protocol::command::Select;

use super::{CardWait, Pcsc, Transport, TransportError};
use crate::Untrusted;

/// The PC/SC service's readers, all of them or those of a name.
pub struct Readers {
    context: Context,
    meant: Meant,
}

/// Which readers are meant.
enum Meant {
    All,
    /// Those with this in their names, in any case.
    Like(String),
    /// The one of this name.
    Only(String),
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
pub(super) enum Slot {
    Ours(Pcsc),
    HeldByAnother(TransportError),
    NotOurs(TransportError),
    /// It was taken out while it was looked at.
    Gone,
}

impl Readers {
    /// Asks the PC/SC service. `name` is part of a reader's name, in any case; without it all
    /// readers are meant.
    ///
    /// # Errors
    /// [`TransportError::NoService`] when the service isn't running.
    pub fn establish(name: Option<&str>) -> Result<Self, TransportError> {
        let like = |name: &str| Meant::Like(name.to_owned());
        Self::of(name.map_or(Meant::All, like))
    }

    /// The same, with the reader of this name alone.
    ///
    /// # Errors
    /// As [`Self::establish`].
    pub fn only(name: &str) -> Result<Self, TransportError> {
        Self::of(Meant::Only(name.to_owned()))
    }

    fn of(meant: Meant) -> Result<Self, TransportError> {
        let context = Context::establish(Scope::User)
            .map_err(|error| TransportError::from_pcsc(error, "the PC/SC service"))?;
        Ok(Self { context, meant })
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
                wanted: match &self.meant {
                    Meant::All => None,
                    Meant::Like(name) | Meant::Only(name) => Some(name.as_str().into()),
                },
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
                Slot::HeldByAnother(error) => held = Some(error),
                Slot::NotOurs(_) | Slot::Gone => {}
            }
        }
        Err(held.unwrap_or(TransportError::NoCard { readers: names }))
    }

    /// Begins to wait for a card with our application. Readers may come and go meanwhile.
    pub fn card_wait(&self) -> CardWait<'_> {
        CardWait::new(self)
    }

    /// Waits until a card with our application is there, and connects to it. Without `timeout` it
    /// waits for ever.
    ///
    /// # Errors
    /// [`TransportError::TimedOut`]; [`TransportError::Cancelled`] after [`Interrupt::cancel`].
    pub fn wait_for_card(&self, timeout: Option<Duration>) -> Result<Pcsc, TransportError> {
        let card = self.card_wait().next(timeout, &mut |_| ())?;
        card.ok_or(TransportError::TimedOut)
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
        let name = name.to_string_lossy();
        match &self.meant {
            Meant::All => true,
            Meant::Like(part) => name.to_lowercase().contains(&part.to_lowercase()),
            Meant::Only(whole) => name == whole.as_str(),
        }
    }

    fn list(&self) -> Result<Vec<CString>, TransportError> {
        match self.context.list_readers_owned() {
            Ok(names) => Ok(names),
            Err(pcsc::Error::NoReadersAvailable) => Ok(Vec::new()),
            Err(error) => Err(TransportError::from_pcsc(error, "the PC/SC service")),
        }
    }

    /// Adds readers that came, drops those that went; the first entry stays the announcer of both.
    pub(super) fn follow(&self, states: &mut Vec<ReaderState>) -> Result<(), TransportError> {
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

    /// Waits for a change of these states, at most so long.
    pub(super) fn wait_for_change(
        &self,
        patience: Option<Duration>,
        states: &mut [ReaderState],
    ) -> Result<(), TransportError> {
        match self.context.get_status_change(patience, states) {
            Ok(()) | Err(pcsc::Error::Timeout) => Ok(()),
            Err(error) => Err(TransportError::from_pcsc(error, "the PC/SC service")),
        }
    }

    pub(super) fn try_reader(&self, name: &str) -> Result<Slot, TransportError> {
        let mut card = match Pcsc::connect(&self.context, &c_name(name)?) {
            Ok(card) => card,
            Err(error @ TransportError::InUse { .. }) => return Ok(Slot::HeldByAnother(error)),
            Err(error @ TransportError::NoService) => return Err(error),
            // It didn't answer to its reset, or was just removed.
            Err(_) => return Ok(self.silent(name)),
        };
        match card.transmit(Select::to_apdu().as_bytes()) {
            Ok(response) if has_application(&response) => Ok(Slot::Ours(card)),
            Ok(_) => {
                card.leave();
                let reader = name.into();
                Ok(Slot::NotOurs(TransportError::AnotherKind { reader }))
            }
            Err(_) => {
                card.leave();
                Ok(self.silent(name))
            }
        }
    }

    /// What it is that a card doesn't answer: it is mute, or gone.
    fn silent(&self, name: &str) -> Slot {
        match self.has_card(name) {
            Ok(true) => Slot::NotOurs(TransportError::Mute {
                reader: name.into(),
            }),
            _ => Slot::Gone,
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

pub(super) fn untrusted(name: &CStr) -> Untrusted {
    Untrusted::from(name.to_string_lossy().as_ref())
}

fn c_name(name: &str) -> Result<CString, TransportError> {
    CString::new(name).map_err(|_| TransportError::NoReader {
        wanted: Some(name.into()),
        present: Vec::new(),
    })
}
