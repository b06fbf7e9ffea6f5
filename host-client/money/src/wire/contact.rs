//! A reader, as the client sees it: a card that is put in, and the adversary between.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use tillcard::till::CardSource;
use tillcard_client::Untrusted;
use tillcard_client::transport::{Transport, TransportError};

use super::{Command, Hostility, Mischief, Moments};
use crate::card::{Power, SharedCard};
use crate::dice::Dice;
use crate::fuse::Fuse;
use crate::steps::Steps;

/// The answer to reset of every card (`[FRM-1]`).
const ATR: [u8; 18] = *b"\x3B\x8E\x01\x80\x73\xC0\x01\x40\x58Tillcard\x1C";

/// How often the same card is put in again.
const MOST_AGAIN: u32 = 12;

/// A reader with a wire to it. Whoever holds one puts cards in, and connects to them.
#[derive(Clone)]
pub struct Contacts(Rc<RefCell<Wire>>);

struct Wire {
    name: String,
    cards: Vec<SharedCard>,
    /// What is put in next; then the last one, again and again.
    next: VecDeque<usize>,
    again: u32,
    /// The card that was put in, and the one that is at the contacts.
    presented: usize,
    connected: usize,
    /// What the reader gave the card at the contacts.
    power: Option<Power>,
    hostility: Hostility,
    left: u32,
    stubborn: Option<(Command, Mischief)>,
    late: Option<Vec<u8>>,
    dice: Dice,
    steps: Steps,
    fuse: Fuse,
    moments: Moments,
    asked: BTreeSet<usize>,
}

/// A card at the contacts, powered.
pub struct Contact {
    wire: Contacts,
    apdus: u64,
}

impl Contacts {
    /// A reader to which these cards come.
    pub fn new(name: String, cards: Vec<SharedCard>, dice: Dice, steps: Steps, fuse: Fuse) -> Self {
        Self(Rc::new(RefCell::new(Wire {
            name,
            cards,
            next: VecDeque::new(),
            again: 0,
            presented: 0,
            connected: 0,
            power: None,
            hostility: Hostility::default(),
            left: 0,
            stubborn: None,
            late: None,
            dice,
            steps,
            fuse,
            moments: Moments::default(),
            asked: BTreeSet::new(),
        })))
    }

    /// These cards will be put in, one after another and the last again, on such a wire.
    pub fn expect(&self, cards: &[usize], hostility: Hostility) {
        let mut wire = self.0.borrow_mut();
        wire.next = cards.iter().copied().collect();
        wire.again = 0;
        wire.hostility = hostility;
        wire.left = hostility.most;
        wire.stubborn = None;
        wire.late = None;
        wire.asked.clear();
    }

    /// The card that was put in last.
    pub fn presented(&self) -> usize {
        self.0.borrow().presented
    }

    /// The cards that got PAY, in a form that may write a payment, since cards were expected.
    pub fn asked(&self) -> BTreeSet<usize> {
        self.0.borrow().asked.clone()
    }

    /// The moments of whoever uses the reader.
    pub fn moments(&self) -> Moments {
        self.0.borrow().moments.clone()
    }

    /// Connects to the next card; none when it was taken away for good.
    pub fn connect(&self) -> Option<Contact> {
        let mut wire = self.0.borrow_mut();
        if wire.next.len() <= 1 && wire.again >= MOST_AGAIN {
            return None;
        }
        let first = wire.next.front().copied()?;
        if wire.next.len() > 1 {
            wire.next.pop_front();
        } else {
            wire.again += 1;
        }
        wire.presented = first;
        wire.connected = first;
        wire.power_on();
        Some(Contact {
            wire: self.clone(),
            apdus: 0,
        })
    }
}

impl Wire {
    fn card(&self) -> &SharedCard {
        &self.cards[self.connected]
    }

    fn power_on(&mut self) {
        self.power = Some(self.card().power_on());
    }

    fn power_off(&self) {
        if let Some(power) = self.power {
            self.card().power_off(power);
        }
    }

