//! Faulty cards: each must fail the cases that are there for its defect.
//!
//! Every defect is a driver between the suite and the reference card. It shows that the intended
//! case asks its question; the catalogue's own run shows that the reference card passes it.

mod channels;
mod coins;
mod drivers;
mod ends;
mod framing;
mod keys;
mod owner;
mod payments;
mod personal;
mod pins;
mod policies;
mod rights;
mod rules;
mod sentences;
mod statements;
#[path = "../support/mod.rs"]
mod support;

use channels::CHANNELS;
use coins::COINS;
use ends::ENDS;
use framing::FRAMING;
use keys::KEYS;
use owner::OWNER;
use payments::PAYMENTS;
use personal::PERSONAL;
use pins::PINS;
use policies::POLICIES;
use rights::RIGHTS;
use rules::RULES;
use sentences::SENTENCES;
use statements::STATEMENTS;
use support::{Defect, Faulty, run_cases};
use tillcard_conform::outcome::Verdict;

fn check(defects: &[Defect]) {
    let mut missed = Vec::new();
    for defect in defects {
        let target = Faulty {
            defect: *defect,
            cards: 0,
        };
        let report = run_cases(Box::new(target), 3, defect.caught_by);
        assert_eq!(
            report.cases.len(),
            defect.caught_by.len(),
            "{}",
            defect.name
        );
        for case in report.cases {
            if case.verdict != Verdict::Fail {
                missed.push(format!(
                    "{}: {} is {} {}",
                    defect.name,
                    case.id,
                    case.verdict,
                    case.reason.unwrap_or_default()
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{:#?}", missed);
}

#[test]
fn faulty_pins_fail() {
    check(PINS);
}

#[test]
fn faulty_framing_fails() {
    check(FRAMING);
}

#[test]
fn faulty_keys_and_authority_fail() {
    check(KEYS);
}

#[test]
fn faulty_entries_fail() {
    check(COINS);
}

#[test]
fn faulty_payments_fail() {
    check(PAYMENTS);
}

#[test]
fn faulty_rules_fail() {
    check(RULES);
}

#[test]
fn faulty_owner_commands_fail() {
    check(OWNER);
}

#[test]
fn faulty_changes_and_readings_of_the_owner_fail() {
    check(RIGHTS);
}

#[test]
fn faulty_keys_of_their_own_fail() {
    check(PERSONAL);
}

#[test]
fn cards_that_read_the_text_otherwise_fail() {
    check(SENTENCES);
}

#[test]
fn faulty_statements_fail() {
    check(STATEMENTS);
}

#[test]
fn faulty_ends_fail() {
    check(ENDS);
}

#[test]
fn faulty_channels_fail() {
    check(CHANNELS);
}

#[test]
fn faulty_policies_fail() {
    check(POLICIES);
}

const ALL: [&[Defect]; 14] = [
    PINS, FRAMING, KEYS, COINS, PAYMENTS, RULES, OWNER, RIGHTS, PERSONAL, STATEMENTS, ENDS,
    CHANNELS, POLICIES, SENTENCES,
];

#[test]
fn every_case_catches_a_defect() {
    let caught: Vec<&str> = ALL
        .iter()
        .flat_map(|defects| {
            defects
                .iter()
                .flat_map(|defect| defect.caught_by.iter().copied())
        })
        .collect();
    let idle: Vec<&str> = tillcard_conform::catalogue::all()
        .map(|case| case.id)
        .filter(|id| !caught.contains(id))
        .collect();
    assert!(
        idle.is_empty(),
        "no faulty card shows that these can fail: {idle:?}"
    );
}

#[test]
fn no_two_defects_have_one_name() {
    let mut names: Vec<&str> = ALL
        .iter()
        .flat_map(|defects| defects.iter().map(|defect| defect.name))
        .collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 60, "{count} defects");
}
