//! Verdicts, and how a case stops early.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// The verdict on one case, in the manner of ISO/IEC 9646.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// The card did what the requirement says.
    Pass,
    /// The card did otherwise.
    Fail,
    /// The question could not be put to the card: its preparation failed, or it was not allowed.
    Inconclusive,
    /// The card doesn't declare what the case is about, or the target can't do it to a card.
    #[serde(rename = "N/A")]
    NotApplicable,
    /// The suite, the reader or the link to it failed, not the card.
    Error,
}

impl Verdict {
    /// All of them, in the order in which a summary lists them.
    pub const ALL: [Self; 5] = [
        Self::Pass,
        Self::Fail,
        Self::Inconclusive,
        Self::NotApplicable,
        Self::Error,
    ];

    /// Whether a card with this verdict can still conform. Every case of this catalogue is
    /// mandatory, so that INCONCLUSIVE stands in the way as FAIL and ERROR do.
    #[must_use]
    pub const fn conforms(self) -> bool {
        matches!(self, Self::Pass | Self::NotApplicable)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Inconclusive => "INCONCLUSIVE",
            Self::NotApplicable => "N/A",
            Self::Error => "ERROR",
        })
    }
}

/// Why a case ended before its last step. The text is for the person who reads the report; it
/// never holds a PIN or a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The card broke the requirement.
    Fail(String),
    /// The case could not be brought to its question.
    Inconclusive(String),
    /// The card doesn't declare the capability.
    NotApplicable(String),
    /// The harness failed.
    Error(String),
}

impl Stop {
    /// The verdict and its reason.
    #[must_use]
    pub fn into_parts(self) -> (Verdict, String) {
        match self {
            Self::Fail(why) => (Verdict::Fail, why),
            Self::Inconclusive(why) => (Verdict::Inconclusive, why),
            Self::NotApplicable(why) => (Verdict::NotApplicable, why),
            Self::Error(why) => (Verdict::Error, why),
        }
    }

    /// The same stop with a few words before its reason.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        match self {
            Self::Fail(why) => Self::Fail(format!("{place}: {why}")),
            Self::Inconclusive(why) => Self::Inconclusive(format!("{place}: {why}")),
            Self::NotApplicable(why) => Self::NotApplicable(format!("{place}: {why}")),
            Self::Error(why) => Self::Error(format!("{place}: {why}")),
        }
    }
}

/// Begins the reason of a N/A that is owed to the target, not to the card: the same card may have
/// another verdict elsewhere.
pub const BEYOND_TARGET: &str = "this target can't do that to a card";

/// What a step of a case gives.
pub type Step<T> = Result<T, Stop>;

/// What a whole case gives.
pub type Outcome = Step<()>;

/// Marks steps that only bring the card to where the question can be asked.
pub trait Preamble {
    /// Turns a FAIL into INCONCLUSIVE: what failed here is another case's question.
    #[must_use]
    fn preamble(self) -> Self;
}

impl<T> Preamble for Step<T> {
    fn preamble(self) -> Self {
        self.map_err(|stop| match stop {
            Stop::Fail(why) => Stop::Inconclusive(format!("in the preparation: {why}")),
            other => other,
        })
    }
}

/// Says where in a case a step stopped.
pub trait At {
    /// Puts a few words before the reason.
    #[must_use]
    fn at(self, place: impl Place) -> Self;
}

/// A few words, or what makes them when they are needed.
pub trait Place {
    /// The words.
    fn words(self) -> String;
}

impl Place for &str {
    fn words(self) -> String {
        self.to_owned()
    }
}

impl Place for &String {
    fn words(self) -> String {
        self.clone()
    }
}

impl<F: FnOnce() -> String> Place for F {
    fn words(self) -> String {
        self()
    }
}

impl<T> At for Step<T> {
    fn at(self, place: impl Place) -> Self {
        self.map_err(|stop| stop.at(&place.words()))
    }
}

/// Stops the case with FAIL unless the condition holds.
macro_rules! require {
    ($condition:expr, $($reason:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            return Err($crate::outcome::Stop::Fail(format!($($reason)+)));
        }
    };
}
pub(crate) use require;

/// Stops the case with INCONCLUSIVE unless its question is really put: with as many coins, samples
/// or steps as it needs.
macro_rules! put {
    ($condition:expr, $($reason:tt)+) => {
        let holds: bool = $condition;
        if !holds {
            let reason = format!($($reason)+);
            return Err($crate::outcome::Stop::Inconclusive(format!(
                "the question wasn't put: {reason}"
            )));
        }
    };
}
pub(crate) use put;
