//! The second card, which was written from the protocol text alone, passes the catalogue.
//!
//! It runs in a program of its own. Half of the cases go to each of two, side by side, since a
//! card in Python is slow.

use std::thread;
use std::time::Duration;
use tillcard_conform::card_under_test::CommandTarget;
use tillcard_conform::outcome::{BEYOND_TARGET, Verdict};
use tillcard_conform::report::CaseReport;
use tillcard_conform::runner::run_silently;
use tillcard_conform::{case::Case, catalogue};

const PROGRAM: &str = "/usr/bin/python3 independent-card/main.py";

fn run(program: &str, cases: &[&Case]) -> Vec<CaseReport> {
    let target = CommandTarget::new(program, Duration::from_secs(60)).expect("a shell");
    let ids: Vec<&str> = cases.iter().map(|case| case.id).collect();
    run_silently(Box::new(target), 1, &ids).cases
}

/// Cases whose card didn't pass, and isn't beyond what a program can do to a card.
fn others(reports: Vec<CaseReport>) -> Vec<CaseReport> {
    let beyond = |report: &CaseReport| {
        report.verdict == Verdict::NotApplicable
            && (report.reason.as_deref()).is_some_and(|why| why.contains(BEYOND_TARGET))
    };
    reports
        .into_iter()
        .filter(|report| report.verdict != Verdict::Pass && !beyond(report))
        .collect()
}

#[test]
fn the_second_card_passes_every_case_that_its_program_can_put_to_it() {
    let cases: Vec<&Case> = catalogue::all().collect();
    let halves: [Vec<&Case>; 2] =
        [0, 1].map(|half| cases.iter().skip(half).step_by(2).copied().collect());
    let reports: Vec<CaseReport> = thread::scope(|scope| {
        let runs = halves.map(|half| scope.spawn(move || run(PROGRAM, &half)));
        runs.into_iter()
            .flat_map(|run| run.join().expect("a run"))
            .collect()
    });
    assert_eq!(reports.len(), cases.len());
    let others = others(reports);
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn a_card_that_leaves_capabilities_out_answers_as_the_text_says() {
    let case = catalogue::all().find(|case| case.id == "TC-INF-05");
    let case = case.expect("the case of what a card leaves out");
    for without in [
        &[0][..],
        &[2],
        &[3],
        &[4],
        &[5],
        &[6],
        &[9],
        &[7, 9],
        &[0, 2, 3, 4, 5, 6, 7, 9],
    ] {
        let flags: String = without
            .iter()
            .map(|bit| format!(" --without {bit}"))
            .collect();
        let reports = run(&format!("{PROGRAM}{flags}"), &[case]);
        assert_eq!(reports[0].verdict, Verdict::Pass, "{flags}: {reports:#?}");
    }
}
