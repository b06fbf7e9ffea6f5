//! A shop's till: the real one, on a folder of its own, with a reader and a node.

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use tillcard::chain::FeeRate;
use tillcard::till::{
    CardRules, Event, Outcome, PaymentRecord, PaymentStore, PaymentTerms, PinSource, Settlement,
    Till, TillError,
};
use tillcard_client::card::Merchant;
use tillcard_client::genuine::Checker;
use tillcard_client::vetting::Vetting;

use super::attempt::Attempt;
use crate::chain::Node;
use crate::fuse::Fuse;
use crate::steps::Steps;
use crate::wire::Contacts;

/// The fee rate that shops ask for.
pub const RATE: FeeRate = FeeRate::from_sat_per_kvb(2_000);

/// A till. A copy is the same one.
#[derive(Clone)]
pub struct ShopTill {
    /// Its name.
    pub name: String,
    /// Where its payments are.
    pub folder: PathBuf,
    /// Its reader.
    pub reader: Contacts,
    /// Its node.
    pub node: Rc<Node>,
    /// Whom it trusts.
    pub checker: Checker,
    /// What it dies by.
    pub fuse: Fuse,
    /// Whether it takes cards without certificates.
    pub plain: bool,
    /// Whether it lost its power and wasn't started since.
    pub is_down: Rc<Cell<bool>>,
    /// Where its events are noted.
    pub steps: Steps,
}

impl ShopTill {
    /// Has a card pay. None when the till lost its power meanwhile.
    pub fn pay(
        &self,
        attempt: &Attempt,
        pins: impl PinSource,
    ) -> Option<Result<Outcome, TillError>> {
        let terms = PaymentTerms {
            amount: attempt.amount,
            to: attempt.address.clone(),
            fee_rate: RATE,
            confirmations: attempt.confirmations,
            merchant: Merchant::default(),
            invoice: None,
            without_pin: attempt.without_pin,
            statement: false,
        };
        self.run(pins, |till| till.pay(&terms))
    }

    /// Goes on with the payments that a card has signed or was never asked for.
    pub fn resume(&self, pins: impl PinSource) -> Option<Result<Vec<Outcome>, TillError>> {
        self.run(pins, |till| till.settlement.resume())
    }

    /// Asks the cards that will be put in about those whose outcome is open.
    pub fn ask_again(&self, pins: impl PinSource) -> Option<Result<Vec<Outcome>, TillError>> {
        self.run(pins, |till| till.ask_again())
    }

    fn run<P: PinSource, R>(
        &self,
        pins: P,
        act: impl FnOnce(&mut Till<'_, Contacts, P>) -> R,
    ) -> Option<R> {
        let (steps, name) = (self.steps.clone(), self.name.clone());
        let moments = self.reader.moments();
        let mut till = Till {
            cards: self.reader.clone(),
            pins,
            rules: CardRules {
                vetting: Vetting {
                    checker: self.checker.clone(),
                    unverified: false,
                },
                plain: self.plain,
            },
            settlement: Settlement {
                chain: &*self.node,
                store: self.store(),
                poll_interval: Duration::ZERO,
                on_event: Box::new(move |event| {
                    if let Some(words) = in_words(event) {
                        steps.note(format_args!("    {name}: {words}"));
                    }
                    moments.pass();
                }),
            },
        };
        let ended = self.fuse.run(|| act(&mut till));
        if ended.is_none() {
            self.steps
                .note(format_args!("    {}: lost its power", self.name));
            self.is_down.set(true);
        }
        ended
    }

    /// Its payments.
    pub fn records(&self) -> Vec<PaymentRecord> {
        self.store().read().expect("a till's payments can be read")
    }

    /// Those of them that a card was asked to make and whose outcome is open, oldest first.
    pub fn asked(&self) -> Vec<PaymentRecord> {
        let settlement = Settlement {
            chain: &*self.node,
            store: self.store(),
            poll_interval: Duration::ZERO,
            on_event: Box::new(|_| ()),
        };
        settlement.asked().expect("a till's payments can be read")
    }

    fn store(&self) -> PaymentStore {
        PaymentStore::open(&self.folder).expect("a till's folder")
    }
}

/// The steps that change something, without names that are others in each run.
fn in_words(event: &Event) -> Option<String> {
    Some(match event {
        Event::CardRemoved => "card removed".into(),
        Event::CardLost { reason } => format!("the card was asked to pay and is lost: {reason}"),
        Event::GivenAgain { .. } => "the card gave the payment again".into(),
        Event::NothingWritten => "the card proves that it hadn't paid".into(),
        Event::WrongPin { tries_left } => format!("wrong PIN, {tries_left} tries left"),
        Event::SentAncestor { .. } => "sent an ancestor".into(),
        Event::CoinAbsent { .. } => "a coin is absent".into(),
        Event::Signing => "the card is asked to pay".into(),
        Event::Broadcast { .. } => "broadcast".into(),
        Event::ChainUnavailable { .. } => "the chain can't be asked".into(),
        Event::Confirmed { confirmations } => format!("confirmed ({confirmations})"),
        Event::Settled { .. } => "SETTLED".into(),
        Event::Open { code, .. } => format!("OPEN ({code})"),
        Event::Cancelled { .. } => "CANCELLED".into(),
        Event::Conflicted { .. } => "CONFLICTED".into(),
        Event::Declined { code, .. } => format!("DECLINED ({code})"),
        _ => return None,
    })
}
