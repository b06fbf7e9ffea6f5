//! The owner's wallet and the shop's till for Tillcards.

pub mod card;
pub mod chain;
pub mod cli;
#[cfg(feature = "regtest")]
pub mod demo;
pub mod owner;
pub mod scan;
pub mod text;
pub mod till;
pub mod transport;
