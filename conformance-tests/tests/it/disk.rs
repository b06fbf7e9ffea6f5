//! A run that can't be written down ends, and what was written stays.

use crate::interruption::report;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const RUN: [&str; 5] = ["run", "--target", "emulator", "--filter", "PIN"];

fn suite(folder: &Path) -> Output {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    suite.args(RUN).arg("--report").arg(folder);
    suite.stdin(Stdio::null()).output().unwrap()
}

fn assert_not_written(ended: &Output) {
    let told = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{told}");
    assert!(told.contains("[report-not-written]"), "{told}");
}

#[test]
fn a_folder_that_cannot_be_made_is_told_before_any_card_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a file");
    fs::write(&file, "").unwrap();
    let ended = suite(&file.join("report"));
    assert_not_written(&ended);
    assert!(!String::from_utf8_lossy(&ended.stderr).contains("TC-"));
}

#[test]
fn a_trace_without_room_ends_the_run_and_the_verdicts_stay() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/dev/full", folder.path().join("trace.jsonl")).unwrap();
    assert_not_written(&suite(folder.path()));
    let report = report(folder.path());
    assert_eq!(report.cases.len(), 1, "no other case is asked");
    assert!(!report.complete && report.is_consistent());
}

#[test]
fn a_report_without_room_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    // So many blocks of 512 bytes hold the report of the first cases and not that of all.
    let limit = "trap '' XFSZ; ulimit -f 20; exec \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", limit, "sh", env!("CARGO_BIN_EXE_tillcard-conform")]);
    // The trace isn't limited.
    symlink("/dev/null", folder.path().join("trace.jsonl")).unwrap();
    shell.args(RUN).arg("--report").arg(folder.path());
    let ended = shell.stdin(Stdio::null()).output().unwrap();
    assert_not_written(&ended);
    let report = report(folder.path());
    assert!(!report.complete && report.is_consistent() && !report.cases.is_empty());
}
