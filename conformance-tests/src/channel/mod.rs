//! The secure channel, by the suite itself: SCP11b opens it (section 2.6), SCP03 protects what goes
//! through it (section 2.7). AES, CMAC, CBC and the curve are the RustCrypto crates'; all else is
//! written from the text.
//!
//! [`Channel`] is the client's end. What both ends have in common is public, for tests in which a
//! faulty card has the other one.

mod keys;
mod messaging;

pub use keys::{AES_KEY, Ephemeral, Keys, agree, compressed, mac};
pub use messaging::{Channel, MAC, Shape, answer_mac, crypt, is_protected, pad, unpad};
