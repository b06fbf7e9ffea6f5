//! The Tillcard smart card: a Bitcoin card that writes its own payments.
//!
//! A command APDU in, a response APDU out, plus persistent writes through one
//! seam. Nothing here needs an operating system, an allocator or a clock, so it
//! would run on a secure element or a token as it does in the emulator.
//!
//! ```text
//! framing → dispatcher → secure messaging → parsed command → handler → journal
//! ```
//!
//! The text that this implements is `docs/protocol.md`.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod capacities;
pub mod configuration;

mod application;
mod card;
mod coin_reading;
mod key;
mod messaging;
mod payment;
pub mod persistent;
mod signing_stream;
mod transaction_parser;
mod varint;
mod volatile;

pub use application::Tillcard;
pub use card::{ANSWER_MAX, ATR, Card, RESPONSE_MAX, Response};
pub use configuration::{Configuration, Networks};