    fn transmit(&mut self, apdu: &[u8]) -> Result<Vec<u8>, TransportError> {
        if let Some(late) = self.late.take() {
            return Ok(late);
        }
        let command = Command::of(apdu);
        let Some(mischief) = self.mischief(command) else {
            return self.pass(command, apdu, None);
        };
        let (name, steps) = (self.name.clone(), self.steps.clone());
        steps.note(format_args!("    {name}: {command:?}: {mischief}"));
        match mischief {
            Mischief::Unpowered => {
                self.power_off();
                Err(TransportError::CardRemoved)
            }
            Mischief::Torn(bytes) => self.pass(command, apdu, Some(bytes)),
            Mischief::AnswerLost => {
                let _ = self.pass(command, apdu, None);
                self.power_off();
                Err(TransportError::CardReset)
            }
            Mischief::Late => {
                self.late = self.pass(command, apdu, None).ok();
                Err(TransportError::Reader("no answer in time".into()))
            }
            Mischief::Replaced(status) => {
                let _ = self.pass(command, apdu, None);
                Ok(status.to_be_bytes().to_vec())
            }
            Mischief::KeptBack(status) => Ok(status.to_be_bytes().to_vec()),
            Mischief::Cut(length) => {
                let mut answer = self.pass(command, apdu, None)?;
                // A reader gives two bytes at least.
                answer.truncate((length as usize).max(2));
                Ok(answer)
            }
            Mischief::Flipped(bit) => {
                let mut answer = self.pass(command, apdu, None)?;
                let bit = bit as usize % (answer.len() * 8);
                answer[bit / 8] ^= 1 << (bit % 8);
                Ok(answer)
            }
            Mischief::Twice => {
                let _ = self.pass(command, apdu, None);
                self.pass(command, apdu, None)
            }
            Mischief::Swapped(card) => {
                self.connected = card;
                self.power_on();
                self.pass(command, apdu, None)
            }
        }
    }

    fn mischief(&mut self, command: Command) -> Option<Mischief> {
        if let Some((stubborn, mischief)) = self.stubborn
            && stubborn == command
        {
            return Some(mischief);
        }
        if self.left == 0 || !self.hostility.strikes(command, &mut self.dice) {
            return None;
        }
        self.left -= 1;
        let mischief = Mischief::choose(&mut self.dice, self.cards.len());
        let is_lie = matches!(mischief, Mischief::Replaced(_) | Mischief::KeptBack(_));
        if is_lie && self.dice.percent(self.hostility.stubborn) {
            self.stubborn = Some((command, mischief));
        }
        Some(mischief)
    }

    /// To the card and back.
    fn pass(
        &mut self,
        command: Command,
        apdu: &[u8],
        torn_after: Option<u64>,
    ) -> Result<Vec<u8>, TransportError> {
        if command == Command::Pay {
            self.asked.insert(self.connected);
        }
        let power = self.power.ok_or(TransportError::CardRemoved)?;
        let answer = self.card().transmit(power, apdu, torn_after);
        answer.map_err(|_| TransportError::CardRemoved)
    }
}

impl CardSource for Contacts {
    type Card = Contact;

    fn wait(&mut self, _: &mut dyn FnMut(&TransportError)) -> Result<Contact, TransportError> {
        self.connect().ok_or(TransportError::Cancelled)
    }

    fn reader(card: &Contact) -> Untrusted {
        card.wire.0.borrow().name.as_str().into()
    }
}

impl Transport for Contact {
    fn atr(&self) -> &[u8] {
        &ATR
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.apdus += 1;
        let fuse = self.wire.0.borrow().fuse.clone();
        fuse.burn();
        self.wire.moments().pass();
        self.wire.0.borrow_mut().transmit(command)
    }

    fn apdus(&self) -> u64 {
        self.apdus
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.power_cut()
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        let wire = &mut *self.wire.0.borrow_mut();
        let power = wire.power.ok_or(TransportError::CardRemoved)?;
        let again = wire.card().power_again(power);
        wire.power = Some(again.map_err(|_| TransportError::CardRemoved)?);
        Ok(())
    }

    fn disconnect(self) -> Result<(), TransportError> {
        self.wire.0.borrow().power_off();
        Ok(())
    }
}
