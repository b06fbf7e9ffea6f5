//! What an adversary on the wire does, and when.

use std::fmt;

use tillcard_protocol::status::TABLE;

use super::Command;
use crate::dice::Dice;

/// Something that goes wrong with one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mischief {
    /// The card loses its power before it gets the command.
    Unpowered,
    /// The card loses its power once so many bytes of its memory were changed.
    Torn(u64),
    /// The card did what the command says, and lost its power before its answer came out.
    AnswerLost,
    /// The answer comes after the client has given up: as the answer to what it asks next.
    Late,
    /// A bare status word in the place of the card's answer.
    Replaced(u16),
    /// A bare status word, and the card never gets the command.
    KeptBack(u16),
    /// Only the first bytes of the answer come.
    Cut(u32),
    /// A bit of the answer is another.
    Flipped(u32),
    /// The card gets the command twice; the second answer counts.
    Twice,
    /// Another card is at the contacts from now on: the one of this number.
    Swapped(usize),
}

/// How much of it there is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hostility {
    /// Of a hundred commands about a payment's outcome, those that something is done to.
    pub at_pay: u32,
    /// Of a hundred others.
    pub elsewhere: u32,
    /// How often at most, until a reader is used anew.
    pub most: u32,
    /// Of a hundred replaced answers, those after which all of the same command's are replaced too.
    pub stubborn: u32,
}

impl Hostility {
    /// Whether something is done to this command.
    pub fn strikes(&self, command: Command, dice: &mut Dice) -> bool {
        let chance = match command {
            Command::Pay | Command::PayAgain | Command::PaymentState => self.at_pay,
            Command::Issue | Command::ReadAccount | Command::Sign => self.at_pay,
            _ => self.elsewhere,
        };
        dice.percent(chance)
    }
}

impl Mischief {
    /// One of them, with so many cards at hand.
    pub fn choose(dice: &mut Dice, cards: usize) -> Self {
        match dice.below(100) {
            0..30 => Self::Replaced(status(dice)),
            30..40 => Self::KeptBack(status(dice)),
            40..52 => Self::AnswerLost,
            52..62 => Self::Torn(1 + u64::from(dice.below(700))),
            62..68 => Self::Late,
            68..74 => Self::Unpowered,
            74..79 => Self::Cut(dice.below(40)),
            79..84 => Self::Flipped(dice.below(2048)),
            84..88 => Self::Twice,
            _ => Self::Swapped(dice.below(u32::try_from(cards).unwrap_or(1)) as usize),
        }
    }
}

/// Any status word that the protocol knows, and some that it has no place for.
fn status(dice: &mut Dice) -> u16 {
    const OTHERS: [u16; 6] = [0x9000, 0x6100, 0x63C2, 0x63C0, 0x6F00, 0x6CFF];
    let all = TABLE.len() + OTHERS.len();
    let choice = dice.below(u32::try_from(all).unwrap_or(1)) as usize;
    match choice.checked_sub(TABLE.len()) {
        None => TABLE[choice].value,
        Some(other) => OTHERS[other],
    }
}

impl fmt::Display for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unpowered => write!(f, "the card loses its power before it"),
            Self::Torn(bytes) => write!(f, "the card loses its power after {bytes} bytes written"),
            Self::AnswerLost => write!(f, "done, and the answer is lost"),
            Self::Late => write!(f, "done, and the answer comes late"),
            Self::Replaced(status) => write!(f, "done, and answered {status:04X} by the wire"),
            Self::KeptBack(status) => write!(f, "kept back, and answered {status:04X} by the wire"),
            Self::Cut(length) => write!(f, "only {length} bytes of the answer come"),
            Self::Flipped(bit) => write!(f, "bit {bit} of the answer is flipped"),
            Self::Twice => write!(f, "sent to the card twice"),
            Self::Swapped(card) => write!(f, "card {card} is at the contacts from here on"),
        }
    }
}
