//! The first page: the verdict, what stands behind it, and which card.

use super::super::Report;
use super::{seconds, verdict};
use crate::outcome::Verdict;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// What the card is called.
pub(super) fn name(report: &Report) -> &str {
    let product = report.ics.as_ref().map(|ics| ics.product.name.as_str());
    product
        .or(report.sample.serial.as_deref())
        .unwrap_or(&report.target)
}

/// The run in a few words.
pub(super) fn conclusion(report: &Report) -> &'static str {
    match () {
        () if report.has_failures() && report.is_clean() => "does not conform; waived",
        () if report.has_failures() => "does not conform",
        () if report.ended.is_some() || !report.complete => "the run isn't complete",
        () if !report.is_as_stated() => "isn't what its maker states",
        () if report.conforms => "conforms",
        () if report.is_clean() => "nothing found by a part of the catalogue",
        () => "not shown to conform",
    }
}

pub(super) fn first_page(report: &Report) -> Markup {
    let class = match () {
        () if report.has_failures() => "banner fail",
        () if report.conforms => "banner pass",
        () => "banner open",
    };
    html! {
        header class=(class) {
            p { "Tillcard conformance, protocol " (report.protocol) }
            h1 { bdi { (name(report)) } ": " strong { (conclusion(report)) } }
            @if let Some(ended) = &report.ended {
                p { "The run ended early: " bdi { (ended.reason) } " [" (ended.code) "]" }
            }
        }
        section {
            h2 { "Summary" }
            (counts(report))
            (asked(report))
            (declaration(report))
            @if !report.waivers.is_empty() {
                h3 { "Waived" }
                ul { @for waived in &report.waivers { li { bdi { (waived) } } } }
            }
        }
        section { h2 { "Which card, and how it was tested" } (identity(report)) }
    }
}

fn counts(report: &Report) -> Markup {
    let count = |verdict: Verdict| {
        report
            .summary
            .get(&verdict.to_string())
            .copied()
            .unwrap_or(0)
    };
    html! {
        ul class="counts" {
            @for kind in Verdict::ALL { li { strong { (count(kind)) } " " (verdict(kind)) } }
        }
    }
}

/// How much of the catalogue was put to the card.
fn asked(report: &Report) -> Markup {
    let share = report.undeclared * 100 / report.catalogue.max(1);
    html! {
        p {
            (report.cases.len()) " of " (report.catalogue) " cases of the catalogue ran. "
            strong { (report.undeclared) " (" (share) " %) weren't asked" }
            ", since the card doesn't declare what they are about."
        }
        @if let Some(not_put) = report.not_put() {
            p { (not_put) }
        }
        @if !report.filters.is_empty() {
            p { "Only a part was asked for: " bdi { (report.filters.join(", ")) } "." }
        }
        @if let Some(resets) = report.resets {
            p {
                "Cards were used again: FACTORY RESET made one fresh " (resets) " times, which it \
                 was trusted to do once TC-RST-01 had passed."
            }
        }
    }
}

fn declaration(report: &Report) -> Markup {
    let Some(found) = &report.declaration else {
        return html! { @if report.ics.is_none() { p { "No statement of the card's maker was given (--ics)." } } };
    };
    let kinds = [
        ("Stated and not declared by the card", &found.over),
        ("Declared by the card and not stated", &found.under),
        ("Otherwise than stated", &found.other),
    ];
    html! {
        @if found.agrees() {
            p { "The card declares what its maker states, no more and no less." }
        } @else {
            dl {
                @for (kind, what) in kinds.iter().filter(|(_, what)| !what.is_empty()) {
                    dt { (kind) }
                    dd { (what.join("; ")) }
                }
            }
        }
    }
}

/// What was done to all cards together.
fn worn(report: &Report) -> String {
    let (pins, wrong) = (report.wear.iter()).fold((0, 0), |(pins, wrong), card| {
        (pins + card.pins, wrong + card.wrong_pins)
    });
    let mut done: BTreeMap<&str, u32> = BTreeMap::new();
    for (name, count) in report.wear.iter().flat_map(|card| &card.done) {
        *done.entry(name).or_default() += count;
    }
    let done = done.iter().map(|(name, count)| format!("{name} {count}"));
    let pins = format!("PINs {pins}, of them wrong {wrong}");
    std::iter::once(pins)
        .chain(done)
        .collect::<Vec<_>>()
        .join("; ")
}

fn identity(report: &Report) -> Markup {
    let text = |text: &str| html! { bdi { (text) } };
    let code = |text: &str| html! { code { (text) } };
    let mut rows: Vec<(&str, Markup)> = Vec::new();
    let mut row = |name, value: Option<Markup>| rows.extend(value.map(|value| (name, value)));
    if let Some(ics) = &report.ics {
        row("Maker", Some(text(&ics.product.maker)));
        row("Software", ics.product.version.as_deref().map(text));
    }
    let sample = &report.sample;
    row("Sample", sample.serial.as_deref().map(text));
    row("Batch", sample.batch.as_deref().map(text));
    row("Tested by", sample.operator.as_deref().map(text));
    row("Date", Some(text(&report.started)));
    row("Target", Some(text(&report.target)));
    row("Reader's driver", report.driver.as_deref().map(text));
    row(
        "The suite's own emulator",
        report.emulator.as_deref().map(text),
    );
    if let Some(card) = &report.card {
        row("Answer to reset", Some(code(&card.atr)));
        row("Answer to SELECT", Some(code(&card.select)));
        row("Status at first", Some(code(&card.status)));
        row("Capabilities", Some(code(&card.capabilities)));
        row("Protocol declared", card.protocol.as_deref().map(text));
        for certificate in &card.certificates {
            let subject = certificate.subject.as_deref().unwrap_or_default();
            row(
                "Certificate",
                Some(html! {
                    (certificate.of) ", SHA-256 " code { (certificate.sha256) }
                    @if !subject.is_empty() { ", " bdi { (subject) } }
                }),
            );
        }
    }
    row(
        "Cards",
        Some(html! { (report.cards) ", worn up to level " (report.level) }),
    );
    row("Done to them", Some(html! { (worn(report)) }));
    row("APDUs", Some(html! { (report.apdus) }));
    row("Time", Some(html! { (seconds(report.milliseconds)) }));
    row("Suite", Some(text(&report.suite)));
    row("Computer", Some(text(&report.host)));
    row("Seed", Some(html! { (report.seed) }));
    row("Arguments", Some(code(&report.arguments.join(" "))));
    if !report.resumed.is_empty() {
        row("Went on", Some(html! { (report.resumed.join(", ")) }));
    }
    row("Trace, SHA-256", report.trace_sha256.as_deref().map(code));
    html! {
        table class="facts" {
            tbody { @for (name, value) in rows { tr { th scope="row" { (name) } td { (value) } } } }
        }
    }
}
