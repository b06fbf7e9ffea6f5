//! A card in a PC/SC reader, real or virtual.

use super::fresh::{Operator, Program};
use super::worker::Worker;
use super::{About, FreshCards, Link, Reset, Target};
use crate::failure::{Code, Failure};
use crate::holder::Held;
use pcsc::{
    Attribute, Card, Context, Disposition, Protocols, ReaderState, Scope, ShareMode, State,
};
use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

/// The longest response APDU: 65 536 data bytes and the status word.
const LONGEST_RESPONSE: usize = 65_538;
/// How long a card may take to be noticed after a program put it in or took it out, and the
/// service to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a card that doesn't answer to reset is waited for, once it is there.
const MUTE_PATIENCE: Duration = Duration::from_secs(5);
/// How much of that the suite's own emulator has before it is put in once more.
const FIRST_TRY: Duration = Duration::from_secs(5);

/// Which readers come into question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Every reader; without a name, the only one, or the only one that isn't virtual.
    Any,
    /// vpcd's readers; without a name, the first.
    Virtual,
}

/// Takes cards in one reader.
pub struct PcscTarget {
    context: Context,
    reader: CString,
    fresh: FreshCards,
    /// The longest that a card may take for an answer or a reset.
    card_patience: Duration,
    /// Whether a card was given before.
    used: bool,
    /// What the reader's driver says of itself, once a card was there.
    driver: Option<String>,
}

impl PcscTarget {
    /// Finds the reader whose name contains `name`, or, without a name, the one that
    /// [`Choice`] says.
    ///
    /// # Errors
    /// When no PC/SC service runs, or the choice isn't clear; the message lists the readers.
    pub fn find(name: Option<&str>, choice: Choice) -> Result<(Context, CString), Failure> {
        // In a worker: a service that hangs must not hang the suite.
        let mut service = Worker::start(|| {
            Context::establish(Scope::User).map_err(|e| {
                Code::NoPcscService.because(format!(
                    "no PC/SC service: {e}. Start pcscd (Debian: package pcscd)."
                ))
            })
        });
        let (context, readers) = service
            .ask(PATIENCE, |context| {
                let readers = context.list_readers_owned();
                readers.map(|readers| (context.clone(), readers))
            })
            .map_err(|failed| failed.unwrap_or_else(|| no_service("it doesn't answer")))?
            .map_err(|e| no_service(&e.to_string()))?;
        let chosen = choose(&readers, name, choice)?;
        Ok((context, chosen))
    }

    /// A target in a reader that [`PcscTarget::find`] found.
    #[must_use]
    pub const fn new(
        context: Context,
        reader: CString,
        fresh: FreshCards,
        card_patience: Duration,
    ) -> Self {
        Self {
            context,
            reader,
            fresh,
            card_patience,
            used: false,
            driver: None,
        }
    }

    /// Puts a fresh card in, in place of the one there. A program that holds it there is given
    /// back.
    fn change_cards(&self, seed: u64) -> Result<Option<Held>, Failure> {
        match &self.fresh {
            FreshCards::Operator(operator) => self.change_by_hand(*operator).map(|()| None),
            FreshCards::Program(program) => self.change_by(program, seed, PATIENCE).map(Some),
            FreshCards::Emulator(program) => self
                .change_by(program, seed, FIRST_TRY)
                // pcscd 1.9.9 doesn't announce the card that follows one which left together with
                // its client; it announces the next.
                .or_else(|_| self.change_by(program, seed, PATIENCE - FIRST_TRY))
                .map(Some),
        }
    }

    /// Has a program put a fresh card in, and waits until it is noticed.
    fn change_by(&self, program: &Program, seed: u64, patience: Duration) -> Result<Held, Failure> {
        self.wait(false, PATIENCE)?;
        let mut held = program.insert(seed)?;
        self.wait(true, patience)
            .map_err(|error| match held.ended() {
                Some(status) => error.code.because(format!(
                    "{}: the program that should keep it there ended ({status})",
                    error.reason
                )),
                None => error,
            })?;
        Ok(held)
    }

    fn change_by_hand(&self, operator: Operator) -> Result<(), Failure> {
        if !self.used && self.wait(true, Duration::ZERO).is_ok() {
            // The first card is in the reader already.
            return Ok(());
        }
        if self.wait(false, Duration::ZERO).is_err() {
            operator.ask("Take the card out of the reader.")?;
            self.wait(false, operator.patience)?;
        }
        operator.ask("Put a card in that has never been issued.")?;
        self.wait(true, operator.patience)
    }

