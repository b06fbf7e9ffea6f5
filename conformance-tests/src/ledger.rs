//! What the run does to its cards, kept below everything that speaks to them.
//!
//! The ledger believes no driver: it reads what goes over the link. Where cards aren't to be used
//! up it lets no PIN through that could cost the try which the card must keep, and so the run ends.

use crate::card_under_test::{Layer, Link};
use crate::case::Level;
use crate::failure::{Code, Failure};
use crate::report::{Wear, command_name};
use std::cell::RefCell;
use std::rc::Rc;

/// The secure messaging bit of a class byte.
const PROTECTED: u8 = 0x04;
/// VERIFY, without the bit.
const VERIFY: [u8; 2] = [0x00, 0x20];
/// GET DATA of the status, and the answer's beginning: the state, and in an issued card the network
/// and the tries.
const STATUS: [u8; 4] = [0x00, 0xCA, 0x01, 0x00];
const STATE: [u8; 2] = [0x80, 0x01];
const TRIES: [u8; 2] = [0x82, 0x01];
/// The state of a card that was issued.
const ISSUED: u8 = 0x01;
/// Commands that change nothing which lasts, whatever comes of them, by class and instruction.
const HARMLESS: [[u8; 2]; 12] = [
    [0x00, 0xA4],
    [0x00, 0xCA],
    [0x00, 0xC0],
    [0x00, 0x84],
    [0x00, 0x88],
    [0x80, 0x88],
    [0x80, 0x32],
    [0x80, 0x36],
    [0x80, 0x38],
    [0x80, 0x42],
    [0x80, 0x48],
    [0x80, 0x4E],
];

/// What a card told of its PIN tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tries {
    /// Nothing yet.
    Untold,
    /// It has no PIN.
    NoPin,
    /// So many are left.
    Left(u8),
}

/// The ledger of a run, which all its cards share.
#[derive(Clone)]
pub(crate) struct Ledger(Rc<RefCell<Book>>);

struct Book {
    level: Level,
    cards: Vec<Wear>,
    refusal: Option<Failure>,
}

impl Ledger {
    /// A ledger of cards that may be worn so far.
    pub(crate) fn new(level: Level) -> Self {
        Self(Rc::new(RefCell::new(Book {
            level,
            cards: Vec::new(),
            refusal: None,
        })))
    }

    /// Puts a card under the ledger's eyes.
    pub(crate) fn watch(&self, card: Box<dyn Link>) -> Box<dyn Link> {
        self.0.borrow_mut().cards.push(Wear::default());
        Box::new(Watched {
            card,
            tries: Tries::Untold,
            ledger: self.clone(),
        })
    }

    /// What was done to each card, in the order in which they came.
    pub(crate) fn cards(&self) -> Vec<Wear> {
        self.0.borrow().cards.clone()
    }

    /// Why a command wasn't let through, once.
    pub(crate) fn take_refusal(&self) -> Option<Failure> {
        self.0.borrow_mut().refusal.take()
    }
}

/// A card under the ledger's eyes.
struct Watched {
    card: Box<dyn Link>,
    tries: Tries,
    ledger: Ledger,
}

impl Watched {
    /// Whether a PIN may be presented: one that is wrong must leave what the level says.
    fn permit(&self, level: Level) -> Result<(), String> {
        let floor = match level {
            Level::D0 => None,
            Level::D1 | Level::D2 => Some(1),
            Level::D3 => return Ok(()),
        };
        match (self.tries, floor) {
            (Tries::NoPin, _) => Ok(()),
            (Tries::Left(left), Some(floor)) if left > floor => Ok(()),
            (Tries::Left(left), _) => Err(format!("{left} tries are left")),
            (Tries::Untold, _) => Err("the card didn't tell how many tries are left".to_owned()),
        }
    }

    /// Draws from an exchange what became of the card.
    fn note(&mut self, command: &[u8], answer: &[u8]) {
        let Some((&[class, instruction, p1, p2], field)) = command.split_first_chunk() else {
            return;
        };
        let Some((data, &[sw1, sw2])) = answer.split_last_chunk() else {
            return;
        };
        let plain = [class & !PROTECTED, instruction];
        let mut book = self.ledger.0.borrow_mut();
        let Some(wear) = book.cards.last_mut() else {
            return;
        };
        if plain == VERIFY {
            if has_data(field) {
                wear.pins += 1;
            }
            match (sw1, sw2) {
                (0x63, 0xC0..=0xCF) => {
                    let left = sw2 & 0x0F;
                    if has_data(field) {
                        wear.wrong_pins += 1;
                    }
                    wear.fewest_tries = wear.fewest_tries.map(|few| few.min(left)).or(Some(left));
                    self.tries = Tries::Left(left);
                }
                (0x69, 0x83) => {
                    wear.fewest_tries = Some(0);
                    self.tries = Tries::Left(0);
                }
                _ => {}
            }
        } else if command.starts_with(&STATUS) && (sw1, sw2) == (0x90, 0x00) {
            self.tries = tries_of(data).unwrap_or(self.tries);
        } else if sw1 == 0x90 && !HARMLESS.contains(&plain) {
            let name = command_name([plain[0], instruction, p1, p2]);
            *wear.done.entry(name).or_default() += 1;
        }
    }
}

