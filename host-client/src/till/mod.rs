//! The shop's till: asks a card to pay, checks what the card wrote, hands it to the network and
//! waits until it is settled.
//!
//! The till is watch-only. It knows an address to be paid at, and holds no key of anybody; a PIN
//! passes through it once, in memory that is zeroized.

mod attempt;
mod coins;
mod event;
mod meeting;
mod payment;
mod payment_store;
mod pin;
mod refusal;
mod settlement;
mod statement;

pub use event::{Decline, Event};
pub use meeting::CardRules;
pub use payment::{CardSource, Outcome, PaymentTerms, Till, TillError};
pub use payment_store::{PaymentRecord, PaymentState, PaymentStore, PaymentStoreError};
pub use pin::{PinError, PinSource};
pub use settlement::Settlement;
pub use statement::{Missing, SPARE_BLOCKS};
