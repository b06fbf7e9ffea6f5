//! Cards that can't be tested are named at the first case, and end the run.

use crate::shim::{Shimmed, honest};
use tillcard_conform::card_under_test::{EmulatorTarget, Link, Target};
use tillcard_conform::failure::{Code, Failure};
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

/// Reference cards, so many of them; the next one doesn't come, for this reason.
struct Few(usize, Code);

impl Target for Few {
    fn name(&self) -> String {
        "few cards".to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        self.0 = (self.0.checked_sub(1)).ok_or_else(|| self.1.because("no other card"))?;
        EmulatorTarget.fresh_card(seed)
    }
}

/// The cases that have a verdict, and the code of the run's end.
fn run_few(cards: usize, code: Code) -> (Vec<Verdict>, Option<String>) {
    let filters = ["TC-RST-03", "TC-RST-04", "TC-RST-08"];
    let report = run_silently(Box::new(Few(cards, code)), 1, &filters);
    let verdicts = report.cases.iter().map(|case| case.verdict).collect();
    (verdicts, report.ended.map(|ended| ended.code))
}

#[test]
fn the_run_ends_where_there_is_no_card_at_first_or_none_any_more() {
    for code in [Code::CardMute, Code::NoCard, Code::ReaderFailed] {
        let first = run_few(0, code);
        assert_eq!(first, (vec![Verdict::Error], Some(code.to_string())));
    }
    for code in [Code::NoCard, Code::ReaderGone, Code::NoTerminal] {
        let (verdicts, ended) = run_few(1, code);
        assert_eq!(verdicts.last(), Some(&Verdict::Error));
        assert_eq!((verdicts.len(), ended), (2, Some(code.to_string())));
    }
    // A card that is mute costs its case.
    let (verdicts, ended) = run_few(1, Code::CardMute);
    assert_eq!((verdicts.len(), ended), (3, None));
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
    let of: Vec<&str> = (card.certificates.iter())
        .map(|certificate| certificate.of.as_str())
        .collect();
    assert_eq!(of, ["batch", "identity", "agreement"]);
    let [batch, identity, agreement] = &card.certificates[..] else {
        panic!("{card:?}");
    };
    assert!(batch.subject.is_some() && identity.subject == agreement.subject);
    assert!(identity.serial.is_some() && identity.serial != agreement.serial);
    assert_ne!(identity.sha256, agreement.sha256);
    assert_eq!((report.reader, report.emulator), (None, Some(report.suite)));
    assert!(report.host.contains("Linux") && report.started.ends_with('Z'));
}
