//! A run that was interrupted goes on, and ends as if it hadn't been.

use crate::interruption::{begun, report};
use crate::one_card::OneCard;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tillcard_conform::case::{Case, Level};
use tillcard_conform::failure::Failure;
use tillcard_conform::options::Options;
use tillcard_conform::order::PROOF;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{Begun, CaseReport, Folder, Report};
use tillcard_conform::runner::{Progress, run};
use tillcard_conform::supply::Thrift;
use tillcard_conform::values::Values;

/// How often the run is killed.
const KILLS: u64 = 10;

fn suite(arguments: &[&str], folder: &Path) -> Command {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    suite.arg("run").args(arguments).arg(folder);
    suite.stdin(Stdio::null());
    suite
}

fn whole(folder: &Path) -> Command {
    suite(&["--target", "emulator", "--report"], folder)
}

fn resumed(folder: &Path, more: &[&str]) -> Output {
    suite(&[more, &["--resume"]].concat(), folder)
        .output()
        .unwrap()
}

/// The cases without what may differ between two runs with one seed.
fn lasting(mut report: Report) -> Vec<CaseReport> {
    for case in &mut report.cases {
        case.milliseconds = 0;
        case.figures.clear();
        if !case.measurements.is_empty() {
            case.measurements.clear();
            case.apdus = 0;
        }
    }
    report.cases
}

#[test]
fn a_run_killed_ten_times_ends_as_one_that_nobody_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    assert!(whole(&one).output().unwrap().status.success());
    let cases = report(&one).cases.len() as u64;
    for kill in 0..KILLS {
        let mut suite = match kill {
            0 => whole(&other),
            _ => suite(&["--resume"], &other),
        };
        let mut moments = Values::new(kill, "moments").stream("");
        let suite = begun(&mut suite, 1 + moments.below(cases / KILLS / 2) as usize);
        sleep(Duration::from_millis(moments.below(50)));
        kill_process(Pid::from_child(&suite), Signal::KILL).unwrap();
        assert!(!{ suite }.wait().unwrap().success());
    }
    let ended = resumed(&other, &[]);
    assert!(ended.status.success(), "{ended:?}");
    let (one, other) = (report(&one), report(&other));
    assert_eq!(other.resumed.len() as u64, KILLS);
    assert_eq!(
        (one.complete, one.wanted, &one.summary, &one.filters),
        (other.complete, other.wanted, &other.summary, &other.filters)
    );
    assert_eq!(
        (&one.card, &one.gathered.selects),
        (&other.card, &other.gathered.selects)
    );
    assert_eq!(lasting(one), lasting(other));
    let trace = std::fs::read_to_string(folder.path().join("other/trace.jsonl")).unwrap();
    for line in trace.lines() {
        serde_json::from_str::<serde_json::Value>(line).expect(line);
    }
}

/// A folder with the report of a run of a few cases.
fn finished(arguments: &[&str]) -> (tempfile::TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    let all = [
        "--target",
        "emulator",
        "--filter",
        "TC-PIN-01",
        "--filter",
        "TC-FRM-02",
    ];
    let run = suite(&[&all, arguments, &["--report"]].concat(), folder.path());
    let output = { run }.output().unwrap();
    (folder, output)
}

/// Changes the report that a folder holds.
fn change(folder: &Path, how: impl FnOnce(&mut Report)) {
    let mut report = report(folder);
    how(&mut report);
    Folder::create(folder).unwrap().write(&report).unwrap();
}

#[test]
fn cases_that_failed_run_again_when_that_is_asked_for() {
    let (folder, _) = finished(&[]);
    change(folder.path(), |report| {
        let case = report.cases.iter_mut().find(|case| case.id == "TC-PIN-01");
        let case = case.unwrap();
        case.verdict = Verdict::Error;
        case.reason = Some("the reader failed".to_owned());
    });
    let apdus = report(folder.path()).apdus;
    assert_eq!(resumed(folder.path(), &[]).status.code(), Some(1));
    assert_eq!(report(folder.path()).apdus, apdus, "nothing is asked again");
    let ended = resumed(folder.path(), &["--rerun", "failed"]);
    assert!(ended.status.success(), "{ended:?}");
    assert!(report(folder.path()).apdus > apdus);
}

#[test]
fn a_run_whose_time_is_up_can_go_on() {
    let (folder, ended) = finished(&["--max-time", "0"]);
    assert_eq!(ended.status.code(), Some(3));
    let code = |report: Report| report.ended.map(|ended| ended.code);
    assert_eq!(code(report(folder.path())).as_deref(), Some("time-is-up"));
    assert!(resumed(folder.path(), &[]).status.success());
    assert_eq!(report(folder.path()).cases.len(), 2);
}

#[test]
fn only_the_same_run_goes_on_and_with_a_card_of_the_same_kind() {
    let (folder, _) = finished(&[]);
    let told = |output: Output| String::from_utf8(output.stderr).unwrap();
    change(folder.path(), |report| {
        report.cases.clear();
        report.card.as_mut().unwrap().atr = "3B00".to_owned();
    });
    assert_eq!(resumed(folder.path(), &[]).status.code(), Some(3));
    let ended = report(folder.path()).ended.unwrap();
    assert_eq!(ended.code, "other-card", "{}", ended.reason);
    change(folder.path(), |report| report.suite = "0.0.1".to_owned());
    assert!(told(resumed(folder.path(), &[])).contains("[nothing-to-resume]"));
    let empty = tempfile::tempdir().unwrap();
    let ended = resumed(empty.path(), &[]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(told(ended).contains("[nothing-to-resume]"));
    let both = resumed(folder.path(), &["--target", "emulator"]);
    assert_eq!(both.status.code(), Some(2));
}

/// Keeps the report, and says nothing.
pub struct Keep(pub Folder);

impl Progress for Keep {
    fn begins(&mut self, _: &Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &CaseReport) {}
    fn stands(&mut self, report: &Report) -> Result<(), Failure> {
        self.0.write(report)
    }
}

#[test]
fn a_card_that_was_left_issued_is_made_fresh_again() {
    let path = tempfile::tempdir().unwrap();
    let folder = Folder::create(path.path()).unwrap();
    let card = OneCard::fresh();
    let ask = |begun: Option<Begun>| {
        let options = Options {
            filters: vec!["TC-PIN-01".to_owned()],
            level: Level::D3,
            thrift: Thrift {
                reuse: true,
                most: Some(1),
            },
            owners: Some(folder.owners()),
            begun,
            ..Options::default()
        };
        run(Box::new(card.clone()), &options, &mut Keep(folder.clone())).unwrap()
    };
    assert!(ask(None).is_clean());
    // As if the run had been killed in its last case, whose card is issued.
    let mut begun = folder.begun().unwrap();
    begun.report.cases.retain(|case| case.id == PROOF);
    assert!(ask(Some(begun.clone())).is_clean());
    begun.owners.clear();
    let ended = ask(Some(begun)).ended.unwrap();
    assert_eq!(ended.code, "already-issued");
}
