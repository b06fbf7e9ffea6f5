//! What goes over the wire between a Tillcard and its clients, and nothing else: commands and
//! answers in bytes, status words, and the messages that owner and card sign.
//!
//! Parsing is total: any bytes give a value or an error, and nothing panics. The crate holds no
//! state, knows no card's capacities, and computes with no private key. Card and clients share
//! it; the conformance suite has its own encoders, so that it can disagree.
//!
//! The text that this implements is `docs/protocol.md`.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod command;
pub mod compact_size;
pub mod hash;
pub mod owner;
pub mod pin;
pub mod proof;
pub mod session;
pub mod status;
pub mod tlv;

pub use command::AID;

/// Major and minor version of the protocol that this crate speaks.
pub const VERSION: [u8; 2] = [0, 4];
