//! What the tests, fuzzers and benches of several crates share. Nothing that is shipped depends on
//! it; `tests/it/walls.rs` holds every crate to that, and to its own list of what it must not know.
//!
//! With the feature `card`: a card in a reader, a client of the channel, a host that knows all keys,
//! a random source that does as it is told, an NVM whose power fails, and others that fail silently.
//! It needs no more than the card does, so that the fuzzers and the program that measures the stack
//! build quickly. The part of that program that runs on a Cortex-M4 has neither an allocator nor
//! `std`, and takes nothing from here.
//!
//! With the feature `oracle`: the model of the protocol's text, and an owner, on rust-bitcoin. The
//! owner that checks transactions stays with the card's tests (`applet/tests/support`).

#![allow(
    missing_docs,
    reason = "each module says what it is for; its readers write tests"
)]

#[cfg(feature = "card")]
pub mod card;
#[cfg(feature = "card")]
pub mod channel;
#[cfg(feature = "card")]
pub mod faults;
#[cfg(feature = "card")]
pub mod host;
#[cfg(feature = "oracle")]
pub mod oracle;
#[cfg(feature = "card")]
pub mod random;
pub mod ratio;
#[cfg(feature = "card")]
pub mod torn;
