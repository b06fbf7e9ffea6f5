//! How far a run wears cards, and what is put up with.

use crate::interruption::{one_case, report};
use crate::one_card::OneCard;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;
use tillcard_conform::case::{Case, Level, Start};
use tillcard_conform::catalogue;
use tillcard_conform::failure::Failure;
use tillcard_conform::options::Options;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{CaseReport, Report};
use tillcard_conform::runner::{Progress, run};

struct Quiet;

impl Progress for Quiet {
    fn begins(&mut self, _: &Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &CaseReport) {}
    fn stands(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_run_that_only_reads_leaves_the_memory_as_it_was() {
    let card = OneCard::fresh();
    let memory = || card.0.borrow_mut().memory().unwrap().unwrap();
    let before = memory();
    let report = run(Box::new(card.clone()), &Options::default(), &mut Quiet).unwrap();
    assert!(report.ended.is_none() && report.level == Level::D0);
    let reads = |case: &&CaseReport| case.start == Start::Factory && case.level == Level::D0;
    let (asked, others): (Vec<_>, Vec<_>) = report.cases.iter().partition(reads);
    assert!(asked.len() >= 15, "{} cases", asked.len());
    assert!(
        asked.iter().all(|case| case.verdict == Verdict::Pass),
        "{asked:#?}"
    );
    assert!(
        others
            .iter()
            .all(|case| case.verdict == Verdict::Inconclusive)
    );
    assert_eq!(report.cases.len(), catalogue::all().count());
    assert!(before == memory(), "the memory has changed");
    assert!(
        report.wear.iter().all(|wear| wear.wrong_pins == 0),
        "{:?}",
        report.wear
    );
}

fn suite(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tillcard-conform"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_card_in_a_reader_is_not_worn_without_its_name() {
    for (more, told) in [
        (&["--sacrificial"][..], "--sample"),
        (&["--level", "D1"], "--sample"),
        (&["--level", "D3", "--sample", "A7"], "--sacrificial"),
    ] {
        let ended = suite(&[&["run", "--target", "pcsc:none"], more].concat());
        let said = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(2));
        assert!(
            said.contains("[bad-level]") && said.contains(told),
            "{said}"
        );
    }
}

#[test]
fn the_ledger_knows_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    one_case(folder.path());
    let report = report(folder.path());
    let [wear] = &report.wear[..] else {
        panic!("{} cards", report.wear.len());
    };
    assert_eq!(wear.done.get("ISSUE"), Some(&1), "{wear:?}");
    assert!(wear.pins > 0 && wear.wrong_pins > 0 && wear.wrong_pins < wear.pins);
}

/// Runs TC-FRM-01, which fails with another ATR, and TC-SEL-01 with waivers.
fn waived(waivers: &str, atr: &str) -> (TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("waivers.toml");
    fs::write(&file, waivers).unwrap();
    let path = folder.path().to_str().unwrap();
    let cases = ["--filter", "TC-FRM-01", "--filter", "TC-SEL-01"];
    let how = [
        "--atr",
        atr,
        "--waivers",
        file.to_str().unwrap(),
        "--report",
        path,
    ];
    let ended = suite(&[&["run", "--target", "emulator"], &cases[..], &how].concat());
    (folder, ended)
}

fn waiver(case: &str, until: &str) -> String {
    format!("[[waiver]]\ncase = \"{case}\"\nreason = \"known\"\nuntil = \"{until}\"\n")
}

const REFERENCE: &str = "3B8E018073C001405854696C6C636172648C";

#[test]
fn what_is_waived_fails_the_card_and_not_the_run() {
    let (folder, ended) = waived(&waiver("TC-FRM-01", "9999-12-31"), "3B00");
    let told = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(
        told.contains("TC-FRM-01 fails, and is waived until 9999-12-31. (known)"),
        "{told}"
    );
    assert!(
        told.contains("The card does not conform; what diverges is waived."),
        "{told}"
    );
    let report = report(folder.path());
    assert!(report.has_failures() && !report.conforms && report.is_consistent());
    for (waivers, atr, told) in [
        (
            waiver("TC-FRM-01", "2020-01-01"),
            "3B00",
            "the waiver has expired",
        ),
        (
            waiver("TC-FRM-01", "9999-12-31"),
            REFERENCE,
            "take its waiver away",
        ),
        (
            waiver("TC-SEL-01", "9999-12-31"),
            "3B00",
            "does not conform.\n",
        ),
    ] {
        let (_folder, ended) = waived(&waivers, atr);
        let said = String::from_utf8(ended.stdout).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn a_waiver_names_a_case_a_reason_and_a_day() {
    let unsaid = "[[waiver]]\ncase = \"TC-FRM-01\"\nreason = \" \"\nuntil = \"2030-01-01\"\n";
    for waivers in [
        waiver("TC-XXX-01", "2030-01-01"),
        waiver("TC-FRM-01", "31.12.2030"),
        unsaid.to_owned(),
        "[[waiver]]\ncase = \"TC-FRM-01\"\n".to_owned(),
    ] {
        let (_folder, ended) = waived(&waivers, "3B00");
        assert_eq!(ended.status.code(), Some(2));
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(told.contains("[bad-waiver]"), "{told}");
    }
}
