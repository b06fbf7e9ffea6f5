//! The cases, one file for each area of the protocol text or part of it.

pub(crate) mod after_resets;
pub(crate) mod amount_edges;
pub(crate) mod ancestors;
pub(crate) mod both_chains;
pub(crate) mod certificates;
pub(crate) mod change_owner_key;
pub(crate) mod channel_attacks;
pub(crate) mod channel_edges;
pub(crate) mod channel_life;
pub(crate) mod channel_messages;
pub(crate) mod channel_opening;
pub(crate) mod channel_sessions;
pub(crate) mod compared_whole;
pub(crate) mod damaged_memory;
pub(crate) mod enter_coin;
pub(crate) mod enter_coin_marks;
pub(crate) mod enter_coin_parsing;
pub(crate) mod enter_coin_refusals;
pub(crate) mod enter_coin_sessions;
pub(crate) mod enter_credit;
pub(crate) mod every_element;
pub(crate) mod factory_reset;
pub(crate) mod framing;
pub(crate) mod framing_fields;
pub(crate) mod framing_refusal_order;
pub(crate) mod full_log;
pub(crate) mod genuineness;
pub(crate) mod get_data;
pub(crate) mod interleaving;
pub(crate) mod issue;
pub(crate) mod issue_imported;
pub(crate) mod keys;
pub(crate) mod large_numbers;
pub(crate) mod last_change_index;
pub(crate) mod life_cycle;
mod life_cycle_owner;
pub(crate) mod many_coins;
pub(crate) mod nonce_timing;
pub(crate) mod nonces;
pub(crate) mod owner_authority;
pub(crate) mod owner_commands;
pub(crate) mod owner_sessions;
pub(crate) mod pay;
pub(crate) mod pay_again;
pub(crate) mod pay_change;
pub(crate) mod pay_fuzz;
pub(crate) mod pay_inputs;
pub(crate) mod pay_limits;
pub(crate) mod pay_refusals;
pub(crate) mod pay_source;
pub(crate) mod pay_terminal;
pub(crate) mod pay_transaction;
pub(crate) mod pay_without_pin;
pub(crate) mod payment_state;
pub(crate) mod personalisation;
pub(crate) mod power_cuts;
pub(crate) mod power_cuts_books;
pub(crate) mod power_cuts_more;
pub(crate) mod power_failures;
pub(crate) mod preview_offers;
pub(crate) mod random_source;
pub(crate) mod read_account;
pub(crate) mod read_coins;
pub(crate) mod read_log;
pub(crate) mod receive_script;
pub(crate) mod report_absent;
pub(crate) mod report_absent_counted;
pub(crate) mod reset_retry_counter;
pub(crate) mod resolve;
pub(crate) mod retired_rows;
pub(crate) mod samples;
pub(crate) mod select;
pub(crate) mod sessions_mixed;
pub(crate) mod set_limits;
pub(crate) mod set_policy;
pub(crate) mod set_policy_open;
pub(crate) mod sign;
pub(crate) mod sign_after_statement;
pub(crate) mod sign_inputs;
pub(crate) mod sign_refusals;
pub(crate) mod sign_sessions;
mod staged;
pub(crate) mod statement;
pub(crate) mod statement_last_pay;
pub(crate) mod states;
pub(crate) mod streams;
pub(crate) mod termination;
pub(crate) mod tries_kept;
pub(crate) mod undeclared_capabilities;
pub(crate) mod verify;

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
pub(crate) use cases;

/// What most case files need.
mod prelude {
    pub(super) use super::cases;
    pub(super) use crate::apdu::{Command, LE_SHORT};
    pub(super) use crate::card::{Capability, Card, Entry, Form, Status};
    pub(super) use crate::card_under_test::Reset;
    pub(super) use crate::context::CaseContext;
    pub(super) use crate::model::{Limits, Pin, Request, payee};
    pub(super) use crate::outcome::{At, Outcome, Preamble, Step, Stop, put, require};
    pub(super) use crate::status::Sw;
}
