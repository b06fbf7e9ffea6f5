//! The reference card behind a shim.

use tillcard_conform::card_under_test::{EmulatorTarget, Layer, Link, Target};
use tillcard_conform::failure::Failure;

/// What a shim makes of a command to its card.
pub type Transmit = Box<dyn FnMut(&mut dyn Link, &[u8]) -> Result<Vec<u8>, Failure>>;

/// Reference cards, each behind a shim that stands between the suite and the card, and changes
/// commands or answers. What is wrong inside a card is the business of `tillcard-mutants`.
pub struct Shimmed {
    name: String,
    /// Makes the shim of the next card.
    shim: Box<dyn FnMut() -> Transmit>,
}

impl Shimmed {
    /// Cards of a target called so. Each gets a shim of its own.
    pub fn new(name: impl Into<String>, shim: impl FnMut() -> Transmit + 'static) -> Self {
        Self {
            name: name.into(),
            shim: Box::new(shim),
        }
    }

    /// The same with a shim that remembers nothing.
    pub fn by(name: &str, transmit: fn(&mut dyn Link, &[u8]) -> Vec<u8>) -> Self {
        Self::new(name, move || {
            Box::new(move |card, command| Ok(transmit(card, command)))
        })
    }
}

impl Target for Shimmed {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        Ok(Box::new(ShimmedCard {
            card: EmulatorTarget.fresh_card(seed)?,
            shim: (self.shim)(),
        }))
    }
}

struct ShimmedCard {
    card: Box<dyn Link>,
    shim: Transmit,
}

impl Layer for ShimmedCard {
    fn below(&self) -> &dyn Link {
        self.card.as_ref()
    }

    fn below_mut(&mut self) -> &mut dyn Link {
        self.card.as_mut()
    }

    fn pass(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        (self.shim)(self.card.as_mut(), command)
    }
}

/// The answer of the card itself.
pub fn honest(card: &mut dyn Link, command: &[u8]) -> Vec<u8> {
    card.transmit(command).expect("the emulator answers")
}
