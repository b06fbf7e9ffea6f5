//! A question that isn't really put has no PASS, and no FAIL.

use crate::shim::{Shimmed, honest};
use std::fs;
use std::path::Path;
use std::process::Command;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::Report;
use tillcard_conform::runner::run_silently;

/// Where the capabilities tell the most inputs of the owner's signing.
const SIGN_INPUTS_AT: usize = 28;

/// Cards that declare to sign so many inputs at once.
fn signing_at_once(inputs: u8, filters: &[&str]) -> Report {
    let cards = Shimmed::new("a card that signs few inputs at once", move || {
        Box::new(move |card, command| {
            let mut answer = honest(card, command);
            if command.starts_with(&[0x00, 0xCA, 0x01, 0x01]) && answer.len() > SIGN_INPUTS_AT {
                answer[SIGN_INPUTS_AT] = inputs;
            }
            Ok(answer)
        })
    });
    run_silently(Box::new(cards), 1, filters)
}

fn assert_not_put(report: &Report, id: &str) {
    let case = report.cases.iter().find(|case| case.id == id).unwrap();
    let reason = case.reason.as_deref().unwrap_or_default();
    assert_eq!(case.verdict, Verdict::Inconclusive, "{id}: {reason}");
    assert!(reason.contains("the question wasn't put"), "{reason}");
    assert!(!report.is_clean());
    let line = report.not_put().unwrap();
    assert!(line.contains(id), "{line}");
}

#[test]
fn too_few_samples_are_no_answer() {
    assert_not_put(&signing_at_once(16, &["TC-KEY-07"]), "TC-KEY-07");
    assert_not_put(&signing_at_once(1, &["TC-KEY-09"]), "TC-KEY-09");
}

#[test]
fn a_card_that_answers_nothing_has_no_clean_leak_sweep() {
    let mute = Shimmed::by("a card that answers status words alone", |card, command| {
        let answer = honest(card, command);
        answer[answer.len() - 2..].to_vec()
    });
    let report = run_silently(Box::new(mute), 1, &["TC-KEY-05"]);
    assert_eq!(report.summary[&Verdict::Pass.to_string()], 0);
}

#[test]
fn the_summary_names_what_was_not_put() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    program.args([
        "run", "--target", "emulator", "--level", "D0", "--filter", "ANC",
    ]);
    let ran = program.arg("--report").arg(folder.path()).output().unwrap();
    assert_eq!(ran.status.code(), Some(1));
    let said = String::from_utf8(ran.stdout).unwrap();
    let line = "Questions that weren't put: TC-ANC-01, TC-ANC-03, TC-ANC-02";
    assert!(said.contains(line), "{said}");
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("TC-ANC-01, TC-ANC-03, TC-ANC-02"));
}

/// What a case needs of its own plan, and what its model expects, is no property of the card.
fn misplaced(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            misplaced(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        for required in text.split("require!(").skip(1) {
            let reason = required.split(");").next().unwrap_or_default();
            if reason.contains("the case needs") || reason.contains("its model") {
                found.push(format!("{}: {reason}", path.display()));
            }
        }
    }
}

#[test]
fn what_a_case_needs_is_no_fault_of_the_card() {
    let mut found = Vec::new();
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    misplaced(&sources, &mut found);
    assert!(found.is_empty(), "put!, not require!: {found:#?}");
}
