//! The reference card with one defect at a time, to test the conformance suite.
//!
//! The build script copies the card's sources and puts every mutant of `rows/` into the copy, each
//! behind a switch ([`is_on`]), so that one compilation holds all of them. [`Mutated`] gives cards
//! with one of them, and [`run`] what the suite says of it.
//!
//! No program that is shipped knows this crate.

extern crate self as tillcard_mutants;

mod switch;
mod target;

/// The copied card. It is written like the original, whose lints are looked at there.
#[allow(warnings, clippy::all, clippy::pedantic)]
#[doc(hidden)]
mod card {
    include!(concat!(env!("OUT_DIR"), "/card.rs"));
}

pub use switch::is_on;
pub use target::Mutated;

use tillcard_conform::case::Case;
use tillcard_conform::context::{REFERENCE_ATR, Settings};
use tillcard_conform::failure::Failure;
use tillcard_conform::options::Options;
use tillcard_conform::report::{CaseReport, Report};
use tillcard_conform::runner::{Progress, run as run_suite};
use tillcard_conform::target::Target;

/// A defect in one place of the card's sources.
#[derive(Debug, Clone, Copy)]
pub struct Mutant {
    /// The number of its switch, from 1.
    pub id: u16,
    /// The file of `rows/` that describes it.
    pub area: &'static str,
    /// What is wrong with the card.
    pub name: &'static str,
    /// The requirements that it breaks.
    pub breaks: &'static [&'static str],
    /// The cases that must fail; none when no case notices it yet.
    pub caught_by: &'static [&'static str],
    /// What a case would have to ask to notice it, when none does.
    pub unnoticed: Option<&'static str>,
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// Says nothing of how a run goes.
struct Quiet;

impl Progress for Quiet {
    fn begins(&mut self, _: &Case, _: usize, _: usize) {}
    fn ended(&mut self, _: &CaseReport) {}
    fn stands(&mut self, _: &Report) -> Result<(), Failure> {
        Ok(())
    }
}

/// What the suite says of the target's cards: those cases that a filter means, or all.
///
/// # Panics
/// Never: only a trace could fail a run, and there is none.
#[must_use]
pub fn run(target: Box<dyn Target>, filters: &[&str]) -> Report {
    let options = Options {
        settings: Settings {
            seed: 3,
            atr: REFERENCE_ATR.to_vec(),
        },
        filters: filters.iter().map(|filter| (*filter).to_owned()).collect(),
        sacrificial: true,
        trace: None,
        arguments: Vec::new(),
    };
    run_suite(target, &options, &mut Quiet).expect("a run without a trace can't fail")
}
