//! What a killed emulator left on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use tillcard_applet::persistent::KEYS;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::layers::Counted;
use tillcard_emu::nvm::{PowerCutNvm, PowerSwitch, Store};
use tillcard_emu::slot::Layer;
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};
use tillcard_runtime::journal::{Journal, Key, RECORD_MAX};
use tillcard_runtime::nvm::RamNvm;

use super::contacts::powered;

/// Everything that a card remembers, record by record.
pub type Memory = BTreeMap<Key, Vec<u8>>;

/// A powered card in RAM, with a count of the bytes that it changes.
pub struct Revived {
    pub card: Counted<EmulatedCard<PowerCutNvm<RamNvm>>>,
    switch: PowerSwitch,
}

impl Revived {
    /// Bytes that the card changed since it was revived.
    pub fn changed(&self) -> u64 {
        self.switch.changed()
    }

    /// A copy of the card's NVM.
    pub fn copy(&mut self) -> RamNvm {
        ram(self.card.snapshot().unwrap().as_bytes())
    }
}

impl Layer for Revived {
    type Inner = Counted<EmulatedCard<PowerCutNvm<RamNvm>>>;

    fn inner(&self) -> &Self::Inner {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut Self::Inner {
        &mut self.card
    }
}

/// Opens the store as the next emulator would, and copies the card's NVM.
pub fn image(store: &Path) -> RamNvm {
    let store = Store::open(store).unwrap();
    let nvm = store.card(DEFAULT_NAME).unwrap();
    ram(nvm.image())
}

/// What the card remembers, read without writing anything.
pub fn memory(nvm: &RamNvm) -> Memory {
    let mut journal = Journal::<_, KEYS>::open(nvm.clone());
    let mut buffer = [0; RECORD_MAX];
    (0..Key::try_from(KEYS).unwrap())
        .filter_map(|key| Some((key, journal.read(key, &mut buffer).unwrap()?.to_vec())))
        .collect()
}

/// A card with its own randomness on a copy of an NVM.
pub fn revive(nvm: &RamNvm) -> Revived {
    let nvm = PowerCutNvm::new(nvm.clone());
    let switch = nvm.switch();
    let rng = Seed::Number(1).generator(DEFAULT_NAME, 0).unwrap();
    let card = Counted::new(powered(EmulatedCard::new(nvm, rng)));
    Revived { card, switch }
}

fn ram(image: &[u8]) -> RamNvm {
    RamNvm::from_bytes(image.try_into().unwrap())
}
