//! Everything that makes the Tillcard applet a card in a reader.
//!
//! - [`nvm`]: the card's memory on the disk, in one sled database with a tree for each card
//! - [`slot`]: what a card in a slot is, and how layers wrap it: the seam of this crate
//! - [`card`]: the reference card in a slot, with its memory and its randomness
//! - [`layers`]: cards around a card
//! - `control`: readers and cards over HTTP, for tests in any language (feature `control`)
//! - [`pcsc_socket`]: readers of our own, which PC/SC programs find without pcscd
//! - [`redacted`]: what of an APDU may be logged
//! - [`replay`](mod@replay): giving a card again what a trace has
//! - [`test_cards`]: cards in the state that a test needs, by name
//! - [`tray`]: test cards beside readers of our own, for a test's hands: [`Reader`]
//! - [`vpcd`]: the link to vpcd, which shows a card to every PC/SC program of the machine
//!
//! The program `tillcard-emu` puts them together; `docs/emulator.md` is its guide.
//!
//! ```
//! use tillcard_emu::{CardInSlot, EmulatedCard, Seed};
//!
//! let mut card = EmulatedCard::ephemeral(Seed::Number(1))?;
//! card.power_on()?;
//! let select = [0x00, 0xA4, 0x04, 0x00, 9, 0xF0, b'T', b'I', b'L', b'L', b'C', b'A', b'R', b'D', 0];
//! let answer = card.transmit(&select)?;
//! assert!(answer.ends_with(&[0x90, 0x00]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An emulated card protects no money: whoever can read its store, or the memory of its process,
//! has its keys.

pub mod card;
#[cfg(feature = "control")]
pub mod control;
pub mod layers;
pub mod nvm;
pub mod pcsc_socket;
pub mod redacted;
pub mod replay;
pub mod seed;
pub mod slot;
pub mod test_cards;
pub mod tray;
pub mod vpcd;

pub use card::EmulatedCard;
pub use seed::Seed;
pub use slot::CardInSlot;
pub use tray::Reader;
