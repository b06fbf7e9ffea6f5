//! Cards that can't be tested are named at the first case, and end the run.

use crate::shim::{Shimmed, honest};
use tillcard_conform::card_under_test::EmulatorTarget;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::Report;
use tillcard_conform::runner::run_silently;

fn other_card() -> Shimmed {
    Shimmed::by(
        "a card of another application",
        |_, command| match command {
            [_, 0xA4, ..] => vec![0x6A, 0x82],
            _ => vec![0x6D, 0x00],
        },
    )
}

fn issued() -> Shimmed {
    Shimmed::by(
        "a card that was issued before",
        |card, command| match command {
            [0x00, 0xCA, 0x01, 0x00, ..] => {
                vec![0x80, 1, 1, 0x81, 1, 3, 0x82, 1, 2, 0x83, 1, 0, 0x90, 0x00]
            }
            _ => honest(card, command),
        },
    )
}

fn terminated() -> Shimmed {
    Shimmed::by(
        "a card whose life has ended",
        |card, command| match command {
            [0x00, 0xCA, 0x01, 0x00, ..] => vec![0x80, 1, 2, 0x90, 0x00],
            _ => honest(card, command),
        },
    )
}

/// Runs the whole catalogue on such cards: one case has a verdict, INCONCLUSIVE, with the reason
/// for the end of the run.
fn ended(cards: Shimmed, code: &str, told: &str) -> Report {
    let report = run_silently(Box::new(cards), 1, &[]);
    let ended = report.ended.as_ref().expect("the run ends");
    assert_eq!(
        (ended.code.as_str(), ended.reason.contains(told)),
        (code, true),
        "{ended:?}"
    );
    let [case] = report.cases.as_slice() else {
        panic!("{} cases", report.cases.len());
    };
    assert_eq!(case.verdict, Verdict::Inconclusive);
    assert!(
        case.reason
            .as_ref()
            .is_some_and(|reason| reason.contains(told))
    );
    assert!(!report.complete && !report.is_clean() && !report.conforms);
    report
}

#[test]
fn a_card_without_the_application_is_named_as_such() {
    let report = ended(
        other_card(),
        "no-application",
        "no Tillcard application: SELECT answered 6A82",
    );
    let card = report.card.unwrap();
    assert_eq!((card.select.as_str(), card.protocol), ("6A82", None));
}

#[test]
fn a_card_that_was_issued_before_is_named_as_such() {
    let told = "this card is issued already: network 3, 2 PIN tries left";
    ended(issued(), "already-issued", told);
    ended(
        terminated(),
        "already-terminated",
        "this card is terminated",
    );
}

#[test]
fn the_report_says_which_card_it_was() {
    let report = run_silently(Box::new(EmulatorTarget), 1, &["TC-PIN-03"]);
    let card = report.card.unwrap();
    assert!(
        card.atr.starts_with("3B8E") && card.select.starts_with("6F"),
        "{card:?}"
    );
    assert_eq!(card.status, "8001009000");
    assert!(card.capabilities.starts_with("8002") && card.capabilities.ends_with("9000"));
    assert_eq!(card.protocol, Some(report.protocol));
    assert_eq!((report.reader, report.emulator), (None, Some(report.suite)));
    assert!(report.host.contains("Linux") && report.started.ends_with('Z'));
}
