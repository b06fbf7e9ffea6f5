//! What a test case is.

use crate::context::CaseContext;
use crate::outcome::Outcome;
use crate::requirements::Req;
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// One test case of the catalogue.
pub struct Case {
    /// `TC-<AREA>-<nn>`; once retired, never used again.
    pub id: &'static str,
    /// Raised when the case asks for more or for something else than before.
    pub version: u16,
    /// What it shows, and, where a black box can't show all of a requirement, what it doesn't.
    pub purpose: &'static str,
    /// The requirements of `docs/protocol.md` that it is about.
    pub requirements: &'static [Req],
    /// The card that it needs.
    pub start: Start,
    /// What it does to that card.
    pub level: Level,
    /// The defect of a card that it must catch.
    pub defect: &'static str,
    /// The steps and the oracle.
    pub run: fn(&mut CaseContext) -> Outcome,
}

impl Case {
    /// The area in its id: `PIN` of `TC-PIN-03`.
    #[must_use]
    pub fn area(&self) -> &'static str {
        self.id.split('-').nth(1).unwrap_or_default()
    }

    /// How far a card is worn by the case and by what brings the card to it.
    #[must_use]
    pub fn wears(&self) -> Level {
        match self.start {
            Start::Factory => self.level,
            _ => Level::D3,
        }
    }

    /// Whether a filter means this case: its whole id (`TC-PIN-03`), its area (`TC-PIN` or
    /// `PIN`), or the number of a requirement that it is about (`PIN-3`, which isn't `PIN-30`).
    #[must_use]
    pub fn matches(&self, filter: &str) -> bool {
        self.id == filter
            || self.area() == filter.strip_prefix("TC-").unwrap_or(filter)
            || self.requirements.iter().any(|req| req.id() == filter)
    }
}

/// The card that a case needs.
///
/// A card that was issued is taken for a fresh one again only where cards are few
/// ([`Thrift`](crate::supply::Thrift)), since whether FACTORY RESET makes it one is itself asked.
/// Otherwise every card but the one of `Factory` cases is used up by being prepared: preparing is
/// D3 whatever the case itself does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// A card that was never issued, and isn't by the case either. Shared by all such cases.
    Factory,
    /// An issued card without coins, left so. Shared by all such cases.
    Issued,
    /// An issued card with twenty coins, left so. Shared by all such cases.
    Funded,
    /// A card never issued, for this case alone, which may issue it and use it up.
    Own,
    /// After all other cases: it judges what the whole run showed, and puts cards in itself where
    /// there was none.
    AfterAll,
}

impl Start {
    /// Whether other cases use the same card afterwards.
    #[must_use]
    pub const fn is_shared(self) -> bool {
        matches!(self, Self::Factory | Self::Issued | Self::Funded)
    }
}

impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Factory => "factory",
            Self::Issued => "issued",
            Self::Funded => "funded",
            Self::Own => "own",
            Self::AfterAll => "after-all",
        })
    }
}

/// How much a case does to its card. Ordered.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
pub enum Level {
    /// Changes nothing persistent.
    #[default]
    D0,
    /// Uses up PIN tries and restores them.
    D1,
    /// Overwrites keys. No case does that and no more: the account key is made once, and those
    /// that change the owner key issue their card too.
    D2,
    /// Can't be undone: issues, enters coins, pays, or blocks the PIN.
    D3,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::D0 => "D0",
            Self::D1 => "D1",
            Self::D2 => "D2",
            Self::D3 => "D3",
        })
    }
}
