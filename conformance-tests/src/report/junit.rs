//! JUnit XML, for the tools that show test results.
//!
//! FAIL is a `failure`, ERROR and INCONCLUSIVE are an `error`, N/A is `skipped`.

use super::{CaseReport, Report};
use crate::outcome::Verdict;
use chrono::DateTime;
use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};
use std::collections::BTreeMap;
use std::time::Duration;

/// The report as JUnit XML, one suite for each area.
///
/// # Errors
/// When XML can't say it.
pub fn junit(report: &Report) -> Result<String, SerializeError> {
    let mut areas: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &report.cases {
        areas.entry(case.area()).or_default().push(case);
    }
    let mut document = quick_junit::Report::new("tillcard-conform");
    document.set_time(took(&report.cases.iter().collect::<Vec<_>>()));
    if let Ok(started) = DateTime::parse_from_rfc3339(&report.started) {
        document.set_timestamp(started);
    }
    for (area, cases) in areas {
        let mut suite = TestSuite::new(area);
        suite.set_time(took(&cases));
        suite.add_properties([
            ("suite", report.suite.as_str()),
            ("protocol", &report.protocol),
            ("target", &report.target),
            ("seed", &report.seed.to_string()),
            ("complete", &report.complete.to_string()),
        ]);
        suite.add_test_cases(cases.into_iter().map(test_case));
        document.add_test_suite(suite);
    }
    document.to_string()
}

fn test_case(case: &CaseReport) -> TestCase {
    let kind = match case.verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some(TestCaseStatus::non_success(NonSuccessKind::Failure)),
        Verdict::Inconclusive | Verdict::Error => {
            Some(TestCaseStatus::non_success(NonSuccessKind::Error))
        }
        Verdict::NotApplicable => Some(TestCaseStatus::skipped()),
    };
    let status = kind.map_or_else(TestCaseStatus::success, |mut status| {
        status.set_type(case.verdict.to_string());
        status.set_message(case.reason.as_deref().unwrap_or_default());
        status
    });
    let mut written = TestCase::new(case.id.as_str(), status);
    written.set_classname(case.area());
    written.set_time(Duration::from_millis(case.milliseconds));
    written.set_system_out(format!("{}: {}", case.requirements.join(" "), case.purpose));
    written
}

fn took(cases: &[&CaseReport]) -> Duration {
    Duration::from_millis(cases.iter().map(|case| case.milliseconds).sum())
}