/// Whether a command's body begins with a data field.
fn has_data(body: &[u8]) -> bool {
    body.len() > 1
}

fn tries_of(status: &[u8]) -> Option<Tries> {
    let state = *status.strip_prefix(&STATE)?.first()?;
    if state != ISSUED {
        return Some(Tries::NoPin);
    }
    let at = status.windows(2).rposition(|tag| tag == TRIES)?;
    status.get(at + 2).copied().map(Tries::Left)
}

impl Layer for Watched {
    fn below(&self) -> &dyn Link {
        self.card.as_ref()
    }

    fn below_mut(&mut self) -> &mut dyn Link {
        self.card.as_mut()
    }

    fn pass(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        let presents = matches!(command, [class, instruction, _, _, body @ ..]
            if [class & !PROTECTED, *instruction] == VERIFY && has_data(body));
        let level = self.ledger.0.borrow().level;
        if presents && let Err(why) = self.permit(level) {
            let refusal = Code::LedgerRefused.because(format!(
                "a PIN wasn't sent, since cards may be worn up to {level} only, and {why}"
            ));
            self.ledger.0.borrow_mut().refusal = Some(refusal.clone());
            return Err(refusal);
        }
        if presents && let Tries::Left(left) = self.tries {
            // Until the card says otherwise it cost one.
            self.tries = Tries::Left(left.saturating_sub(1));
        }
        let answer = self.card.transmit(command)?;
        self.note(command, &answer);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::card_under_test::{Link, Reset};
    use crate::case::Level;
    use crate::failure::{Code, Failure};

    /// A card that knows nothing but its PIN, 1234 in its own way, and its tries.
    struct PinCard {
        tries: u8,
    }

    impl Link for PinCard {
        fn atr(&self) -> Vec<u8> {
            vec![0x3B, 0x00]
        }

        fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
            Ok(match command {
                [0x00, 0xCA, ..] => [
                    &[0x80, 1, 1, 0x81, 1, 3, 0x82, 1, self.tries][..],
                    &[0x83, 1, 0, 0x90, 0x00],
                ]
                .concat(),
                _ if self.tries == 0 => vec![0x69, 0x83],
                [_, 0x20, _, _] => vec![0x63, 0xC0 | self.tries],
                [_, 0x20, _, _, _, 0x12, 0x34] => {
                    self.tries = 3;
                    vec![0x90, 0x00]
                }
                _ => {
                    self.tries -= 1;
                    vec![0x63, 0xC0 | self.tries]
                }
            })
        }

        fn reset(&mut self, _: Reset) -> Result<(), Failure> {
            Ok(())
        }
    }

    const ASK: [u8; 5] = [0x00, 0xCA, 0x01, 0x00, 0x00];
    const HOW_MANY: [u8; 4] = [0x00, 0x20, 0x00, 0x80];
    const WRONG: [u8; 7] = [0x00, 0x20, 0x00, 0x80, 2, 0x99, 0x99];

    /// A driver that takes a wrong PIN for the right one, and presents it for as long as it can.
    fn lie(level: Level, asks: &[u8]) -> (Ledger, usize, Option<Failure>) {
        let ledger = Ledger::new(level);
        let mut card = ledger.watch(Box::new(PinCard { tries: 3 }));
        card.transmit(asks).unwrap();
        let presented = (0..5).take_while(|_| card.transmit(&WRONG).is_ok()).count();
        let refusal = ledger.take_refusal();
        (ledger, presented, refusal)
    }

    #[test]
    fn a_driver_that_lies_does_not_block_the_pin() {
        for (level, most) in [(Level::D0, 0), (Level::D1, 2), (Level::D2, 2)] {
            for ask in [&ASK[..], &HOW_MANY] {
                let (ledger, presented, refusal) = lie(level, ask);
                assert_eq!(presented, most, "{level}");
                assert_eq!(
                    refusal.map(|refusal| refusal.code),
                    Some(Code::LedgerRefused)
                );
                let [wear] = &ledger.cards()[..] else {
                    panic!("one card");
                };
                assert_eq!((wear.pins, wear.wrong_pins), (most as u32, most as u32));
                assert!(wear.fewest_tries.is_none_or(|tries| tries > 0));
            }
        }
        let (ledger, presented, refusal) = lie(Level::D3, &ASK);
        assert_eq!((presented, refusal), (5, None));
        assert_eq!(ledger.cards()[0].fewest_tries, Some(0));
    }

    #[test]
    fn no_pin_goes_to_a_card_that_was_never_asked() {
        let ledger = Ledger::new(Level::D1);
        let mut card = ledger.watch(Box::new(PinCard { tries: 1 }));
        for protected in [WRONG, [0x04, 0x20, 0x00, 0x80, 2, 0x99, 0x99]] {
            assert!(card.transmit(&protected).is_err());
        }
        card.transmit(&HOW_MANY).unwrap();
        assert!(card.transmit(&WRONG).is_err(), "the last try");
    }
}
