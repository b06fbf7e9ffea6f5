//! Holders at a till's keyboard.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;

use tillcard::till::{PinError, PinSource};
use tillcard_client::card::PinBlock;

use crate::dice::Dice;
use crate::steps::Steps;
use crate::wire::Contacts;

/// What a holder does when asked for the PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Types it.
    Right,
    /// Types another one.
    Wrong,
    /// Types what is no PIN.
    NotAPin,
    /// Walks away.
    Nothing,
}

/// Types the PIN of the card that was put in.
pub struct Fingers {
    next: VecDeque<Typing>,
    reader: Contacts,
    pins: Vec<String>,
    typed: Rc<RefCell<BTreeSet<usize>>>,
    steps: Steps,
}

impl Fingers {
    /// A holder who does these things one after another, and then types the PIN.
    pub fn new(next: Vec<Typing>, reader: Contacts, pins: Vec<String>, steps: Steps) -> Self {
        Self {
            next: next.into(),
            reader,
            pins,
            typed: Rc::default(),
            steps,
        }
    }

    /// The cards whose right PIN is typed.
    pub fn typed(&self) -> Rc<RefCell<BTreeSet<usize>>> {
        Rc::clone(&self.typed)
    }
}

/// How a holder types: nearly always rightly.
pub fn typing(dice: &mut Dice) -> Vec<Typing> {
    match dice.below(100) {
        0..80 => Vec::new(),
        80..90 => vec![Typing::Wrong],
        90..93 => vec![Typing::Wrong; 3],
        93..95 => vec![Typing::NotAPin],
        _ => vec![Typing::Nothing],
    }
}

impl PinSource for Fingers {
    fn ask(&mut self, _: &str) -> Result<PinBlock, PinError> {
        let card = self.reader.presented();
        let typing = self.next.pop_front().unwrap_or(Typing::Right);
        if typing != Typing::Right {
            self.steps
                .note(format_args!("    PIN of card {card}: {typing:?}"));
        }
        let digits = match typing {
            Typing::Right => {
                self.typed.borrow_mut().insert(card);
                self.pins[card].as_str()
            }
            Typing::Wrong => "999999",
            Typing::NotAPin => "12",
            Typing::Nothing => return Err(PinError::None),
        };
        PinBlock::from_digits(digits.as_bytes()).ok_or(PinError::NotAPin)
    }
}
