//! Where a story is played: copies of the world's cards and chain, and tills in shops.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use bitcoin::Amount;
use tempfile::TempDir;
use tillcard::till::Outcome;
use tillcard_client::card::PaymentOrder;

use super::attempt::{Attempt, Told, fresh_address};
use super::fingers::{Fingers, Typing};
use super::purchase::{Paid, Purchase};
use super::till::ShopTill;
use crate::card::{MakeCard, SharedCard};
use crate::chain::{Network, Node};
use crate::dice::Dice;
use crate::folder::folder;
use crate::fuse::Fuse;
use crate::home::Computer;
use crate::invariants::Violation;
use crate::steps::Steps;
use crate::wire::Contacts;
use crate::world::{Kind, World};

/// Shops in a story; the last one is the next shop, where nobody cheats.
pub const TILLS: usize = 3;
/// The next shop.
pub const NEXT_SHOP: usize = TILLS - 1;

/// Where a story is played.
pub struct Stage<'a> {
    /// What it began with.
    pub world: &'a World,
    /// The chain.
    pub network: Network,
    /// The cards.
    pub cards: Vec<SharedCard>,
    /// The tills.
    pub tills: Vec<ShopTill>,
    /// All payments that were asked for.
    pub attempts: Vec<Attempt>,
    /// How many sales there were.
    pub sales: usize,
    /// Payments that a cheating terminal has, and by which cards.
    pub kept_back: Vec<(usize, PaymentOrder)>,
    /// What was seen to be wrong while the story was played.
    pub seen: Vec<Violation>,
    /// What happens.
    pub steps: Steps,
    /// What is chosen.
    pub dice: Dice,
    /// The owner's computer, once he uses it.
    pub(super) computer: Option<Computer>,
    /// The cards that the owner did something with.
    pub tended: BTreeSet<usize>,
    /// The cards that he blocked, as lost.
    pub blocked: BTreeSet<usize>,
    pub(super) folder: TempDir,
}

impl<'a> Stage<'a> {
    /// The stage as each story finds it.
    pub fn new(world: &'a World, make: MakeCard<'_>, mut dice: Dice) -> Self {
        let (folder, steps) = (folder(), Steps::default());
        let network = Network::new(world.ledger.clone());
        let cards: Vec<SharedCard> = world
            .cards
            .iter()
            .map(|facts| SharedCard::new(make, &facts.image, dice.number()))
            .collect();
        let tills = (0..TILLS).map(|number| {
            let (fuse, name) = (Fuse::new(), format!("till {number}"));
            ShopTill {
                folder: folder.path().join(number.to_string()),
                reader: Contacts::new(
                    name.clone(),
                    cards.clone(),
                    dice.split(),
                    steps.clone(),
                    fuse.clone(),
                ),
                node: Rc::new(Node::new(network.clone(), dice.split(), fuse.clone())),
                checker: world.checker.clone(),
                fuse,
                plain: true,
                is_down: Rc::default(),
                steps: steps.clone(),
                name,
            }
        });
        Self {
            tills: tills.collect(),
            world,
            network,
            cards,
            attempts: Vec::new(),
            sales: 0,
            kept_back: Vec::new(),
            seen: Vec::new(),
            steps,
            dice,
            computer: None,
            tended: BTreeSet::new(),
            blocked: BTreeSet::new(),
            folder,
        }
    }

    /// A holder at this till, who types so.
    fn fingers(&self, till: usize, typing: Vec<Typing>) -> Fingers {
        let pins = self.world.cards.iter().map(|facts| facts.pin.clone());
        let reader = self.tills[till].reader.clone();
        Fingers::new(typing, reader, pins.collect(), self.steps.clone())
    }

    /// Takes note of a new payment.
    pub fn attempt(&mut self, till: usize, sale: usize, amount: Amount) -> usize {
        let number = self.attempts.len();
        self.attempts.push(Attempt {
            till,
            sale,
            address: fresh_address(number),
            amount,
            confirmations: 1 + self.dice.below(2),
            without_pin: false,
            typed: BTreeSet::new(),
            asked: BTreeSet::new(),
            asked_later: BTreeSet::new(),
            told: Told::Open,
        });
        number
    }

    /// Has the till ask for this payment, with the cards and the wire that its reader expects.
    pub fn pay(&mut self, number: usize, typing: Vec<Typing>) {
        let purchase = self.purchase(number, typing);
        let paid = purchase.make();
        self.paid(number, paid);
    }

