//! The owner's wallet and the shop's till for Tillcards.

pub mod chain;
