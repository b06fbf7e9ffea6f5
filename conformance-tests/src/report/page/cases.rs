//! Each case, with what it sent and got.

use super::super::{CaseReport, Report};
use super::evidence::{Evidence, Excerpt};
use super::{figures, names, seconds, verdict};
use crate::outcome::Verdict;
use crate::trace::{FAILED, Line};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Hexadecimal digits of one APDU that are shown.
const DIGITS: usize = 160;

/// What stands in the way of conforming, first of all.
pub(super) fn findings(report: &Report) -> Markup {
    let found: Vec<&CaseReport> = (report.cases.iter())
        .filter(|case| !case.verdict.conforms())
        .collect();
    html! {
        @if !found.is_empty() {
            section {
                h2 { "What stands in the way" }
                ul class="findings" { @for case in found {
                    li {
                        a href={ "#" (case.id) } { (case.id) } " " (verdict(case.verdict)) " "
                        bdi { (case.reason.as_deref().unwrap_or_default()) }
                        " (" (case.requirements.join(", ")) ")"
                    }
                } }
            }
        }
    }
}

pub(super) fn all(report: &Report, evidence: &Evidence) -> Markup {
    let mut areas: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        areas.entry(case.area()).or_default().push(case);
    }
    html! {
        section {
            h2 { "Cases" }
            p class="screen" { "Open a case for what it looked at, and for what it sent and got." }
            @for (area, cases) in areas {
                h3 { "TC-" (area) }
                @for case in cases { (one(case, evidence.case(&case.id))) }
            }
        }
    }
}

fn one(case: &CaseReport, excerpt: Option<&Excerpt>) -> Markup {
    html! {
        details id=(case.id) class="case" {
            summary { strong { (case.id) } " " (verdict(case.verdict)) " " (first_sentence(&case.purpose)) }
            @if let Some(reason) = &case.reason { p class="reason" { bdi { (reason) } } }
            p { (case.purpose) }
            dl {
                dt { "Requirements" } dd { (case.requirements.join(", ")) }
                dt { "Catches" } dd { (case.defect) }
                dt { "Card" } dd { (case.start) ", level " (case.level) ", version " (case.version) }
                dt { "Took" } dd { (case.apdus) " APDUs, " (seconds(case.milliseconds)) }
                @if !case.notes.is_empty() { dt { "Notes" } dd { (case.notes.join("; ")) } }
                @for (name, value) in &case.measurements { dt { (name) } dd { (format!("{value:.2}")) } }
            }
            @for figure in &case.figures { (figures::one(figure)) }
            @if let Some(excerpt) = excerpt { (sent(excerpt)) }
            @else if case.verdict != Verdict::NotApplicable {
                p { "There is no trace of it here." }
            }
        }
    }
}

fn sent(excerpt: &Excerpt) -> Markup {
    html! {
        ol class="apdus" {
            @for line in &excerpt.first { (exchange(line)) }
            @if excerpt.left_out > 0 { li class="omitted" { (excerpt.left_out) " more, in trace.jsonl" } }
            @for line in &excerpt.last { (exchange(line)) }
        }
    }
}

fn exchange(line: &Line) -> Markup {
    let Some(command) = line.command.as_deref() else {
        let event = line.event.as_deref().unwrap_or_default();
        let reason = line
            .detail
            .as_deref()
            .filter(|_| event == FAILED)
            .unwrap_or_default();
        return html! { li class="event" { "Card " (line.card) ": " (event) " " bdi { (reason) } } };
    };
    let answer = line.answer.as_deref().unwrap_or_default();
    html! {
        li {
            strong { (names::command(command)) } " → " (names::status(answer))
            span class="took" { ", " (format!("{:.3}", line.took_ns as f64 / 1e6)) " ms" }
            br; code { (digits(command)) }
            br; "← " code { (digits(answer)) }
        }
    }
}

/// The beginning of a long APDU.
fn digits(text: &str) -> String {
    match text.get(..DIGITS) {
        Some(start) if text.len() > DIGITS => {
            format!("{start}… ({} bytes)", text.len() / 2)
        }
        _ => text.to_owned(),
    }
}

fn first_sentence(text: &str) -> &str {
    text.split_inclusive([':', '.', ';']).next().unwrap_or(text)
}
