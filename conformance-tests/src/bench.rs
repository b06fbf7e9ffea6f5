//! What a case works with: a card, fresh cards, test values, and the report's margin.

use crate::card::Card;
use crate::channel::Ephemeral;
use crate::model::Profile;
use crate::outcome::{Preamble, Step, Stop};
use crate::recorder::Recorder;
use crate::target::Target;
use crate::values::{Values, number_requests};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What the tester says of the run (the IXIT of ISO/IEC 9646).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where all test values come from.
    pub seed: u64,
    /// The ATR that the card's maker declares, which `[FRM-1]` fixes for the reference card only.
    pub atr: Vec<u8>,
}

/// The ATR of the reference card, section 2.1.
pub const REFERENCE_ATR: [u8; 18] = [
    0x3B, 0x8E, 0x01, 0x80, 0x73, 0xC0, 0x01, 0x40, 0x58, 0x54, 0x69, 0x6C, 0x6C, 0x63, 0x61, 0x72,
    0x64, 0x8C,
];

/// The workplace of a case.
pub struct Bench {
    /// The card in use.
    pub card: Card,
    /// The case's own test values.
    pub values: Values,
    /// The record of the run so far.
    pub recorder: Rc<RefCell<Recorder>>,
    /// What the tester said.
    pub settings: Settings,
    target: Box<dyn Target>,
    label: String,
    cards_in_case: u32,
    channels_in_case: u32,
    notes: Vec<String>,
    measurements: BTreeMap<String, f64>,
}

impl Bench {
    /// A workplace without a card.
    #[must_use]
    pub fn new(
        target: Box<dyn Target>,
        settings: Settings,
        recorder: Rc<RefCell<Recorder>>,
    ) -> Self {
        Self {
            card: Card::absent(Rc::clone(&recorder)),
            values: Values::new(settings.seed, ""),
            recorder,
            settings,
            target,
            label: String::new(),
            cards_in_case: 0,
            channels_in_case: 0,
            notes: Vec::new(),
            measurements: BTreeMap::new(),
        }
    }

    /// From here on values and cards are those of this case, or of a shared card.
    pub(crate) fn enter(&mut self, label: &str) {
        label.clone_into(&mut self.label);
        number_requests(label);
        self.values = Values::new(self.settings.seed, label);
        self.cards_in_case = 0;
        self.channels_in_case = 0;
        self.recorder.borrow_mut().enter_case(label);
    }

    /// Puts a card in that was never issued, in place of the one there.
    ///
    /// # Errors
    /// [`Stop::Error`] when none is to be had.
    pub fn fresh_card(&mut self) -> Step<()> {
        // The old one must be out before the new one goes in.
        self.card.take_out();
        let name = format!("card {}", self.cards_in_case);
        self.cards_in_case += 1;
        let seed = u64::from_be_bytes(self.values.bytes(&name));
        let link = self.target.fresh_card(seed).map_err(|e| Stop::Error(e.0))?;
        self.card = Card::new(link, Rc::clone(&self.recorder));
        Ok(())
    }

    /// Takes the card out.
    pub(crate) fn take_out(&mut self) {
        self.card.take_out();
    }

    /// The standard profile of this case: regtest, a made key, eight digits, wide limits.
    ///
    /// # Errors
    /// [`Stop::Error`] when the seed gives an impossible key.
    pub fn profile(&self) -> Step<Profile> {
        Profile::new(&self.values, &format!("{}", self.cards_in_case))
    }

    /// Issues the card as the preparation of something else.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when the card can't be issued.
    pub fn issue(&mut self, profile: &Profile) -> Step<()> {
        self.card.issue(profile).preamble()
    }

    /// Issues the card with the standard profile and enters coins of these amounts.
    ///
    /// # Errors
    /// [`Stop::Inconclusive`] when the card can't be prepared so.
    pub fn issue_and_fund(&mut self, amounts: &[u64]) -> Step<()> {
        let profile = self.profile()?;
        self.issue(&profile)?;
        let mut stream = self.values.stream("coins");
        self.card.fund(&mut stream, amounts)
    }

    /// A client's ephemeral key pair that the case didn't have before.
    ///
    /// # Errors
    /// [`Stop::Error`] when the seed gives an impossible key.
    pub fn ephemeral(&mut self) -> Step<Ephemeral> {
        let name = format!("ephemeral {}", self.channels_in_case);
        self.channels_in_case += 1;
        Ephemeral::new(&self.values.bytes(&name))
    }

    /// Opens a channel to the card, which the suite issued, as a client that wasn't there before.
    ///
    /// # Errors
    /// As for [`Card::open_channel`].
    pub fn open_channel(&mut self) -> Step<()> {
        let own = self.ephemeral()?;
        self.card.open_channel(&own)
    }

    /// A line for the report: what was looked at, how far the case could see.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// A number for the report that differs from run to run.
    pub fn measure(&mut self, name: &str, value: f64) {
        self.measurements.insert(name.to_owned(), value);
    }

    pub(crate) fn take_margin(&mut self) -> (Vec<String>, BTreeMap<String, f64>) {
        (
            std::mem::take(&mut self.notes),
            std::mem::take(&mut self.measurements),
        )
    }

    /// What the target calls itself.
    #[must_use]
    pub fn target_name(&self) -> String {
        self.target.name()
    }
}