    fn wait(&self, present: bool, patience: Duration) -> Result<(), Failure> {
        let mut until = Instant::now() + patience;
        let mut mute = false;
        let mut states = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.context.get_status_change(left, &mut states) {
                Ok(()) => {}
                Err(pcsc::Error::Timeout) => {
                    return Err(self.not_changed(present, mute, patience));
                }
                Err(e) => return Err(reader_failed("its state", e)),
            }
            let [state] = &mut states;
            let now = state.event_state();
            state.sync_current_state();
            if now.intersects(State::UNKNOWN | State::UNAVAILABLE) {
                return Err(self.gone());
            }
            let there = now.contains(State::PRESENT);
            mute = there && now.contains(State::MUTE);
            if there == present && !mute {
                return Ok(());
            }
            if present && mute {
                // Nobody waits ten minutes for a card that lies in the reader the wrong way round.
                until = until.min(Instant::now() + MUTE_PATIENCE);
            }
        }
    }

    /// Why a change of cards wasn't seen.
    fn not_changed(&self, present: bool, mute: bool, patience: Duration) -> Failure {
        let reader = self.reader.to_string_lossy();
        if mute && present {
            return Code::CardMute.because(format!(
                "the card in {reader} doesn't answer to reset: is it the right way round?"
            ));
        }
        let (code, what) = match present {
            true => (Code::NoCard, "no"),
            false => (Code::CardNotRemoved, "a"),
        };
        code.because(format!(
            "after {} s there is still {what} card in {reader}",
            patience.as_secs()
        ))
    }

    fn gone(&self) -> Failure {
        let reader = self.reader.to_string_lossy();
        Code::ReaderGone.because(format!("{reader} isn't there any more"))
    }
}

/// Whether a reader's driver says that the reader isn't there any more.
const fn is_gone(error: pcsc::Error) -> bool {
    matches!(
        error,
        pcsc::Error::ReaderUnavailable
            | pcsc::Error::UnknownReader
            | pcsc::Error::NoReadersAvailable
    )
}

fn no_service(why: &str) -> Failure {
    Code::NoPcscService.because(format!("the PC/SC service: {why}. Restart pcscd."))
}

fn let_go() -> Failure {
    Code::ReaderFailed.because("the card was let go")
}

fn reader_failed(what: &str, error: pcsc::Error) -> Failure {
    let code = if is_gone(error) {
        Code::ReaderGone
    } else {
        Code::ReaderFailed
    };
    code.because(format!("the reader, {what}: {error}"))
}

fn choose(readers: &[CString], name: Option<&str>, choice: Choice) -> Result<CString, Failure> {
    let shown = |reader: &CString| reader.to_string_lossy().into_owned();
    let list = || readers.iter().map(shown).collect::<Vec<_>>().join(", ");
    let called: Vec<&CString> = readers
        .iter()
        .filter(|reader| name.is_none_or(|name| shown(reader).contains(name)))
        .collect();
    let fitting: Vec<&CString> = called
        .iter()
        .copied()
        .filter(|reader| choice == Choice::Any || is_virtual(reader))
        .collect();
    let real: Vec<&CString> = (fitting.iter().copied())
        .filter(|reader| !is_virtual(reader))
        .collect();
    let chosen = match (fitting.as_slice(), real.as_slice()) {
        ([only], _) => Ok(*only),
        (_, [only]) if name.is_none() => Ok(*only),
        ([first, ..], _) if name.is_none() && choice == Choice::Virtual => Ok(*first),
        ([], _) if !called.is_empty() && name.is_some() => Err(Code::NotVirtual.because(format!(
            "{} is no virtual reader: the suite's own emulator can't go in there",
            list()
        ))),
        ([], _) => Err(Code::NoReader.because(match (name, choice) {
            (Some(name), _) => format!("no reader is called {name}; there are: {}", list()),
            (None, Choice::Any) => "no card reader is connected".to_owned(),
            (None, Choice::Virtual) => {
                "there is no virtual reader: the vpcd driver isn't installed".to_owned()
            }
        })),
        _ => Err(Code::WhichReader.because(format!(
            "several readers fit; say which with pcsc:NAME: {}",
            list()
        ))),
    };
    chosen.cloned()
}

/// Whether this is a reader of vsmartcard's vpcd driver, whose cards are emulated.
fn is_virtual(reader: &CStr) -> bool {
    reader.to_string_lossy().starts_with("Virtual PCD ")
}

impl Target for PcscTarget {
    fn name(&self) -> String {
        format!("pcsc:{}", self.reader.to_string_lossy())
    }

    fn about(&self) -> About {
        About {
            reader: Some(self.reader.to_string_lossy().into_owned()),
            driver: self.driver.clone(),
            own_emulator: self.fresh.is_own_emulator(),
        }
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        let held = self.change_cards(seed)?;
        self.used = true;
        let (context, reader) = (self.context.clone(), self.reader.clone());
        let worker = Worker::start(move || {
            let card = context
                .connect(&reader, ShareMode::Exclusive, Protocols::ANY)
                .map_err(|e| reader_failed("connecting to the card", e))?;
            Ok(Connection {
                card: Some(card),
                buffer: vec![0; LONGEST_RESPONSE],
            })
        });
        let mut link = InReader {
            worker,
            patience: self.card_patience,
            atr: Vec::new(),
            _held: held,
        };
        link.reset(Reset::Cold)?;
        if self.driver.is_none() {
            self.driver = link.ask(|connection| Ok(connection.driver()))?;
        }
        Ok(Box::new(link))
    }
}

