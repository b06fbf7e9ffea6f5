//! Looks for secrets where none may be: in a process' memory, in files, in what a program printed.
//!
//! ```text
//! Secrets ──▶ forms: raw, reversed, hex; a PIN in ASCII, digit values, BCD
//!    └─▶ search ◀── bytes ◀── Snapshot of a process │ files of a folder │ captured output
//! ```
//!
//! A scan that finds nothing proves something only if the same scanner finds a secret where there
//! is one: whoever uses this shows that too.

mod files;
mod memory;
mod secret;

pub use files::{Searched, search_folder};
pub use memory::{Region, Snapshot, SnapshotError};
pub use secret::{Finding, Secrets};
