//! The report as one page that needs nothing else, for a screen or for paper.

mod cases;
mod evidence;
mod figures;
mod matrix;
mod names;
mod summary;

pub use evidence::Evidence;
pub(crate) use names::command_name;

use super::Report;
use crate::outcome::Verdict;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

/// Neither scripts nor anything from elsewhere, whatever the texts in the report try.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
#[must_use]
pub fn page(report: &Report, evidence: &Evidence) -> String {
    let title = format!("{}: {}", summary::name(report), summary::conclusion(report));
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (summary::first_page(report))
                    (cases::findings(report))
                    (matrix::requirements(report))
                    (matrix::areas(report))
                    (figures::all(report))
                    (cases::all(report, evidence))
                }
                footer { p {
                    "Made by tillcard-conform " (report.suite) " from report.json, which holds the \
                     same and can be signed and checked: docs/certification.md tells what a \
                     result says and what it doesn't."
                } }
            }
        }
    }
    .into_string()
}

/// A verdict, told by its word and its border.
fn verdict(verdict: Verdict) -> Markup {
    let class = match verdict {
        Verdict::Pass => "verdict pass",
        Verdict::Fail => "verdict fail",
        Verdict::NotApplicable => "verdict none",
        Verdict::Inconclusive | Verdict::Error => "verdict open",
    };
    html! { span class=(class) { (verdict) } }
}

/// Milliseconds, for people.
fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}
