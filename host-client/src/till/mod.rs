//! The shop's till: asks a card to pay, checks what the card wrote, hands it to the network and
//! waits until it is settled.
//!
//! The till is watch-only. It knows an address to be paid at, and holds no key of anybody; a PIN
//! passes through it once, in memory that is zeroized.

mod attempt;
mod check;
mod coins;
mod event;
mod journal;
mod meeting;
mod office;
mod payment;
mod pin;
mod statement;
mod words;

pub use check::{CheckError, check_payment};
pub use event::{Decline, Event};
pub use journal::{Journal, JournalError, Record, RecordState};
pub use meeting::CardRules;
pub use office::Office;
pub use payment::{CardSource, Outcome, PaymentTerms, Till, TillError};
pub use pin::{PinError, PinSource, StandardInput};
pub use statement::{Lack, SPARE_BLOCKS};
