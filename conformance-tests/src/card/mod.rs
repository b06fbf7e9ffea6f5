//! A card under test: the commands as a case speaks them, and what the suite expects it to hold.
//!
//! Every method that returns an [`Answer`](crate::apdu::Answer) leaves its judgement to the case. Methods that return
//! something else have judged it.

mod coins;
mod issue;
mod owner;
mod payment;
mod pin;
mod session;

pub use coins::Entry;
pub use issue::Host;
pub use session::{AID, Capabilities, Card, Form, Status, VERSION};