/// The connection to a card, used by its worker only.
struct Connection {
    /// Always there until the connection is dropped.
    card: Option<Card>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Vendor and version of the reader's driver, as far as it tells them.
    fn driver(&self) -> Option<String> {
        let card = self.card.as_ref()?;
        let vendor = card.get_attribute_owned(Attribute::VendorName).ok()?;
        let vendor = String::from_utf8_lossy(&vendor);
        let version = card.get_attribute_owned(Attribute::VendorIfdVersion).ok();
        // Major, minor and build number (PC/SC part 3).
        let version = version.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
        let version = version.map(|bytes| {
            let [low, high, minor, major] = bytes;
            format!(" {major}.{minor}.{}", u16::from_le_bytes([low, high]))
        });
        let vendor = vendor.trim_end_matches('\0').trim();
        Some(format!("{vendor}{}", version.unwrap_or_default())).filter(|told| !told.is_empty())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            // The card is about to leave its reader: what becomes of the connection is all the same.
            drop(card.disconnect(Disposition::UnpowerCard));
        }
    }
}

/// A card in the reader. PC/SC knows no limit of time, so that another thread talks to it.
struct InReader {
    worker: Worker<Connection, Failure>,
    patience: Duration,
    atr: Vec<u8>,
    /// Dropped last: first the card is let go, then its program ends.
    _held: Option<Held>,
}

impl InReader {
    fn ask<T: Send + 'static>(
        &mut self,
        question: impl FnOnce(&mut Connection) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let patience = self.patience;
        self.worker.ask(patience, question).map_err(|failed| {
            failed.unwrap_or_else(|| {
                Code::CardSilent.because(format!(
                    "the card or its reader didn't answer within {} s",
                    patience.as_secs()
                ))
            })
        })?
    }
}

impl Link for InReader {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        let command = command.to_vec();
        self.ask(move |Connection { card, buffer }| {
            let card = card.as_ref().ok_or_else(let_go)?;
            card.transmit(&command, buffer)
                .map(<[u8]>::to_vec)
                .map_err(|e| reader_failed("sending a command", e))
        })
    }

    fn reset(&mut self, how: Reset) -> Result<(), Failure> {
        let how = match how {
            Reset::Cold => Disposition::UnpowerCard,
            Reset::Warm => Disposition::ResetCard,
        };
        self.atr = self.ask(move |Connection { card, .. }| {
            let card = card.as_mut().ok_or_else(let_go)?;
            card.reconnect(ShareMode::Exclusive, Protocols::ANY, how)
                .map_err(|e| reader_failed("resetting the card", e))?;
            let status = card.status2_owned();
            status
                .map(|status| status.atr().to_vec())
                .map_err(|e| reader_failed("its state", e))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, choose};
    use crate::failure::Code;
    use std::ffi::CString;

    fn readers(names: &[&str]) -> Vec<CString> {
        names
            .iter()
            .map(|name| CString::new(*name).unwrap())
            .collect()
    }

    #[test]
    fn a_reader_is_chosen_by_name_or_when_the_choice_is_clear() {
        let two = readers(&["Virtual PCD 00 00", "Virtual PCD 00 01"]);
        let any = |readers: &[CString], name| choose(readers, name, Choice::Any);
        let refused = |readers: &[CString], name| any(readers, name).unwrap_err().to_string();
        assert_eq!(any(&two, Some("00 01")).unwrap(), two[1]);
        assert!(refused(&two, Some("Virtual")).contains("[which-reader]"));
        assert!(refused(&two, None).contains("[which-reader]"));
        let real = readers(&["ACME One", "ACME Two"]);
        assert!(refused(&real, None).contains("ACME One, ACME Two"));
        assert!(refused(&real, Some("Other")).contains("[no-reader]"));
        assert!(refused(&[], None).contains("[no-reader]"));
        let mixed = readers(&["Virtual PCD 00 00", "ACME One", "Virtual PCD 00 01"]);
        assert_eq!(any(&mixed, None).unwrap(), mixed[1]);
        assert_eq!(any(&mixed, Some("PCD 00 00")).unwrap(), mixed[0]);
    }

    #[test]
    fn the_own_emulator_only_goes_into_a_virtual_reader() {
        let mixed = readers(&["ACME One", "Virtual PCD 00 00", "Virtual PCD 00 01"]);
        let own = |name| choose(&mixed, name, Choice::Virtual);
        assert_eq!(own(None).unwrap(), mixed[1]);
        assert_eq!(own(Some("00 01")).unwrap(), mixed[2]);
        assert!(own(Some("ACME")).unwrap_err().code == Code::NotVirtual);
        let real = choose(&readers(&["ACME One"]), None, Choice::Virtual);
        assert!(real.unwrap_err().code == Code::NoReader);
    }
}
