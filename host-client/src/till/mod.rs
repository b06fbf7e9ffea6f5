//! The shop's till: asks a card to pay, checks what the card wrote, hands it to the network and
//! waits until it is settled.
//!
//! The till is watch-only. It knows an address to be paid at, and holds no key of anybody; a PIN
//! passes through it once, in memory that is zeroized.
//!
//! What happens to a payment is decided by [`machine`], which does no input or output. [`Till`] and
//! [`Settlement`] drive it, with a reader and without one; another program drives it by [`advance`], as
//! the till's service does.

mod blocks;
mod card_source;
mod coins;
mod counter;
mod decline;
mod driver;
mod error;
mod event;
pub mod machine;
mod meeting;
mod open;
mod payment_store;
mod pin;
mod record;
mod refusal;
mod settlement;
mod shop;
mod statement;

pub use card_source::CardSource;
pub use counter::Counter;
pub use decline::Decline;
pub use driver::{Hand, NoReader, Progress, advance};
pub use error::TillError;
pub use event::Event;
pub use machine::Outcome;
pub use meeting::CardRules;
pub use open::Open;
pub use payment_store::{Claim, PaymentStore, PaymentStoreError};
pub use pin::{PinError, PinSource};
pub use record::{PaymentRecord, PaymentState};
pub use settlement::Settlement;
pub use shop::{PaymentTerms, Till};
pub use statement::{Missing, SPARE_BLOCKS};
