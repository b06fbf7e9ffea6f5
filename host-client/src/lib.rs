//! The owner's wallet and the shop's till for Tillcards.
//!
//! | module | |
//! |---|---|
//! | [`transport`] | the way to a card: PC/SC readers, or a card in process |
//! | [`card`] | a session with a card, its states as types |
//! | [`chain`] | Bitcoin Core over RPC; with feature `regtest` a private chain in process |
//! | [`genuine`] | whether a manufacturer vouches for a card |
//! | [`owner`] | the wallet with the words: issues cards, fills and blocks them |
//! | [`till`] | has a card pay, checks what it wrote, waits until that is settled |
//! | [`vetting`] | a channel to a card, and whether it is genuine |
//! | [`scan`] | looks for secrets where none may be |
//!
//! A card is told from what it isn't, here without a reader:
//!
//! ```
//! use tillcard::card::{self, Opened};
//! use tillcard::transport::InProcess;
//! use tillcard_emu::{EmulatedCard, Seed};
//!
//! let card = EmulatedCard::ephemeral(Seed::System)?;
//! match card::open(InProcess::connect(card))? {
//!     // An owner issues it: `session.issue(&order)?`.
//!     Opened::Factory(session) => assert_eq!(session.capabilities().tries, 3),
//!     // A holder pays: `session.verify(&pin)?.preview(order)?.pay()?`.
//!     Opened::Issued(_) => unreachable!("it left its manufacturer a moment ago"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Networks other than mainnet are what this is for: the cards are emulated, and the owner's words
//! lie on the disk.

pub mod card;
pub mod chain;
pub mod cli;
#[cfg(feature = "regtest")]
pub mod demo;
pub mod genuine;
pub mod owner;
pub mod scan;
pub mod text;
pub mod till;
pub mod transport;
pub mod vetting;
