//! Reports: what a manufacturer shows to a customer.

mod junit;

pub use junit::junit;

use crate::case::{Level, Start};
use crate::catalogue;
use crate::outcome::Verdict;
use crate::runner::Options;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Raised when a reader of reports must know of a change.
const SCHEMA: &str = "tillcard-conform-report/1";

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseReport {
    /// `TC-<AREA>-<nn>`.
    pub id: String,
    /// The case's version.
    pub version: u16,
    /// What it shows.
    pub purpose: String,
    /// The requirements that it is about.
    pub requirements: Vec<String>,
    /// The card that it needed.
    pub start: Start,
    /// What it did to it.
    pub level: Level,
    /// The defect that it must catch.
    pub defect: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it isn't PASS.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// What was looked at, and how far the case could see.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub notes: Vec<String>,
    /// Numbers that differ from run to run.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub measurements: BTreeMap<String, f64>,
    /// Commands that it took.
    pub apdus: u64,
    /// How long it took.
    pub milliseconds: u64,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// `tillcard-conform-report/1`.
    pub schema: String,
    /// The suite's version.
    pub suite: String,
    /// The version of the protocol text, major.minor.
    pub protocol: String,
    /// `emulator`, or `pcsc:` and the reader's name.
    pub target: String,
    /// Where all test values came from.
    pub seed: u64,
    /// What was asked for; empty means the whole catalogue.
    pub filters: Vec<String>,
    /// Cards used.
    pub cards: u32,
    /// Commands sent.
    pub apdus: u64,
    /// How long the run took.
    pub milliseconds: u64,
    /// Cases in the catalogue.
    pub catalogue: usize,
    /// How many cases had each verdict.
    pub summary: BTreeMap<String, usize>,
    /// Whether the whole catalogue ran, without FAIL, ERROR or INCONCLUSIVE.
    pub conforms: bool,
    /// Every case that ran, in the catalogue's order.
    pub cases: Vec<CaseReport>,
}

impl Report {
    pub(crate) fn new(
        target: String,
        options: &Options,
        cases: Vec<CaseReport>,
        cards: u32,
        apdus: u64,
        took: Duration,
    ) -> Self {
        let catalogue = catalogue::all().count();
        let summary = Verdict::ALL
            .iter()
            .map(|verdict| {
                let count = cases.iter().filter(|case| case.verdict == *verdict).count();
                (verdict.to_string(), count)
            })
            .collect();
        let conforms = cases.len() == catalogue && cases.iter().all(|case| case.verdict.conforms());
        let [major, minor] = crate::card::VERSION;
        Self {
            schema: SCHEMA.to_owned(),
            suite: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: format!("{major}.{minor}"),
            target,
            seed: options.settings.seed,
            filters: options.filters.clone(),
            cards,
            apdus,
            milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            catalogue,
            summary,
            conforms,
            cases,
        }
    }

    /// Whether nothing that ran stands in the way of conforming. A filtered run can be clean and
    /// still says nothing of conformity.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.cases.is_empty() && self.cases.iter().all(|case| case.verdict.conforms())
    }

    /// Whether the card broke a requirement.
    #[must_use]
    pub fn has_failures(&self) -> bool {
        self.cases.iter().any(|case| case.verdict == Verdict::Fail)
    }

    /// The verdict of each case.
    #[must_use]
    pub fn verdicts(&self) -> BTreeMap<String, Verdict> {
        self.cases
            .iter()
            .map(|case| (case.id.clone(), case.verdict))
            .collect()
    }

    /// One line: how many of each.
    #[must_use]
    pub fn summary_line(&self) -> String {
        let counts: Vec<String> = Verdict::ALL
            .iter()
            .map(|verdict| {
                let name = verdict.to_string();
                format!("{} {name}", self.summary.get(&name).copied().unwrap_or(0))
            })
            .collect();
        format!(
            "{} of {} cases: {} ({} cards, {} APDUs, {:.1} s)",
            self.cases.len(),
            self.catalogue,
            counts.join(", "),
            self.cards,
            self.apdus,
            self.milliseconds as f64 / 1000.0
        )
    }
}
