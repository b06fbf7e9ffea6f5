//! A card in a PC/SC reader, real or virtual.

use super::fresh::Running;
use super::{FreshCards, Link, LinkError, Reset, Target};
use pcsc::{Card, Context, Disposition, Protocols, ReaderState, Scope, ShareMode, State};
use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

/// The longest response APDU: 65 536 data bytes and the status word.
const LONGEST_RESPONSE: usize = 65_538;
/// How long a card may take to be noticed after it was put in, or taken out.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long an operator may take to change cards.
const OPERATOR_PATIENCE: Duration = Duration::from_secs(600);

/// Takes cards in one reader.
pub struct PcscTarget {
    context: Context,
    reader: CString,
    fresh: FreshCards,
    /// Whether a card was given before.
    used: bool,
}

impl PcscTarget {
    /// Finds the reader: the one whose name contains `name`, else the only one, else the first
    /// virtual one.
    ///
    /// # Errors
    /// When no PC/SC service runs, or the choice isn't clear; the message lists the readers.
    pub fn find(name: Option<&str>) -> Result<(Context, CString), LinkError> {
        let context = Context::establish(Scope::User).map_err(|e| {
            LinkError(format!(
                "no PC/SC service: {e}. Start pcscd (Debian: package pcscd)."
            ))
        })?;
        let readers = context
            .list_readers_owned()
            .map_err(|e| LinkError(format!("the readers can't be listed: {e}")))?;
        let chosen = choose(&readers, name)?;
        Ok((context, chosen))
    }

    /// A target in a reader that [`PcscTarget::find`] found.
    #[must_use]
    pub const fn new(context: Context, reader: CString, fresh: FreshCards) -> Self {
        Self {
            context,
            reader,
            fresh,
            used: false,
        }
    }

    /// Puts a fresh card in, in place of the one there.
    fn change_cards(&self, seed: u64) -> Result<Running, LinkError> {
        let by_hand = matches!(self.fresh, FreshCards::Operator);
        if by_hand && !self.used && self.wait(true, Duration::ZERO).is_ok() {
            // The operator has put the first card in already.
            return self.fresh.insert(seed);
        }
        let patience = if by_hand { OPERATOR_PATIENCE } else { PATIENCE };
        self.fresh.ask_for_removal();
        self.wait(false, patience)?;
        self.fresh.ask_for_card();
        let mut running = self.fresh.insert(seed)?;
        self.wait(true, patience)
            .map_err(|error| running.explain(error))?;
        Ok(running)
    }

    fn wait(&self, present: bool, patience: Duration) -> Result<(), LinkError> {
        let until = Instant::now() + patience;
        let mut states = [ReaderState::new(self.reader.clone(), State::UNAWARE)];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.context.get_status_change(left, &mut states) {
                Ok(()) => {}
                Err(pcsc::Error::Timeout) => {
                    return Err(LinkError(format!(
                        "after {} s there is still {} card in {}",
                        patience.as_secs(),
                        if present { "no" } else { "a" },
                        self.reader.to_string_lossy()
                    )));
                }
                Err(e) => return Err(LinkError(format!("the reader's state: {e}"))),
            }
            let [state] = &mut states;
            let now = state.event_state();
            state.sync_current_state();
            let there = now.contains(State::PRESENT) && !now.contains(State::MUTE);
            if there == present {
                return Ok(());
            }
        }
    }
}

fn choose(readers: &[CString], name: Option<&str>) -> Result<CString, LinkError> {
    let shown = |reader: &CString| reader.to_string_lossy().into_owned();
    let list = || readers.iter().map(shown).collect::<Vec<_>>().join(", ");
    let candidates: Vec<&CString> = readers
        .iter()
        .filter(|reader| name.is_none_or(|name| shown(reader).contains(name)))
        .collect();
    match (candidates.as_slice(), name) {
        ([only], _) => Ok((*only).clone()),
        ([], None) => Err(LinkError("no card reader is connected".to_owned())),
        ([], Some(name)) => Err(LinkError(format!(
            "no reader is called {name}; there are: {}",
            list()
        ))),
        (several, None) => several
            .iter()
            .find(|reader| is_virtual(reader))
            .map(|reader| (*reader).clone())
            .ok_or_else(|| {
                LinkError(format!(
                    "say which reader with pcsc:NAME; there are: {}",
                    list()
                ))
            }),
        (_, Some(name)) => Err(LinkError(format!(
            "several readers are called {name}: {}; say more of the name",
            list()
        ))),
    }
}

/// Whether this is a reader of vsmartcard's vpcd driver, whose cards are emulated.
#[must_use]
pub(super) fn is_virtual(reader: &CStr) -> bool {
    reader.to_string_lossy().starts_with("Virtual PCD ")
}

impl Target for PcscTarget {
    fn name(&self) -> String {
        format!("pcsc:{}", self.reader.to_string_lossy())
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let running = self.change_cards(seed)?;
        self.used = true;
        let card = self
            .context
            .connect(&self.reader, ShareMode::Exclusive, Protocols::ANY)
            .map_err(|e| {
                LinkError(format!(
                    "the card in {}: {e}",
                    self.reader.to_string_lossy()
                ))
            })?;
        let mut link = InReader {
            card: Some(card),
            atr: Vec::new(),
            buffer: vec![0; LONGEST_RESPONSE],
            _running: running,
        };
        link.reset(Reset::Cold)?;
        Ok(Box::new(link))
    }
}

struct InReader {
    /// Always there; an `Option` so that dropping can let the card go before its program ends.
    card: Option<Card>,
    atr: Vec<u8>,
    buffer: Vec<u8>,
    _running: Running,
}

impl InReader {
    fn card(&mut self) -> Result<&mut Card, LinkError> {
        self.card
            .as_mut()
            .ok_or_else(|| LinkError("the card was let go".to_owned()))
    }
}

impl Link for InReader {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let card = self
            .card
            .as_ref()
            .ok_or_else(|| LinkError("the card was let go".to_owned()))?;
        card.transmit(command, &mut self.buffer)
            .map(<[u8]>::to_vec)
            .map_err(|e| LinkError(format!("the reader: {e}")))
    }

    fn reset(&mut self, how: Reset) -> Result<(), LinkError> {
        let how = match how {
            Reset::Cold => Disposition::UnpowerCard,
            Reset::Warm => Disposition::ResetCard,
        };
        let card = self.card()?;
        card.reconnect(ShareMode::Exclusive, Protocols::ANY, how)
            .map_err(|e| LinkError(format!("the reader, while resetting the card: {e}")))?;
        self.atr = card
            .status2_owned()
            .map_err(|e| LinkError(format!("the reader's state: {e}")))?
            .atr()
            .to_vec();
        Ok(())
    }
}

impl Drop for InReader {
    fn drop(&mut self) {
        if let Some(card) = self.card.take() {
            // The card is about to leave its reader: what becomes of the connection is all the same.
            drop(card.disconnect(Disposition::UnpowerCard));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::choose;
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
        assert_eq!(choose(&two, None).unwrap(), two[0]);
        assert_eq!(choose(&two, Some("00 01")).unwrap(), two[1]);
        assert!(
            choose(&two, Some("Virtual"))
                .unwrap_err()
                .0
                .contains("several")
        );
        let real = readers(&["ACME One", "ACME Two"]);
        assert!(
            choose(&real, None)
                .unwrap_err()
                .0
                .contains("ACME One, ACME Two")
        );
        assert!(
            choose(&real, Some("Other"))
                .unwrap_err()
                .0
                .contains("no reader")
        );
        assert!(choose(&[], None).is_err());
    }
}
