//! JUnit XML, for the tools that show test results.
//!
//! FAIL is a `failure`, ERROR and INCONCLUSIVE are an `error`, N/A is `skipped`.

use super::{CaseReport, Report};
use crate::outcome::Verdict;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The report as JUnit XML, one suite for each area.
#[must_use]
pub fn junit(report: &Report) -> String {
    let mut areas: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        areas.entry(area(case)).or_default().push(case);
    }
    let all: Vec<&CaseReport> = report.cases.iter().collect();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    line(
        &mut xml,
        &format!("<testsuites name=\"tillcard-conform\" {}>", totals(&all)),
    );
    for (area, cases) in &areas {
        line(
            &mut xml,
            &format!("  <testsuite name=\"{}\" {}>", escape(area), totals(cases)),
        );
        line(&mut xml, "    <properties>");
        for (name, value) in [
            ("suite", report.suite.clone()),
            ("protocol", report.protocol.clone()),
            ("target", report.target.clone()),
            ("seed", report.seed.to_string()),
        ] {
            line(
                &mut xml,
                &format!(
                    "      <property name=\"{name}\" value=\"{}\"/>",
                    escape(&value)
                ),
            );
        }
        line(&mut xml, "    </properties>");
        for case in cases {
            test_case(&mut xml, case);
        }
        line(&mut xml, "  </testsuite>");
    }
    line(&mut xml, "</testsuites>");
    xml
}

fn test_case(xml: &mut String, case: &CaseReport) {
    line(
        xml,
        &format!(
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\">",
            escape(area(case)),
            escape(&case.id),
            seconds(case.milliseconds)
        ),
    );
    let reason = escape(case.reason.as_deref().unwrap_or_default());
    match case.verdict {
        Verdict::Pass => {}
        Verdict::Fail => line(
            xml,
            &format!("      <failure type=\"FAIL\" message=\"{reason}\"/>"),
        ),
        Verdict::Inconclusive | Verdict::Error => line(
            xml,
            &format!(
                "      <error type=\"{}\" message=\"{reason}\"/>",
                case.verdict
            ),
        ),
        Verdict::NotApplicable => line(xml, &format!("      <skipped message=\"{reason}\"/>")),
    }
    let about = format!("{}: {}", case.requirements.join(" "), case.purpose);
    line(
        xml,
        &format!("      <system-out>{}</system-out>", escape(&about)),
    );
    line(xml, "    </testcase>");
}

fn area(case: &CaseReport) -> &str {
    case.id.split('-').nth(1).unwrap_or_default()
}

fn totals(cases: &[&CaseReport]) -> String {
    let count = |verdicts: &[Verdict]| {
        cases
            .iter()
            .filter(|case| verdicts.contains(&case.verdict))
            .count()
    };
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{}\"",
        cases.len(),
        count(&[Verdict::Fail]),
        count(&[Verdict::Error, Verdict::Inconclusive]),
        count(&[Verdict::NotApplicable]),
        seconds(cases.iter().map(|case| case.milliseconds).sum())
    )
}

fn seconds(milliseconds: u64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

fn line(xml: &mut String, text: &str) {
    // Writing to a String can't fail.
    let _ = writeln!(xml, "{text}");
}

fn escape(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            // XML 1.0 has no place for other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => "\u{FFFD}".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
