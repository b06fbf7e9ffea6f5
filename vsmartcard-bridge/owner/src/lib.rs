//! An owner for cards in tests: what a person's wallet and a shop's till do to a card before a test
//! begins, by the same commands (`docs/protocol.md`).
//!
//! - [`Contact`]: the way to the card
//! - [`Owner`]: issues a card, gives it coins, changes its rights, ends it
//! - [`Owner::pay`]: has it pay, as a shop would
//! - [`Funding`]: where the coins come from: nowhere ([`Invented`]), or a regtest node ([`Faucet`])
//! - [`Owner::sweep`]: takes its coins back without it
//!
//! Everything follows from a number of 32 bytes: the same one makes the same commands. It is no
//! secret, and neither is any key here, so an owner refuses mainnet.

mod account;
mod coins;
mod contact;
mod error;
mod faucet;
mod funding;
mod owner;
mod payments;
mod sweep;

pub use account::Account;
pub use coins::{Coin, funding_transaction, stripped};
pub use contact::Contact;
pub use error::OwnerError;
pub use faucet::Faucet;
pub use funding::{Funding, Invented};
pub use owner::{Owner, Terms};
pub use payments::{SHOP_SCRIPT, ShopRequest};

/// bitcoin's types, of the version that this crate's are of.
pub use bitcoin;
