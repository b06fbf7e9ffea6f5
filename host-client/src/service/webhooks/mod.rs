//! Webhooks: the service's events, sent to programs elsewhere (`docs/adr/0043-webhooks.md`).
//!
//! An event is in the book before it is sent, and what a webhook has got is there too. So a webhook is a
//! place in the list of events, which moves on when its receiver says that it has the next one.

mod attempt;
mod deliverer;
mod secret;
mod target;

use serde::Serialize;
use utoipa::ToSchema;

use super::moment::Moment;

pub(crate) use attempt::Outcome;
pub(super) use deliverer::run;
pub(crate) use secret::Secret;
pub(crate) use target::{Target, check_kind};

/// A webhook, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Webhook {
    /// Its name.
    pub(crate) id: String,
    /// Where events are sent to.
    pub(crate) url: String,
    /// The kinds that it gets.
    pub(crate) events: Vec<String>,
    /// When it was made.
    pub(crate) created_at: Moment,
    /// False when its receiver has said that it is gone (410): nothing is sent until it is replayed.
    pub(crate) active: bool,
    /// The number of the last event that it has got, or that was given up.
    pub(crate) position: i64,
    /// How many events wait for it.
    pub(crate) waiting: i64,
    /// How many were given up, after three days.
    pub(crate) given_up: i64,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// Why the last one failed.
    pub(crate) reason: Option<String>,
    /// When it is tried again.
    pub(crate) next_try_at: Option<Moment>,
}
