//! Divergences that are known, and how long they are put up with.

use crate::failure::{Code, Failure};
use crate::outcome::Verdict;
use crate::{catalogue, report::CaseReport};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::Path;
use utoipa::ToSchema;

/// What `--waivers` takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waivers {
    /// The divergences.
    #[serde(default)]
    pub waiver: Vec<Waiver>,
}

/// A divergence that is put up with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The case that fails.
    pub case: String,
    /// Why that is put up with.
    pub reason: String,
    /// The last day on which it is, such as 2027-01-31.
    #[schema(format = "date")]
    pub until: String,
}

/// What has become of a waiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The case fails, and the day isn't over.
    InForce,
    /// The day was over when the run began.
    Expired,
    /// The case doesn't fail any more: the waiver has to go.
    Stale,
    /// The case wasn't put to the card.
    Unasked,
}

/// A waiver in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Waived {
    /// The waiver.
    pub waiver: Waiver,
    /// What has become of it.
    pub standing: Standing,
}

impl Waived {
    /// In a run that begins.
    pub(crate) const fn new(waiver: Waiver) -> Self {
        Self {
            waiver,
            standing: Standing::Unasked,
        }
    }
}

impl fmt::Display for Waived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Waiver {
            case,
            reason,
            until,
        } = &self.waiver;
        let standing = match self.standing {
            Standing::InForce => format!("fails, and is waived until {until}"),
            Standing::Expired => format!("was waived until {until}: the waiver has expired"),
            Standing::Stale => "doesn't fail any more: take its waiver away".to_owned(),
            Standing::Unasked => format!("is waived until {until}, and wasn't judged"),
        };
        write!(f, "{case} {standing}. ({reason})")
    }
}

impl Waiver {
    /// What becomes of it in a run that began then, in the form of RFC 3339.
    pub(crate) fn standing(&self, cases: &[CaseReport], started: &str) -> Standing {
        let today = started.get(..self.until.len()).unwrap_or_default();
        if today > self.until.as_str() {
            return Standing::Expired;
        }
        match cases.iter().find(|case| case.id == self.case) {
            Some(case) if case.verdict == Verdict::Fail => Standing::InForce,
            Some(case) if case.verdict == Verdict::Pass => Standing::Stale,
            _ => Standing::Unasked,
        }
    }
}

/// Reads waivers.
///
/// # Errors
/// When the file can't be read, or one names no case, no reason or no day.
pub fn read(path: &Path) -> Result<Vec<Waiver>, Failure> {
    let Waivers { waiver } = crate::proforma::read(path, Code::BadWaiver)?;
    for one in &waiver {
        let why = match one {
            _ if !catalogue::all().any(|case| case.id == one.case) => "there is no such case",
            _ if one.reason.trim().is_empty() => "it has no reason",
            _ if one.until.parse::<NaiveDate>().is_err() => "its day isn't one, such as 2027-01-31",
            _ => continue,
        };
        return Err(Code::BadWaiver.because(format!("{}: {}: {why}", path.display(), one.case)));
    }
    Ok(waiver)
}
