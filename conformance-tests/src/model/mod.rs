//! What a card should do, worked out by the suite itself from the protocol text.

mod payment;
mod pin;
mod profile;
mod purse;

pub use payment::{Limits, MAX_AMOUNT, Request, dust_threshold, fee, is_permitted, payee, size};
pub use pin::Pin;
pub use profile::Profile;
pub use purse::{Coin, Plan, Purse};
