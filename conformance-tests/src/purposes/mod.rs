//! What any card can be asked, of whatever maker: these cases see a [`Driver`], and no command of
//! our protocol. (A case's preparation, and the text's requirement that it is about, are still a
//! Tillcard's: other drivers bring theirs.)
//!
//! [`Driver`]: crate::driver::Driver

pub(crate) mod atr;
pub(crate) mod distinct;
pub(crate) mod equal_times;
pub(crate) mod extended;
pub(crate) mod get_response;
pub(crate) mod headers;
pub(crate) mod leaks;
pub(crate) mod lengths;
pub(crate) mod nonces;
pub(crate) mod pin;
pub(crate) mod pin_lockout;
pub(crate) mod pin_tearing;
pub(crate) mod pin_timing;
pub(crate) mod rank_correlation;
pub(crate) mod sweeps;
pub(crate) mod tearing;

/// What they need.
mod prelude {
    pub(super) use crate::apdu::{Answer, Command};
    pub(super) use crate::card_under_test::Reset;
    pub(super) use crate::cases::cases;
    pub(super) use crate::context::CaseContext;
    pub(super) use crate::driver::{Driver, Presented};
    pub(super) use crate::outcome::{At, Outcome, Preamble, Step, Stop, put, require};
    pub(super) use crate::status::Sw;
}
