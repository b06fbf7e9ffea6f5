//! Where the card under test is: in this process, in a reader, or behind another program.
//!
//! The suite has its own seam to a card rather than the host client's. It must be able to talk to
//! a card that doesn't even answer SELECT, and a manufacturer should not have to build a wallet to
//! run it.

mod chosen_random;
mod emulator;
mod fresh;
mod in_process;
mod layer;
mod pcsc;
mod replay;
mod subprocess;
mod worker;

pub use chosen_random::{ChosenRandom, RandomSource};
pub use emulator::EmulatorTarget;
pub use fresh::{FreshCards, Operator, Program, beside_this_program};
pub use in_process::InProcess;
pub use layer::Layer;
pub use pcsc::{Choice, PcscTarget};
pub use replay::{ReplayTarget, Tape};
pub use subprocess::CommandTarget;

use crate::failure::Failure;

/// How a card is started anew (ISO/IEC 7816-3 §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// The power goes off and on again.
    Cold,
    /// The reset line alone.
    Warm,
}

/// What only a target that holds the card's parts in its hands can do to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The random source gives these bytes, from the next one it is asked for, and then works
    /// again.
    Random(Vec<u8>),
    /// The random source fails from now on.
    NoRandom,
    /// The random source works again from now on.
    GoodRandom,
    /// The memory holds these bytes, and what the card doesn't have in them is erased.
    Memory(Vec<u8>),
    /// The power fails once the card has written or erased so many bytes more, at least one, and
    /// comes back with the next reset; with none, it doesn't fail. Where it is gone, it is given
    /// back at once, so that it can fail again while the card starts.
    PowerAfter(Option<u64>),
}

impl Fault {
    /// What was done, for the trace and for reasons.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Random(_) => "the random source gives chosen bytes",
            Self::NoRandom => "the random source fails",
            Self::GoodRandom => "the random source works again",
            Self::Memory(_) => "the memory was replaced",
            Self::PowerAfter(Some(_)) => "the power will fail",
            Self::PowerAfter(None) => "the power stays on",
        }
    }
}

/// A card with power on. Dropping it takes the card out.
pub trait Link {
    /// The answer to the last reset.
    fn atr(&self) -> Vec<u8>;

    /// Sends a command APDU as it is and gives back the response APDU as it is: nothing here
    /// looks at status words.
    ///
    /// # Errors
    /// When the reader or the link failed, or the card went away.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure>;

    /// Starts the card anew.
    ///
    /// # Errors
    /// As for [`Link::transmit`].
    fn reset(&mut self, how: Reset) -> Result<(), Failure>;

    /// Does something to the card that no reader can, or says that it can't.
    ///
    /// # Errors
    /// As for [`Link::transmit`].
    fn inject(&mut self, _: &Fault) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Whether the power is on: where it is gone, nobody saw the last answer.
    fn has_power(&mut self) -> bool {
        true
    }

    /// All of the card's memory, where it is in reach.
    ///
    /// # Errors
    /// As for [`Link::transmit`].
    fn memory(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        Ok(None)
    }

    /// How long the last exchange took, in nanoseconds, where that isn't for the clock to say.
    fn took_ns(&self) -> Option<u64> {
        None
    }
}

/// Where a target's cards are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The reader's name, where there is a reader.
    pub reader: Option<String>,
    /// What the reader's driver says of itself, once a card was there.
    pub driver: Option<String>,
    /// Whether the cards are those of the suite's own emulator.
    pub own_emulator: bool,
}

/// A source of fresh cards, one after the other.
pub trait Target {
    /// For the report: `emulator`, `pcsc:` and the reader's name, or `command:` and a program.
    fn name(&self) -> String;

    /// For the report: where the cards are.
    fn about(&self) -> About {
        About::default()
    }

    /// Where the like cards are to be had at the same time, by another thread.
    fn another(&self) -> Option<Box<dyn Target + Send>> {
        None
    }

    /// Puts in a card that has never been issued. The one before must have been dropped. An
    /// emulated card takes all its randomness from `seed`; a real one ignores it.
    ///
    /// # Errors
    /// When no card can be had.
    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure>;
}
