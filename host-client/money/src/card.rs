//! The cards of a story: the real one each, from the memory that a prepared card has.

use std::cell::RefCell;
use std::rc::Rc;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_emu::nvm::{CardMemory, PowerCutNvm, PowerSwitch};
use tillcard_emu::{CardInSlot, EmulatedCard};

/// Makes a card with this memory, whose choices come from this seed, and says by what its power is
/// cut. Another build of the card has another such function.
pub type MakeCard<'a> = &'a (dyn Fn(&[u8], u64) -> (Box<dyn CardInSlot>, PowerSwitch) + Sync);

/// The card as it is.
pub fn reference_card(image: &[u8], seed: u64) -> (Box<dyn CardInSlot>, PowerSwitch) {
    let mut memory = PowerCutNvm::new(tillcard_runtime::nvm::RamNvm::default());
    memory
        .write_image(image)
        .expect("an image of a card's memory");
    let power = memory.switch();
    let card = EmulatedCard::new(memory, ChaCha20Rng::seed_from_u64(seed));
    (Box::new(card), power)
}

/// A card that tills and owners hold one after another: it is in one reader at a time.
#[derive(Clone)]
pub struct SharedCard(Rc<RefCell<Held>>);

struct Held {
    slot: Box<dyn CardInSlot>,
    switch: PowerSwitch,
    /// What gives it power now; nothing since its power failed.
    power: Option<Power>,
    /// How often it got power.
    times: u64,
}

/// The power that one reader gives a card, until another does, or it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power(u64);

/// The card isn't there, or lost its power.
pub struct PowerFailed;

impl SharedCard {
    /// A card with this memory.
    pub fn new(make: MakeCard<'_>, image: &[u8], seed: u64) -> Self {
        let (slot, switch) = make(image, seed);
        Self(Rc::new(RefCell::new(Held {
            slot,
            switch,
            power: None,
            times: 0,
        })))
    }

    /// Gives it power anew: it begins a session, and is gone from wherever it was.
    pub fn power_on(&self) -> Power {
        let held = &mut *self.0.borrow_mut();
        held.slot.power_off();
        held.times += 1;
        let power = Power(held.times);
        // One that can't start answers nothing.
        held.power = held.slot.power_on().is_ok().then_some(power);
        power
    }

    /// The same in the reader that gave it this power.
    ///
    /// # Errors
    /// When it was put into another one since.
    pub fn power_again(&self, power: Power) -> Result<Power, PowerFailed> {
        if self.0.borrow().times != power.0 {
            return Err(PowerFailed);
        }
        Ok(self.power_on())
    }

    /// Takes this power away, if it still has it.
    pub fn power_off(&self, power: Power) {
        let held = &mut *self.0.borrow_mut();
        if held.power == Some(power) {
            held.slot.power_off();
            held.power = None;
        }
    }

    /// One command and its answer.
    ///
    /// # Errors
    /// When the card hasn't this power, or loses it: after so many bytes of its memory were changed, if
    /// a number is given.
    pub fn transmit(
        &self,
        power: Power,
        command: &[u8],
        torn_after: Option<u64>,
    ) -> Result<Vec<u8>, PowerFailed> {
        let held = &mut *self.0.borrow_mut();
        if held.power != Some(power) {
            return Err(PowerFailed);
        }
        if let Some(bytes) = torn_after {
            held.switch.cut_after(bytes);
        }
        let answer = held.slot.transmit(command).map(<[u8]>::to_vec);
        held.switch.mend();
        held.power = answer.is_ok().then_some(power);
        answer.map_err(|_| PowerFailed)
    }

    /// Its memory.
    pub fn image(&self) -> Vec<u8> {
        let snapshot = self.0.borrow_mut().slot.snapshot();
        snapshot.expect("RAM can be read").as_bytes().to_vec()
    }
}
