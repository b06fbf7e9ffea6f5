//! What a case works with: a card, fresh cards, test values, and what it adds to the report.

use crate::card::{Capability, Card};
use crate::card_under_test::{Fault, Reset};
use crate::channel::Ephemeral;
use crate::driver::Driver;
use crate::model::{Limits, Profile, Request, STATEMENTS, payee};
use crate::outcome::{Preamble, Step};
use crate::recorder::Recorder;
use crate::report::Figure;
use crate::supply::Supply;
use crate::values::Values;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

/// What the tester says of the run (the IXIT of ISO/IEC 9646).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where all test values come from.
    pub seed: u64,
    /// The ATR that the card's maker declares, which `[FRM-1]` fixes for the reference card only.
    pub atr: Vec<u8>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            atr: REFERENCE_ATR.to_vec(),
        }
    }
}

/// The ATR of the reference card, section 2.1.
pub const REFERENCE_ATR: [u8; 18] = [
    0x3B, 0x8E, 0x01, 0x80, 0x73, 0xC0, 0x01, 0x40, 0x58, 0x54, 0x69, 0x6C, 0x6C, 0x63, 0x61, 0x72,
    0x64, 0x8C,
];

/// What a case is given. It stands for the card in use: `ctx.select()` is the card's SELECT.
pub struct CaseContext {
    /// The card in use.
    pub card: Card,
    /// The case's own test values.
    pub values: Values,
    /// The record of the run so far.
    pub recorder: Rc<RefCell<Recorder>>,
    /// What the tester said.
    pub settings: Settings,
    pub(crate) supply: Supply,
    label: String,
    cards_in_case: u32,
    channels_in_case: u32,
    /// The number of the case's next request for a payment.
    next_request: Rc<Cell<u64>>,
    notes: Vec<String>,
    measurements: BTreeMap<String, f64>,
    figures: Vec<Figure>,
}

impl CaseContext {
    /// A context without a card.
    #[must_use]
    pub(crate) fn new(supply: Supply, settings: Settings, recorder: Rc<RefCell<Recorder>>) -> Self {
        Self {
            card: Card::absent(Rc::clone(&recorder)),
            values: Values::new(settings.seed, ""),
            recorder,
            settings,
            supply,
            label: String::new(),
            cards_in_case: 0,
            channels_in_case: 0,
            next_request: Rc::new(Cell::new(0)),
            notes: Vec::new(),
            measurements: BTreeMap::new(),
            figures: Vec::new(),
        }
    }

    /// From here on values and cards are those of this case, or of a shared card.
    pub(crate) fn begin_case(&mut self, label: &str) {
        label.clone_into(&mut self.label);
        // Cases that share a card number their requests far apart, so that no two payments of one
        // card have one identity.
        let first = Values::new(0, label).bytes("requests");
        self.next_request = Rc::new(Cell::new(u64::from_be_bytes(first)));
        self.values = Values::new(self.settings.seed, label);
        self.cards_in_case = 0;
        self.channels_in_case = 0;
        self.recorder.borrow_mut().enter_case(label);
    }

    /// Puts a card in that was never issued, in place of the one there; or makes the one there
    /// fresh again, where cards are few.
    ///
    /// # Errors
    /// [`Stop::Error`] when none is to be had, [`Stop::Inconclusive`] when the run may use no other.
    ///
    /// [`Stop::Error`]: crate::outcome::Stop::Error
    /// [`Stop::Inconclusive`]: crate::outcome::Stop::Inconclusive
    pub fn fresh_card(&mut self) -> Step<()> {
        if self.supply.renew(&mut self.card) {
            self.cards_in_case += 1;
            return Ok(());
        }
        self.other_card()
    }

    /// Puts another card in, one that was never issued.
    ///
    /// # Errors
    /// As for [`CaseContext::fresh_card`].
    pub fn other_card(&mut self) -> Step<()> {
        // The old one must be out before the new one goes in.
        self.card.take_out();
        let name = format!("card {}", self.cards_in_case);
        self.cards_in_case += 1;
        let seed = u64::from_be_bytes(self.values.bytes(&name));
        self.recorder.borrow_mut().expects_card(seed);
        let link = self.supply.fresh_card(seed);
        if let Some(failure) = self.supply.failure().filter(|_| link.is_err()) {
            self.recorder.borrow_mut().failed(failure);
        }
        let link = link?;
        self.card = Card::new(link, Rc::clone(&self.recorder));
        Ok(())
    }

    /// The card in use, as one of any maker.
    pub fn driver(&mut self) -> &mut dyn Driver {
        &mut self.card
    }

    /// Takes the card out.
    pub(crate) fn take_out(&mut self) {
        self.card.take_out();
    }

