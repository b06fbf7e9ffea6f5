//! Runs cases, one after the other or on several cards side by side, and keeps the report.

mod one;
mod side_by_side;
mod whole;

pub use one::FUNDED;

use crate::card_under_test::Target;
use crate::case::{Case, Level};
use crate::context::Settings;
use crate::failure::Failure;
use crate::options::Options;
use crate::report::{CaseReport, Report};
use side_by_side::side_by_side;
use whole::Run;

/// Hears how the run goes.
pub trait Progress {
    /// A case begins: the `done`th of `total`, from 0.
    fn begins(&mut self, case: &Case, done: usize, total: usize);
    /// A case ended.
    fn ended(&mut self, report: &CaseReport);
    /// What came of the run so far: before the first case, and after each.
    ///
    /// # Errors
    /// When it can't be kept, which ends the run.
    fn stands(&mut self, report: &Report) -> Result<(), Failure>;
}

/// Says nothing of how a run goes.
struct Silent;

impl Progress for Silent {
    fn begins(&mut self, _: &Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &CaseReport) {}
    fn stands(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

/// Runs the cases that a filter means, or all without filters, on cards of the target, and says
/// nothing meanwhile. The cards are given up for it.
///
/// # Panics
/// Never: only a trace could fail a run, and there is none.
#[must_use]
pub fn run_silently(target: Box<dyn Target>, seed: u64, filters: &[&str]) -> Report {
    let options = Options {
        settings: Settings {
            seed,
            ..Settings::default()
        },
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        level: Level::D3,
        ..Options::default()
    };
    run_quietly(target, &options).expect("a run without a trace can't fail")
}

/// Runs cases, and says nothing meanwhile.
///
/// # Errors
/// As for [`run`].
pub(crate) fn run_quietly(target: Box<dyn Target>, options: &Options) -> Result<Report, Failure> {
    run(target, options, &mut Silent)
}

/// Runs the cases on cards of the target, those that have no verdict yet. The report isn't complete
/// when the first card isn't one that can be tested, when there is no card any more, or when the
/// time is up. Where several cards are tested side by side, verdicts, report and trace come in the
/// order of one job all the same.
///
/// # Errors
/// When report or trace can't be written; failures of cards and readers are verdicts.
pub fn run(
    target: Box<dyn Target>,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Report, Failure> {
    let mut run = Run::begin(target.as_ref(), options, progress)?;
    let rest = side_by_side(&mut run, target.as_ref())?;
    run.one_after_the_other(target, &rest)?;
    run.finish()
}
