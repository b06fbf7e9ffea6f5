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

/// A card that tills and owners hold one after another.
#[derive(Clone)]
pub struct SharedCard(Rc<RefCell<Held>>);

struct Held {
    slot: Box<dyn CardInSlot>,
    power: PowerSwitch,
    /// Since it was put in, or since its power failed.
    has_power: bool,
}

/// What is left of a command whose card lost its power.
pub struct PowerFailed;

impl SharedCard {
    /// A card with this memory.
    pub fn new(make: MakeCard<'_>, image: &[u8], seed: u64) -> Self {
        let (slot, power) = make(image, seed);
        Self(Rc::new(RefCell::new(Held {
            slot,
            power,
            has_power: false,
        })))
    }

    /// Gives it power anew: it begins a session.
    pub fn power_on(&self) {
        let held = &mut *self.0.borrow_mut();
        held.slot.power_off();
        // One that can't start answers nothing.
        held.has_power = held.slot.power_on().is_ok();
    }

    /// Takes its power away.
    pub fn power_off(&self) {
        let held = &mut *self.0.borrow_mut();
        held.slot.power_off();
        held.has_power = false;
    }

    /// One command and its answer.
    ///
    /// # Errors
    /// When the card has no power, or loses it: after so many bytes of its memory were changed, if
    /// a number is given.
    pub fn transmit(
        &self,
        command: &[u8],
        torn_after: Option<u64>,
    ) -> Result<Vec<u8>, PowerFailed> {
        let held = &mut *self.0.borrow_mut();
        if !held.has_power {
            return Err(PowerFailed);
        }
        if let Some(bytes) = torn_after {
            held.power.cut_after(bytes);
        }
        let answer = held.slot.transmit(command).map(<[u8]>::to_vec);
        held.power.mend();
        held.has_power = answer.is_ok();
        answer.map_err(|_| PowerFailed)
    }

    /// Its memory.
    pub fn image(&self) -> Vec<u8> {
        let snapshot = self.0.borrow_mut().slot.snapshot();
        snapshot.expect("RAM can be read").as_bytes().to_vec()
    }
}
