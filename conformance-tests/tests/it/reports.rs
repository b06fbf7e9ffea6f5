//! Reports are what their schema says, and JUnit tools can read them.

use crate::shim::{Shimmed, honest};
use bitcoin::hashes::{Hash, sha256};
use boon::{Compiler, Schemas};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};
use tillcard_conform::catalogue;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{Report, junit};
use tillcard_conform::runner::run_silently;

/// A card that can't be issued: some cases pass, some fail, most can't ask their question.
fn no_issue() -> Shimmed {
    let name = "a card that can't be issued, in a reader called <\"&\u{1}";
    Shimmed::by(name, |card, command| {
        if command.starts_with(&[0x80, 0x10]) {
            vec![0x6A, 0x80]
        } else {
            honest(card, command)
        }
    })
}

fn mixed() -> Report {
    run_silently(Box::new(no_issue()), 1, &["TC-ISS", "TC-SEL"])
}

fn assert_valid(json: &str) -> Value {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report.schema.json");
    let mut schemas = Schemas::new();
    let compiled = Compiler::new()
        .compile(schema.to_str().unwrap(), &mut schemas)
        .unwrap();
    let value: Value = serde_json::from_str(json).unwrap();
    if let Err(error) = schemas.validate(&value, compiled) {
        panic!("{error:#}");
    }
    value
}

#[test]
fn the_json_report_is_what_its_schema_says_and_reads_back() {
    let report = mixed();
    let verdicts = report.verdicts();
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive] {
        assert!(
            verdicts.values().any(|v| *v == verdict),
            "the report needs a {verdict}"
        );
    }
    let json = serde_json::to_string_pretty(&report).unwrap();
    let mut value = assert_valid(&json);
    let back: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(back, report);
    // The schema isn't one that takes everything.
    value["cases"][0]["verdict"] = "GOOD".into();
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report.schema.json");
    let mut schemas = Schemas::new();
    let compiled = Compiler::new()
        .compile(schema.to_str().unwrap(), &mut schemas)
        .unwrap();
    assert!(schemas.validate(&value, compiled).is_err());
}

#[test]
fn junit_counts_what_the_report_counts() {
    let report = mixed();
    let xml = junit(&report).unwrap();
    let document = roxmltree::Document::parse(&xml).unwrap();
    let count = |name: &str| {
        document
            .descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
    };
    let verdict = |verdict: Verdict| report.summary[&verdict.to_string()];
    assert_eq!(count("testcase"), report.cases.len());
    assert_eq!(count("failure"), verdict(Verdict::Fail));
    assert_eq!(
        count("error"),
        verdict(Verdict::Inconclusive) + verdict(Verdict::Error)
    );
    assert_eq!(count("skipped"), verdict(Verdict::NotApplicable));
    let root = document.root_element();
    assert_eq!(
        root.attribute("tests"),
        Some(report.cases.len().to_string().as_str())
    );
    assert_eq!(
        root.attribute("failures"),
        Some(verdict(Verdict::Fail).to_string().as_str())
    );
}

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tillcard-conform"))
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn the_program_writes_its_reports_and_says_how_it_went() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/folder");
    let report = path.to_str().unwrap();
    let mut arguments = vec!["run", "--target", "emulator", "--filter", "PIN"];
    arguments.extend(["--report", report, "--sample", "A7", "--batch", "12"]);
    arguments.extend(["--operator", "N. N."]);
    let ran = program(&arguments);
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let said = String::from_utf8(ran.stdout).unwrap();
    let cases = catalogue::all().filter(|case| case.area() == "PIN").count();
    assert!(
        said.contains(&format!("{cases} of ")) && said.contains(&format!("{cases} PASS")),
        "{said}"
    );
    let json = std::fs::read_to_string(path.join("report.json")).unwrap();
    let told = assert_valid(&json);
    assert_eq!(told["target"], "emulator");
    let sample = serde_json::json!({ "serial": "A7", "batch": "12", "operator": "N. N." });
    assert_eq!(told["sample"], sample);
    let xml = std::fs::read_to_string(path.join("junit.xml")).unwrap();
    roxmltree::Document::parse(&xml).unwrap();

    // Every line of the trace is an object; no VERIFY shows its data.
    let trace = std::fs::read_to_string(path.join("trace.jsonl")).unwrap();
    let digest = sha256::Hash::hash(trace.as_bytes()).to_byte_array();
    assert_eq!(told["trace_sha256"], hex::encode_upper(digest));
    let mut verifies = 0;
    for line in trace.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(command) = line["command"].as_str() else {
            continue;
        };
        if command.starts_with("00200080") && command.len() > 8 {
            assert!(command[10..].starts_with("<pin:"), "{command}");
            verifies += 1;
        }
        if command.starts_with("8010") {
            assert!(command.contains("<pin>"), "{command}");
        }
    }
    assert!(verifies > 500, "{verifies} VERIFY in the trace");
}

#[test]
fn the_program_lists_its_cases() {
    let listed = program(&["list", "--json"]);
    let cases: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        cases.as_array().unwrap().len(),
        tillcard_conform::catalogue::all().count()
    );
    let text = String::from_utf8(program(&["list"]).stdout).unwrap();
    assert!(text.contains("TC-PAY-05") && text.contains("PAY-7"));
}

#[test]
fn mistakes_are_told_and_are_no_verdict() {
    for (arguments, told) in [
        (
            &["run", "--target", "emulator", "--filter", "TC-XYZ"][..],
            "TC-XYZ",
        ),
        (&["run", "--target", "card"], "emulator, pcsc"),
        (&["run", "--target", "emulator", "--atr", "3B8"], "--atr"),
    ] {
        let ran = program(arguments);
        assert_eq!(ran.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&ran.stderr).contains(told));
    }
    let wrong = program(&[
        "run",
        "--target",
        "emulator",
        "--atr",
        "3B00",
        "--filter",
        "TC-FRM-01",
    ]);
    assert_eq!(wrong.status.code(), Some(1));
}
