//! Everything that makes the Tillcard applet a card in a reader.
//!
//! - [`nvm`]: the card's memory on the disk, in one sled database with a tree for each card
//! - [`card`]: the card itself, with memory, randomness and a count of its APDUs
//! - [`vpcd`]: the link to vpcd, which shows the card to every PC/SC program of the machine
//! - [`inprocess`]: the same card without a reader, for programs that bring their own
//!
//! The program `tillcard-emu` puts them together; `docs/emulator.md` is its guide.
//!
//! ```
//! use tillcard_emu::inprocess::InProcess;
//! use tillcard_emu::{EmulatedCard, Seed};
//!
//! let mut card = InProcess::new(EmulatedCard::ephemeral(Seed::Number(1))?);
//! card.connect();
//! let select = [0x00, 0xA4, 0x04, 0x00, 9, 0xF0, b'T', b'I', b'L', b'L', b'C', b'A', b'R', b'D', 0];
//! let answer = card.transmit(&select)?;
//! assert!(answer.ends_with(&[0x90, 0x00]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An emulated card protects no money: whoever can read its store, or the memory of its process,
//! has its keys.

pub mod card;
pub mod data_folder;
pub mod inprocess;
pub mod nvm;
pub mod personalise;
pub mod seed;
pub mod vpcd;

pub use card::EmulatedCard;
pub use seed::Seed;
