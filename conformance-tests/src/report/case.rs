//! What came of one case.

use super::Figure;
use crate::case::{Case, Level, Start};
use crate::outcome::Verdict;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
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
    /// What is better seen than read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub figures: Vec<Figure>,
    /// Commands that it took.
    pub apdus: u64,
    /// How long it took.
    pub milliseconds: u64,
}

impl CaseReport {
    /// The area in its id: `PIN` of `TC-PIN-03`.
    #[must_use]
    pub fn area(&self) -> &str {
        self.id.split('-').nth(1).unwrap_or_default()
    }

    /// The report of a case, without what came of it.
    #[must_use]
    pub fn of(case: &Case, verdict: Verdict, reason: Option<String>) -> Self {
        Self {
            id: case.id.to_owned(),
            version: case.version,
            purpose: case.purpose.to_owned(),
            requirements: (case.requirements.iter())
                .map(|req| req.id().to_owned())
                .collect(),
            start: case.start,
            level: case.level,
            defect: case.defect.to_owned(),
            verdict,
            reason,
            notes: Vec::new(),
            measurements: BTreeMap::new(),
            figures: Vec::new(),
            apdus: 0,
            milliseconds: 0,
        }
    }
}
