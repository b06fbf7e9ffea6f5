//! What a killed emulator left on the disk.

use std::collections::BTreeMap;
use std::path::Path;

use embedded_storage::nor_flash::ReadNorFlash;
use rand_chacha::ChaCha20Rng;
use tillcard_applet::journal::{Journal, Key, RECORD_MAX};
use tillcard_applet::nvm::{NVM_SIZE, RamNvm, TornNvm};
use tillcard_applet::persistent::KEYS;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::Store;
use tillcard_emu::{EmulatedCard, Seed};

/// Everything that a card remembers, record by record.
pub type Memory = BTreeMap<Key, Vec<u8>>;

/// A card in RAM that counts the bytes that it writes.
pub type Counting = EmulatedCard<TornNvm<RamNvm>>;

/// Opens the store as the next emulator would, and copies the card's NVM.
pub fn image(store: &Path) -> RamNvm {
    let store = Store::open(store).unwrap();
    let nvm = store.card(DEFAULT_NAME).unwrap();
    RamNvm::from_bytes(nvm.image().try_into().unwrap())
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
pub fn revive(nvm: &RamNvm) -> Counting {
    EmulatedCard::new(TornNvm::counting(nvm.clone()), generator())
}

/// A copy of a card's NVM.
pub fn copy(card: &mut Counting) -> RamNvm {
    let mut bytes = [0; NVM_SIZE];
    card.nvm_mut().read(0, &mut bytes).unwrap();
    RamNvm::from_bytes(bytes)
}

fn generator() -> ChaCha20Rng {
    Seed::Number(1).generator(DEFAULT_NAME, 0).unwrap()
}
