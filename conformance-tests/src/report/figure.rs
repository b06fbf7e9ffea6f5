//! Numbers of a case that are better seen than read.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use utoipa::ToSchema;

/// Something to be drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Figure {
    /// Measurements of several kinds.
    Scatter {
        /// What is shown.
        title: String,
        /// What was measured, with its unit.
        measured: String,
        /// What it was measured at: the order of measuring, if nothing is said.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        at: Option<String>,
        /// The kinds, three at most.
        series: Vec<Series>,
    },
    /// How often each bit was 1.
    Bits {
        /// Of what.
        title: String,
        /// How many there were.
        samples: u32,
        /// For each bit, the highest one first.
        ones: Vec<u32>,
    },
    /// What became of the card at each moment at which the power was cut.
    Cuts {
        /// In which command.
        title: String,
        /// The cuts, separated by spaces: after how many bytes that the card wrote or erased, `+`
        /// where the power went away again while it started, `!` where it then wasn't as it must
        /// be.
        cuts: String,
    },
}

/// Measurements of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// What kind.
    pub name: String,
    /// What each was measured at; nothing where that is its number.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub at: Vec<f64>,
    /// What each gave.
    pub values: Vec<f64>,
}

/// A power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// After so many bytes that the card wrote or erased.
    pub after: u64,
    /// Whether the power went away again while the card started.
    pub again: bool,
    /// Whether the card then was as it must be.
    pub held: bool,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = if self.again { "+" } else { "" };
        let broken = if self.held { "" } else { "!" };
        write!(f, "{}{again}{broken}", self.after)
    }
}

impl FromStr for Cut {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let moment = text.trim_end_matches(['+', '!']);
        Ok(Self {
            after: moment.parse()?,
            again: text.contains('+'),
            held: !text.contains('!'),
        })
    }
}

impl Figure {
    /// What became of the card at each of these moments.
    #[must_use]
    pub fn cuts(title: impl Into<String>, cuts: &[Cut]) -> Self {
        let cuts: Vec<String> = cuts.iter().map(Cut::to_string).collect();
        Self::Cuts {
            title: title.into(),
            cuts: cuts.join(" "),
        }
    }

    /// How often each bit of these samples, all as long as the first, is 1.
    #[must_use]
    pub fn bits(title: impl Into<String>, samples: &[Vec<u8>]) -> Self {
        let length = samples.first().map_or(0, Vec::len);
        let ones = (0..length * 8)
            .map(|bit| {
                let is_set = |sample: &&Vec<u8>| {
                    (sample.get(bit / 8)).is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
                };
                u32::try_from(samples.iter().filter(is_set).count()).unwrap_or(u32::MAX)
            })
            .collect();
        Self::Bits {
            title: title.into(),
            samples: u32::try_from(samples.len()).unwrap_or(u32::MAX),
            ones,
        }
    }
}
