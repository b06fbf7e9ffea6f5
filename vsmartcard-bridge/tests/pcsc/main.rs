//! The emulator in the real virtual reader: pcscd with the driver vpcd.

#[path = "../support/mod.rs"]
mod support;

mod cards;
mod clients;
mod storm;
