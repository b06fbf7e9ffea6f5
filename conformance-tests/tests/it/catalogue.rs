//! The reference card passes the catalogue, with every seed and every time.

use tillcard_conform::card_under_test::EmulatorTarget;
use tillcard_conform::outcome::Verdict;
use tillcard_conform::report::{CaseReport, Report};
use tillcard_conform::runner::run_silently;

fn run(seed: u64) -> Report {
    run_silently(Box::new(EmulatorTarget), seed, &[])
}

/// The cases without what may differ between two runs with one seed: times and measurements.
fn lasting(mut report: Report) -> Vec<CaseReport> {
    for case in &mut report.cases {
        case.milliseconds = 0;
        case.figures.clear();
        if !case.measurements.is_empty() {
            // Whether the timing case takes a second run is for the clock to say.
            case.measurements.clear();
            case.apdus = 0;
        }
    }
    report.cases
}

fn assert_conforms(report: &Report) {
    let others: Vec<&CaseReport> = report
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Pass)
        .collect();
    assert!(others.is_empty(), "seed {}: {others:#?}", report.seed);
    assert!(report.conforms && report.is_clean());
    assert_eq!(report.summary["PASS"], report.catalogue);
}

#[test]
fn the_reference_card_conforms_and_a_seed_makes_the_same_run_again() {
    let first = run(1);
    assert_conforms(&first);
    assert_eq!(lasting(first), lasting(run(1)));
}

#[test]
fn other_seeds_give_the_same_verdicts() {
    for seed in [2, 0xFFFF_FFFF_FFFF_FFFF] {
        assert_conforms(&run(seed));
    }
}

#[test]
fn a_case_alone_gives_the_verdict_that_it_gives_among_all() {
    for id in ["TC-FRM-02", "TC-PIN-03", "TC-TX-01", "TC-KEY-05"] {
        let report = run_silently(Box::new(EmulatorTarget), 5, &[id]);
        assert_eq!(
            report.verdicts().into_iter().collect::<Vec<_>>(),
            [(id.to_owned(), Verdict::Pass)]
        );
        assert!(
            report.is_clean() && !report.conforms,
            "one case doesn't make a card conform"
        );
    }
}
