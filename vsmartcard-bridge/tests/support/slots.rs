//! The two slots into which tests put cards: vpcd's, or, in a command that the emulator started with
//! `--cards-from`, those of its own readers.

use std::env;

use tillcard_emu::vpcd::{Address, DEFAULT_PORT};

/// Where the slot of this number is.
pub fn slot(number: u16) -> Address {
    match env::var("TILLCARD_EMU_CARDS_FROM") {
        Ok(addresses) => {
            let mut addresses = addresses.split(',');
            let address = addresses.nth(number.into()).expect("an address each");
            address.parse().expect("an address")
        }
        Err(_) => Address::new("127.0.0.1", DEFAULT_PORT + number),
    }
}
