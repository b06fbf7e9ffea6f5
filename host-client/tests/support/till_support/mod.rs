//! What the till's tests share: the real card in process, a holder with a PIN, an owner with coins,
//! and a till that notes what it says.

#![allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "each test program uses its own part of this"
)]

pub(crate) mod cards;
mod counter;
pub(crate) mod home;
mod kind;
pub(crate) mod kinds;
pub(crate) mod patience;
pub(crate) mod proof;
mod purse;
pub(crate) mod reluctant;
mod scene;
pub(crate) mod stories;
mod told;
pub(crate) mod trouble;

pub(crate) use counter::{Fingers, Hand};
pub(crate) use kind::{Kind, LIMITS, PIN};
pub(crate) use purse::{
    Mischief, PAY, PAYMENT_STATE, PREVIEW, Purse, QUERY_TRIES, REPORT_ABSENT, VERIFY,
};
pub(crate) use scene::{INVOICE, MERCHANT, Scene};
pub(crate) use told::Told;
