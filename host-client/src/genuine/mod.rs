//! Whether a card is one that a manufacturer vouches for (`docs/protocol.md`, sections 3.5 to 3.8
//! and 7.8).
//!
//! - [`Checker`]: whom to trust and what was taken back; checks the certificates that a card gives,
//!   and tells the card's key
//! - [`check_proof`]: the answer of INTERNAL AUTHENTICATE, by which a card proves that it has its
//!   identity key
//! - [`check_statement`]: what a card says of a payment
//!
//! Certificates are those of RFC 5280, checked by webpki; signatures are ECDSA with SHA-256 on
//! P-256, and no others.

mod bundle;
mod check;
mod claimed;
mod error;
mod lists;
mod proof;
mod roots;
mod signature;

pub use check::{Checker, Vouched};
pub use claimed::claimed_key;
pub use error::GenuineError;
pub use proof::{StatedInput, StatedLeaf, Statement, check_proof, check_statement};
pub use tillcard_protocol::command::{CardKey, NONCE_LENGTH, Point};
pub use tillcard_protocol::session::Session as SessionId;
