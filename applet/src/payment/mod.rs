//! Payments that the card writes itself (`docs/protocol.md`, section 7).

mod choice;
mod draft;
mod script;

pub use choice::{Candidates, Plan};
pub use draft::{Draft, Input, Signatures};
pub use script::{PAYEE_SCRIPT_MAX, PayeeScript};

/// Least change, in sat: less becomes fee. Bitcoin Core's dust threshold of a
/// P2TR output at 3000 sat/kvB.
pub const MIN_CHANGE: u64 = 330;
