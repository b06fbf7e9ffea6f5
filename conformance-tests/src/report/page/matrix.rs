//! Requirements against cases, and areas against time.

use super::super::{CaseReport, Report};
use super::{seconds, verdict};
use crate::outcome::Verdict;
use crate::requirements::REQUIREMENTS;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What the cases about one requirement say together.
fn together(cases: &[&CaseReport]) -> &'static str {
    let has = |verdict| cases.iter().any(|case| case.verdict == verdict);
    match () {
        () if cases.is_empty() => "not run",
        () if has(Verdict::Fail) => "broken",
        () if has(Verdict::Error) || has(Verdict::Inconclusive) => "open",
        () if !has(Verdict::Pass) => "not asked",
        () if has(Verdict::NotApplicable) => "kept, as far as asked",
        () => "kept",
    }
}

pub(super) fn requirements(report: &Report) -> Markup {
    let mut about: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        for requirement in &case.requirements {
            about.entry(requirement).or_default().push(case);
        }
    }
    html! {
        section {
            h2 { "Requirements and cases" }
            p {
                "Each numbered requirement of the protocol text, and what each case about it found."
            }
            table class="matrix" {
                thead { tr {
                    th scope="col" { "Requirement" } th scope="col" { "Together" }
                    th scope="col" { "Cases" }
                } }
                tbody {
                    @for requirement in REQUIREMENTS {
                        @let cases = about.get(requirement.id).map_or(&[][..], Vec::as_slice);
                        tr {
                            th scope="row" { (requirement.id) }
                            td { (together(cases)) }
                            td { ul class="cells" { @for case in cases {
                                li { a href={ "#" (case.id) } { (case.id) } " " (verdict(case.verdict)) }
                            } } }
                        }
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Area {
    cases: usize,
    passed: usize,
    apdus: u64,
}

pub(super) fn areas(report: &Report) -> Markup {
    let mut areas: BTreeMap<&str, Area> = BTreeMap::new();
    for case in &report.cases {
        let area = areas.entry(case.area()).or_default();
        area.cases += 1;
        area.passed += usize::from(case.verdict == Verdict::Pass);
        area.apdus += case.apdus;
    }
    html! {
        section {
            h2 { "Time by area" }
            table class="areas" {
                thead { tr {
                    th scope="col" { "Area" } th scope="col" { "Cases" } th scope="col" { "PASS" }
                    th scope="col" { "APDUs" } th scope="col" { "Time" }
                } }
                tbody {
                    @for (name, area) in areas {
                        tr {
                            th scope="row" { (name) }
                            td { (area.cases) } td { (area.passed) } td { (area.apdus) }
                            td { (seconds(report.areas.get(name).copied().unwrap_or(0))) }
                        }
                    }
                }
            }
        }
    }
}