    /// The standard profile of this case: regtest, a made key, eight digits, wide limits.
    pub fn profile(&self) -> Step<Profile> {
        Profile::new(&self.values, &format!("{}", self.cards_in_case))
    }

    /// Issues the card as the preparation of something else, without what it doesn't declare.
    pub fn prepare(&mut self, profile: &Profile) -> Step<()> {
        let profile = self.declared_part(profile).preamble()?;
        self.card.issue(&profile).preamble()
    }

    /// The profile without what the card doesn't declare: statements, and payments without PIN.
    /// The card must not be issued.
    ///
    /// # Errors
    /// [`Stop::Fail`] when the card doesn't tell its capabilities.
    ///
    /// [`Stop::Fail`]: crate::outcome::Stop::Fail
    pub fn declared_part(&mut self, profile: &Profile) -> Step<Profile> {
        self.card.select()?;
        let capabilities = self.card.capabilities()?;
        let mut profile = profile.clone();
        if !capabilities.declares(Capability::Statements) {
            profile.policy &= !STATEMENTS;
        }
        if !capabilities.declares(Capability::WithoutPin) {
            profile.limits = profile.limits.without_pin(0).payments_without_pin(0);
        }
        Ok(profile)
    }

    /// Issues the card with the standard profile and enters coins of these amounts.
    pub fn prepare_funded(&mut self, amounts: &[u64]) -> Step<()> {
        self.prepare_limited(Limits::WIDE, amounts)
    }

    /// The same with these limits.
    pub fn prepare_limited(&mut self, limits: Limits, amounts: &[u64]) -> Step<()> {
        let profile = self.profile()?.limits(limits);
        self.prepare_with(&profile, amounts)
    }

    /// The same with this profile.
    pub fn prepare_with(&mut self, profile: &Profile, amounts: &[u64]) -> Step<()> {
        self.prepare(profile)?;
        let mut stream = self.values.stream("coins");
        self.card.fund(&mut stream, amounts)
    }

    /// Makes requests for payments to a P2WPKH script, at 1 sat/vB, from rooted coins, of an
    /// amount in sat, each with a payment identity that no other request of the case has.
    pub fn requests(&self) -> impl Fn(u64) -> Request + use<> {
        let next = Rc::clone(&self.next_request);
        move |amount| {
            let number = next.replace(next.get().wrapping_add(1));
            Request {
                amount,
                rate: 1000,
                payee: payee::p2wpkh([0x5A; 20]),
                unrooted: false,
                identity: Values::new(number, "payment identity").bytes(""),
                merchant: b"Milk & more".to_vec(),
                invoice: Vec::new(),
            }
        }
    }

    /// A client's ephemeral key pair that the case didn't have before.
    pub fn ephemeral(&mut self) -> Step<Ephemeral> {
        let name = format!("ephemeral {}", self.channels_in_case);
        self.channels_in_case += 1;
        Ephemeral::new(&self.values.bytes(&name))
    }

    /// Opens a channel to the card, which the suite issued, as a client that wasn't there before.
    pub fn open_channel(&mut self) -> Step<()> {
        let own = self.ephemeral()?;
        self.card.open_channel_as(&own)
    }

    /// A line for the report: what was looked at, how far the case could see.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// A number for the report that differs from run to run.
    pub fn measure(&mut self, name: &str, value: f64) {
        self.measurements.insert(name.to_owned(), value);
    }

    /// Something for the report that is better seen than read.
    pub fn draw(&mut self, figure: Figure) {
        self.figures.push(figure);
    }

    pub(crate) fn take_margin(&mut self) -> (Vec<String>, BTreeMap<String, f64>, Vec<Figure>) {
        (
            std::mem::take(&mut self.notes),
            std::mem::take(&mut self.measurements),
            std::mem::take(&mut self.figures),
        )
    }

    /// Whether a card is used for case after case.
    pub const fn uses_cards_again(&self) -> bool {
        self.supply.reuses()
    }

    /// Makes the card one that nobody personalised, or puts such a one in. The application is
    /// selected.
    ///
    /// # Errors
    /// [`Stop::NotApplicable`] when there is none.
    ///
    /// [`Stop::NotApplicable`]: crate::outcome::Stop::NotApplicable
    pub fn blank_card(&mut self) -> Step<()> {
        if self.supply.has_blank_cards() {
            self.other_card()?;
        } else {
            // As the memory was before anybody wrote to it.
            self.card.inject(&Fault::Memory(Vec::new()))?;
            self.card.reset(Reset::Cold)?;
        }
        self.card.select()
    }
}

impl Deref for CaseContext {
    type Target = Card;

    fn deref(&self) -> &Card {
        &self.card
    }
}

impl DerefMut for CaseContext {
    fn deref_mut(&mut self) -> &mut Card {
        &mut self.card
    }
}
