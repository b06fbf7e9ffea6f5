//! What the tester asks of a run.

use crate::case::Level;
use crate::context::Settings;
use crate::proforma::{Ics, Ixit};
use crate::report::{Begun, Sample};
use crate::supply::Thrift;
use crate::waivers::Waiver;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Which cases to run, and how.
#[derive(Clone, Default)]
pub struct Options {
    /// What the tester says of the cards.
    pub settings: Settings,
    /// Only the cases that one of these means; all when empty.
    pub filters: Vec<String>,
    /// How far cards may be worn. Cases that wear them further are INCONCLUSIVE.
    pub level: Level,
    /// Divergences that are put up with.
    pub waivers: Vec<Waiver>,
    /// How cards are spent.
    pub thrift: Thrift,
    /// Where the trace goes.
    pub trace: Option<PathBuf>,
    /// Which sample is tested, and by whom.
    pub sample: Sample,
    /// What the card's maker says of it.
    pub ics: Option<Ics>,
    /// How it is tested here.
    pub ixit: Option<Ixit>,
    /// Where it goes who owns the cards, so that a run can go on with a card that was issued.
    pub owners: Option<PathBuf>,
    /// How many cards are tested side by side, where the target has so many; one, if nobody says
    /// it, or where cards are used again.
    pub jobs: Option<NonZeroUsize>,
    /// How long the run may take.
    pub most_time: Option<Duration>,
    /// The run so far, where this one goes on with it.
    pub begun: Option<Begun>,
    /// The arguments of the program, for the report.
    pub arguments: Vec<String>,
}
