//! The manufacturer's side of a card: its certificates, and how they get onto it
//! (`docs/protocol.md`, sections 3.5 to 3.7).
//!
//! - [`Authority`]: a certificate and its key, as a manufacturer keeps them in files
//! - [`Root`]: certifies batches; [`Batch`]: certifies cards
//! - [`personalise()`]: gives a card its keys and certificates
//! - [`RevocationList`]: the certificates that an authority takes back
//! - [`test_root`]: a root whose key everybody knows, and the batch of the emulator's cards
//!
//! All signatures are ECDSA with SHA-256 on P-256, deterministic (RFC 6979): the same key, names,
//! dates and serial number make the same certificate.

mod authority;
mod card;
mod error;
mod profile;
mod revocation;
pub mod test_root;

pub use authority::{Authority, Batch, Root, new_key};
pub use card::{CardCertificates, is_blank, personalise, store_certificates};
pub use error::PersonaliseError;
pub use p256::ecdsa::SigningKey;
pub use profile::shown_name;
pub use revocation::RevocationList;
pub use tillcard_protocol::command::CardKey;
pub use x509_cert::serial_number::SerialNumber;
pub use x509_cert::time::{Time, Validity};
