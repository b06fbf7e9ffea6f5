//! A run that is ended from outside leaves its report.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::Report;

/// Starts a run, and waits until so many cases have ended.
pub fn begun(suite: &mut Command, cases: usize) -> Child {
    let mut suite = suite
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // One line for each case; the pipe stays open, and has room for all lines.
    let mut told = BufReader::new(suite.stderr.take().unwrap());
    for _ in 0..cases {
        let mut line = String::new();
        told.read_line(&mut line).unwrap();
        assert!(line.starts_with("TC-"), "{line}");
    }
    suite.stderr = Some(told.into_inner());
    suite
}

/// The report in a folder.
pub fn report(folder: &std::path::Path) -> Report {
    let json = std::fs::read_to_string(folder.join("report.json")).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// A finished run of one case, whose report is in this folder.
pub fn one_case(folder: &std::path::Path) {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    suite.args([
        "run",
        "--target",
        "emulator",
        "--filter",
        "TC-PIN-01",
        "--report",
    ]);
    let ended = suite.arg(folder).output().unwrap();
    assert!(ended.status.success(), "{ended:?}");
}

fn signalled(signal: Signal) -> (ExitStatus, Report) {
    let folder = tempfile::tempdir().unwrap();
    let mut whole = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    (whole.args(["run", "--target", "emulator", "--report"])).arg(folder.path());
    let mut suite = begun(&mut whole, 3);
    kill_process(Pid::from_child(&suite), signal).unwrap();
    let status = suite.wait().unwrap();
    let report = report(folder.path());
    assert!(!report.complete && !report.conforms);
    // The third is told a moment before the report has it.
    assert!((2..report.catalogue).contains(&report.cases.len()));
    assert!((report.cases.iter()).all(|case| case.verdict == Verdict::Pass));
    let xml = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    // A kill between the two files leaves them one case apart.
    let apart = (xml.matches("<testcase ").count()).abs_diff(report.cases.len());
    assert!(
        apart <= usize::from(signal == Signal::KILL),
        "{apart} cases apart"
    );
    (status, report)
}

#[test]
fn ctrl_c_and_sigterm_leave_the_verdicts_so_far() {
    for (signal, code, name) in [
        (Signal::INT, 130, "SIGINT (Ctrl-C) ended the run"),
        (Signal::TERM, 143, "SIGTERM ended the run"),
    ] {
        let (status, report) = signalled(signal);
        assert_eq!(status.code(), Some(code));
        let ended = report.ended.unwrap();
        assert_eq!(
            (ended.code.as_str(), ended.reason.as_str()),
            ("interrupted", name)
        );
    }
}

#[test]
fn a_suite_that_is_killed_leaves_the_verdicts_so_far() {
    let (status, report) = signalled(Signal::KILL);
    assert_eq!(status.code(), None);
    assert_eq!(report.ended, None);
}
