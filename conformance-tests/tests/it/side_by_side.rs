//! Several cards at a time give what one at a time does.

use crate::resumption::Keep;
use crate::shim::honest;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Output};
use tillcard_conform::card_under_test::{EmulatorTarget, Layer, Link, Target};
use tillcard_conform::case::Level;
use tillcard_conform::failure::Failure;
use tillcard_conform::judgement::judge;
use tillcard_conform::options::Options;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{Begun, Figure, Folder, Report};
use tillcard_conform::runner::run;
use tillcard_conform::trace::{Line, lines};

/// Cards that refuse RECEIVE SCRIPT, so that some cases fail, and others can't ask.
struct Refusing;

impl Target for Refusing {
    fn name(&self) -> String {
        "a card that refuses RECEIVE SCRIPT".to_owned()
    }

    fn another(&self) -> Option<Box<dyn Target + Send>> {
        Some(Box::new(Self))
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        Ok(Box::new(RefusingCard(EmulatorTarget.fresh_card(seed)?)))
    }
}

struct RefusingCard(Box<dyn Link>);

impl Layer for RefusingCard {
    fn below(&self) -> &dyn Link {
        self.0.as_ref()
    }

    fn below_mut(&mut self) -> &mut dyn Link {
        self.0.as_mut()
    }

    fn pass(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(match command.starts_with(&[0x80, 0x20]) {
            true => vec![0x6A, 0x80],
            false => honest(self.0.as_mut(), command),
        })
    }
}

/// What a run gave.
struct Ran {
    report: Report,
    trace: Vec<Line<'static>>,
    owners: String,
}

fn options(folder: &Folder, jobs: usize, filters: &[&str]) -> Options {
    Options {
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        level: Level::D3,
        trace: Some(folder.trace()),
        owners: Some(folder.owners()),
        jobs: NonZeroUsize::new(jobs),
        ..Options::default()
    }
}

/// The lines of a trace, without times.
fn timeless(trace: &Path) -> Vec<Line<'static>> {
    let mut lines: Vec<Line> = lines(trace).unwrap().map(Result::unwrap).collect();
    for line in &mut lines {
        (line.at_ns, line.took_ns) = (0, 0);
    }
    lines
}

fn ran(target: Box<dyn Target>, jobs: usize, filters: &[&str], begun: Option<Begun>) -> Ran {
    let path = tempfile::tempdir().unwrap();
    let folder = Folder::create(path.path()).unwrap();
    let options = Options {
        begun,
        ..options(&folder, jobs, filters)
    };
    let mut report = run(target, &options, &mut Keep(folder.clone())).unwrap();
    if options.begun.is_none() {
        let anew = judge(&folder.trace(), &report, &[], &options).unwrap();
        assert_eq!(anew.verdicts(), report.verdicts());
        assert_eq!(anew.gathered, report.gathered);
        assert_eq!(anew.cards, report.cards);
    }
    // Times, and what hangs on them.
    report.started.clear();
    report.resumed.clear();
    report.trace_sha256 = None;
    report.milliseconds = 0;
    report.areas.clear();
    for case in &mut report.cases {
        case.milliseconds = 0;
        if (case.figures.iter()).any(|figure| matches!(figure, Figure::Scatter { .. })) {
            case.figures.clear();
            case.measurements.clear();
        }
    }
    Ran {
        report,
        trace: timeless(&folder.trace()),
        owners: fs::read_to_string(folder.owners()).unwrap(),
    }
}

fn assert_same(one: &Ran, several: &Ran) {
    assert_eq!(one.report, several.report);
    assert_eq!(one.owners, several.owners);
    let pairs = one.trace.iter().zip(&several.trace);
    for (number, (one, several)) in pairs.enumerate() {
        let text = |line: &Line| serde_json::to_string(line).unwrap();
        assert_eq!(text(one), text(several), "line {number}");
    }
    assert_eq!(one.trace.len(), several.trace.len());
}

/// Cases on shared cards of all kinds, on cards of their own, and on the whole run.
const AREAS: [&str; 8] = [
    "PIN",
    "RCV",
    "GEN",
    "INF",
    "TC-FRM-02",
    "TC-FRM-09",
    "TC-KEY-05",
    "STA",
];

#[test]
fn report_and_trace_are_those_of_one_job() {
    let one = ran(Box::new(EmulatorTarget), 1, &AREAS, None);
    let several = ran(Box::new(EmulatorTarget), 3, &AREAS, None);
    assert!(one.report.is_clean() && one.report.cards > 20);
    assert_same(&one, &several);
}

#[test]
fn so_they_are_of_a_card_that_fails() {
    let filters = ["RCV", "ENT", "INF"];
    let one = ran(Box::new(Refusing), 1, &filters, None);
    let several = ran(Box::new(Refusing), 2, &filters, None);
    for verdict in [Verdict::Pass, Verdict::Fail] {
        assert!(one.report.summary[&verdict.to_string()] > 0, "no {verdict}");
    }
    assert_same(&one, &several);
}

#[test]
fn and_of_a_run_that_goes_on() {
    let whole = ran(Box::new(EmulatorTarget), 2, &AREAS, None);
    let mut report = whole.report.clone();
    let mut number = 0;
    report.cases.retain(|_| {
        number += 1;
        number % 3 == 0
    });
    let begun = |report: &Report| Begun {
        report: report.clone(),
        owners: Vec::new(),
    };
    let [one, several] =
        [1, 4].map(|jobs| ran(Box::new(EmulatorTarget), jobs, &AREAS, Some(begun(&report))));
    assert_same(&one, &several);
    assert_eq!(whole.report.verdicts(), several.report.verdicts());
}

fn program(arguments: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    program.arg("run").args(arguments).output().unwrap()
}

#[test]
fn jobs_are_for_cards_in_process() {
    let ran = program(&["--target", "emulator", "--jobs", "2", "--filter", "RCV"]);
    assert!(ran.status.success(), "{ran:?}");
    for others in [&["command:cat"][..], &["emulator", "--reuse"]] {
        let mut arguments = vec!["--jobs", "2", "--filter", "RCV", "--target"];
        arguments.extend(others);
        let ran = program(&arguments);
        assert_eq!(ran.status.code(), Some(2), "{ran:?}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains("[bad-target]"));
    }
}

#[test]
fn the_time_that_a_run_may_take_ends_it_in_order() {
    let path = tempfile::tempdir().unwrap();
    let folder = Folder::create(path.path()).unwrap();
    let options = Options {
        most_time: Some(std::time::Duration::from_millis(300)),
        ..options(&folder, 2, &["KEY", "PAY", "NVM"])
    };
    let report = run(
        Box::new(EmulatorTarget),
        &options,
        &mut Keep(folder.clone()),
    );
    let report = report.unwrap();
    assert_eq!(report.ended.as_ref().unwrap().code, "time-is-up");
    assert!(!report.complete);
    let anew = judge(&folder.trace(), &report, &[], &options).unwrap();
    assert_eq!(anew.verdicts(), report.verdicts());
}
