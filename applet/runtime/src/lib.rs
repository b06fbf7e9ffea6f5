//! What any smart card needs, whatever its applications: framing of APDUs, a dispatcher, a journal
//! on NVM that survives a power cut at any byte, and a random source with its health test.
//!
//! ```text
//! APDU → framing → class policy → dispatcher → application → journal → region of the NVM
//! ```
//!
//! The crate knows no application. A [`Card`] hosts several; each keeps its records in a
//! [region](nvm::Region) of one NVM, draws from one random source, and is told of every reset.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

mod application;
mod card;
mod class;
mod dispatch;
mod framing;
pub mod journal;
pub mod nvm;
mod random;
mod shared;

pub use application::{Application, Applications};
pub use card::Card;
pub use class::ClassPolicy;
pub use random::{Failed, Random};
pub use shared::Shared;