    /// The same, and once so many moments of it have passed, another till does its own.
    pub fn pay_meanwhile(
        &mut self,
        (number, typing): (usize, Vec<Typing>),
        moments: u32,
        (other, other_typing): (usize, Vec<Typing>),
    ) {
        let purchase = self.purchase(number, typing);
        let meanwhile = self.purchase(other, other_typing);
        let other_paid = Rc::new(RefCell::new(None));
        let waiting = purchase.till.reader.moments();
        let made = Rc::clone(&other_paid);
        waiting.after(moments, move || *made.borrow_mut() = Some(meanwhile.make()));
        let paid = purchase.make();
        waiting.end();
        self.paid(number, paid);
        let other_paid = other_paid.take();
        self.paid(other, other_paid.expect("what waits happens at the end"));
    }

    fn purchase(&self, number: usize, typing: Vec<Typing>) -> Purchase {
        let attempt = self.attempts[number].clone();
        Purchase {
            till: self.tills[attempt.till].clone(),
            fingers: self.fingers(attempt.till, typing),
            attempt,
        }
    }

    /// Takes note of what came of a purchase.
    fn paid(&mut self, number: usize, paid: Paid) {
        let till = self.attempts[number].till;
        let attempt = &mut self.attempts[number];
        attempt.typed = paid.typed;
        attempt.asked = self.tills[till].reader.asked();
        let told = match paid.outcome {
            Some(Ok(Outcome::Settled(_))) => Some(Told::Settled),
            Some(Ok(Outcome::Declined(_))) => Some(Told::Declined),
            Some(Ok(Outcome::Cancelled)) => Some(Told::Cancelled),
            Some(Ok(Outcome::Conflicted { .. })) => Some(Told::Conflicted),
            // No shop of a story closes a payment.
            Some(Ok(Outcome::Open(_) | Outcome::Closed)) => Some(Told::Open),
            // What became of the payment stands in its record.
            Some(Ok(Outcome::AsBefore { .. }) | Err(_)) | None => None,
        };
        self.read(till);
        if let Some(told) = told
            && told != self.attempts[number].told
        {
            let stored = self.attempts[number].told;
            self.saw(
                "told is what was stored",
                format!("told {told:?}, stored {stored:?}"),
            );
        }
    }

    /// The till goes on with what needs no card.
    pub fn resume(&mut self, till: usize) {
        self.steps.note(format_args!("  till {till} resumes"));
        let fingers = self.fingers(till, Vec::new());
        self.tills[till].is_down.set(false);
        self.tills[till].resume(fingers);
        self.read(till);
    }

    /// The till asks the cards that its reader expects about payments whose outcome is open.
    pub fn ask_again(&mut self, till: usize) {
        self.steps.note(format_args!("  till {till} asks again"));
        let fingers = self.fingers(till, Vec::new());
        self.tills[till].ask_again(fingers);
        let asked = self.tills[till].reader.asked();
        for attempt in &mut self.attempts {
            if attempt.till == till && attempt.told == Told::Open {
                attempt.asked_later.extend(&asked);
            }
        }
        self.read(till);
    }

    /// Reads what the till knows now: what was told once as the end stays so.
    fn read(&mut self, till: usize) {
        let records = self.tills[till].records();
        let states: BTreeMap<&str, Told> = records
            .iter()
            .map(|record| (record.to.as_str(), Told::of(record.state)))
            .collect();
        let mut changed = Vec::new();
        for attempt in &mut self.attempts {
            let Some(&told) = states.get(attempt.address.to_string().as_str()) else {
                continue;
            };
            if attempt.told != Told::Open && attempt.told != told {
                changed.push(format!("{attempt}: told {:?}, then {told:?}", attempt.told));
            }
            attempt.told = told;
        }
        for change in changed {
            self.saw("an end is the end", change);
        }
    }

    fn saw(&mut self, rule: &'static str, what: String) {
        self.seen.push(Violation { rule, what });
    }

    /// Whether the card's owner allows it to pay so much without PIN.
    pub fn allows_without_pin(&self, card: usize, amount: Amount) -> bool {
        self.world.cards[card].kind == Kind::WithoutPin && amount <= crate::world::WITHOUT_PIN
    }
}
