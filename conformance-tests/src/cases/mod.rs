//! The cases, one file for each area of the protocol text or part of it.

pub(crate) mod absent;
pub(crate) mod again;
pub(crate) mod certificates;
pub(crate) mod change;
pub(crate) mod credits;
pub(crate) mod cuts;
pub(crate) mod damage;
pub(crate) mod ends;
pub(crate) mod entry;
pub(crate) mod entry_parsing;
pub(crate) mod entry_refusals;
pub(crate) mod entry_sessions;
pub(crate) mod fields;
pub(crate) mod framing;
pub(crate) mod genuine;
pub(crate) mod headers;
pub(crate) mod image;
pub(crate) mod importing;
pub(crate) mod information;
pub(crate) mod issuing;
pub(crate) mod keys;
mod life_owner;
pub(crate) mod limits;
pub(crate) mod lives;
pub(crate) mod log;
pub(crate) mod owner;
pub(crate) mod owner_key;
pub(crate) mod owner_pin;
pub(crate) mod owner_reads;
pub(crate) mod payment;
pub(crate) mod payment_limits;
pub(crate) mod payment_refusals;
pub(crate) mod persistence;
pub(crate) mod personal;
pub(crate) mod pin;
pub(crate) mod pin_lockout;
pub(crate) mod pin_timing;
pub(crate) mod places;
pub(crate) mod pledges;
pub(crate) mod random;
pub(crate) mod receiving;
pub(crate) mod resets;
pub(crate) mod resolving;
pub(crate) mod responses;
mod samples;
pub(crate) mod selection;
pub(crate) mod signing;
pub(crate) mod signing_refusals;
pub(crate) mod statements;
pub(crate) mod states;
pub(crate) mod sweeps;
pub(crate) mod terminal;
pub(crate) mod transaction;
pub(crate) mod without_pin;

/// What most case files need.
mod prelude {
    pub(super) use crate::apdu::{Command, LE_SHORT};
    pub(super) use crate::bench::Bench;
    pub(super) use crate::card::{Capability, Card, Entry, Form, Status};
    pub(super) use crate::case::{Case, Level, Start};
    pub(super) use crate::model::{Limits, Pin, Request, payee};
    pub(super) use crate::outcome::{At, Outcome, Preamble, Step, Stop, require};
    pub(super) use crate::requirements::req;
    pub(super) use crate::status::Sw;
    pub(super) use crate::target::Reset;

    pub(super) use crate::values::request;
}
