//! The cases, one file for each area of the protocol text or part of it.

pub(crate) mod absent;
pub(crate) mod again;
pub(crate) mod certificates;
pub(crate) mod change;
pub(crate) mod channel_attacks;
pub(crate) mod channel_life;
pub(crate) mod channel_messages;
pub(crate) mod channel_opening;
pub(crate) mod channel_owner;
pub(crate) mod channel_sessions;
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
pub(crate) mod offers;
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
pub(crate) mod policy;
pub(crate) mod random;
pub(crate) mod receiving;
pub(crate) mod refusal_order;
pub(crate) mod resets;
pub(crate) mod resolving;
pub(crate) mod responses;
mod samples;
pub(crate) mod selection;
pub(crate) mod signing;
pub(crate) mod signing_refusals;
mod staged;
pub(crate) mod statements;
pub(crate) mod states;
pub(crate) mod sweeps;
pub(crate) mod terminal;
pub(crate) mod transaction;
pub(crate) mod without_pin;

/// The cases of a file, each a row: its id and version, the card that it needs and what it does to
/// it, the requirements that it is about, its function, its purpose, and the defect that it must
/// catch.
macro_rules! cases {
    ($(
        $id:literal version $version:literal on $start:ident $level:ident
        for [$($requirement:ident)+] runs $run:ident: $purpose:literal catches $defect:literal;
    )+) => {
        pub(crate) const CASES: &[$crate::case::Case] = &[$($crate::case::Case {
            id: $id,
            version: $version,
            purpose: $purpose,
            requirements: &[$($crate::requirements::req::$requirement),+],
            start: $crate::case::Start::$start,
            level: $crate::case::Level::$level,
            defect: $defect,
            run: $run,
        }),+];
    };
}
use cases;

/// What most case files need.
mod prelude {
    pub(super) use super::cases;
    pub(super) use crate::apdu::{Command, LE_SHORT};
    pub(super) use crate::card::{Capability, Card, Entry, Form, Status};
    pub(super) use crate::context::CaseContext;
    pub(super) use crate::model::{Limits, Pin, Request, payee};
    pub(super) use crate::outcome::{At, Outcome, Preamble, Step, Stop, require};
    pub(super) use crate::status::Sw;
    pub(super) use crate::target::Reset;
}
