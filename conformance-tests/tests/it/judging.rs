//! A trace gives the verdicts of its run, without a card.

use crate::interruption::{begun, report};
use crate::resumption::Keep;
use crate::shim::{Shimmed, honest};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use tillcard_conform::case::Level;
use tillcard_conform::failure::Code;
use tillcard_conform::judgement::judge;
use tillcard_conform::options::Options;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{Folder, Report};
use tillcard_conform::runner::run;

fn suite(arguments: &[&str]) -> Command {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    suite.args(arguments).stdin(Stdio::null());
    suite
}

/// Areas with power cuts, memories, random sources and timing.
const AREAS: [&str; 7] = ["PIN", "STA", "RST", "RND", "TRM", "GEN", "TC-KEY-05"];

fn run_areas(folder: &Path) -> Command {
    let areas = AREAS.iter().flat_map(|area| ["--filter", area]);
    let mut command = suite(&["run", "--target", "emulator", "--report"]);
    command.arg(folder).args(areas);
    command
}

fn judged(folder: &Path, more: &[&str]) -> Output {
    let mut judge = suite(&["judge"]);
    judge.arg(folder.join("trace.jsonl")).args(more);
    judge.output().unwrap()
}

/// A run of the areas.
fn finished() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    assert!(run_areas(folder.path()).output().unwrap().status.success());
    folder
}

#[test]
fn the_program_judges_a_trace_as_it_judged_the_card() {
    let folder = finished();
    let ended = judged(folder.path(), &["--json"]);
    assert!(ended.status.success(), "{ended:?}");
    let (told, anew) = (
        report(folder.path()),
        serde_json::from_slice(&ended.stdout).unwrap(),
    );
    let verdicts = |report: &Report| (report.verdicts(), report.apdus, report.gathered.clone());
    assert_eq!(verdicts(&told), verdicts(&anew));
    assert!(anew.is_consistent() && anew.is_clean());
    // What the card answered counts, and not what the report says.
    let path = folder.path().join("trace.jsonl");
    let trace = fs::read_to_string(&path).unwrap();
    let own = trace.find("{\"case\":\"TC-PIN-15\"").unwrap();
    let (before, after) = trace.split_at(own);
    let after = after.replacen("\"answer\":\"63C2\"", "\"answer\":\"63C1\"", 1);
    let worse = format!("{before}{after}");
    assert_ne!(trace, worse);
    fs::write(&path, worse).unwrap();
    let ended = judged(folder.path(), &[]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(
        told.contains("TC-PIN-15: the report says PASS, the trace says "),
        "{told}"
    );
    // What the suite didn't send isn't judged.
    let other = trace.replacen(
        "\"command\":\"00CA010000\"",
        "\"command\":\"00CA010100\"",
        1,
    );
    assert_ne!(trace, other);
    fs::write(&path, other).unwrap();
    let ended = judged(folder.path(), &[]);
    assert_eq!(ended.status.code(), Some(2), "{ended:?}");
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("[other-trace]"), "{told}");
}

#[test]
fn a_run_that_was_interrupted_is_judged_whole() {
    let folder = tempfile::tempdir().unwrap();
    for (cases, resumes) in [(5, false), (4, true)] {
        let mut command = match resumes {
            false => run_areas(folder.path()),
            true => suite(&["run", "--resume", folder.path().to_str().unwrap()]),
        };
        let mut suite = begun(&mut command, cases);
        kill_process(Pid::from_child(&suite), Signal::KILL).unwrap();
        suite.wait().unwrap();
    }
    let resume = suite(&["run", "--resume", folder.path().to_str().unwrap()]).output();
    assert!(resume.unwrap().status.success());
    let ended = judged(folder.path(), &["--json"]);
    assert!(ended.status.success(), "{ended:?}");
    let anew: Report = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(anew.verdicts(), report(folder.path()).verdicts());
}

/// Runs cases on such a card and judges the trace; verdicts and reasons must be the same.
fn same(card: Shimmed, filters: &[&str]) -> Report {
    let path = tempfile::tempdir().unwrap();
    let folder = Folder::create(path.path()).unwrap();
    let options = Options {
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        level: Level::D3,
        trace: Some(folder.trace()),
        ..Options::default()
    };
    let told = run(Box::new(card), &options, &mut Keep(folder.clone())).unwrap();
    let anew = judge(&folder.trace(), &told, &[], &options).unwrap();
    let said = |report: &Report| -> Vec<_> {
        let cases = report.cases.iter();
        cases
            .map(|case| (case.id.clone(), case.verdict, case.reason.clone()))
            .collect()
    };
    assert_eq!(said(&told), said(&anew));
    assert_eq!(told.ended, anew.ended);
    told
}

#[test]
fn what_failed_fails_again_for_the_same_reason() {
    let told = same(
        Shimmed::by("a card that can't be issued", |card, command| match command
            .starts_with(&[0x80, 0x10])
        {
            true => vec![0x6A, 0x80],
            false => honest(card, command),
        }),
        &["ISS", "SEL"],
    );
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive] {
        assert!(told.summary[&verdict.to_string()] > 0, "no {verdict}");
    }
}

#[test]
fn what_the_reader_did_is_told_again() {
    let silent = Shimmed::new("a card that falls silent", || {
        let mut commands = 0;
        Box::new(move |card, command| {
            commands += 1;
            match commands % 40 {
                0 => Err(Code::CardSilent.because("no answer in 60 s")),
                _ => card.transmit(command),
            }
        })
    });
    let told = same(silent, &["PIN", "SEL"]);
    assert!(told.summary[&Verdict::Error.to_string()] > 0);
}
