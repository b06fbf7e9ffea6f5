//! The reference card with one defect at a time, to test the conformance suite.
//!
//! The build script copies the card's sources and puts every mutant of `rows/` into the copy, each
//! behind a switch ([`is_on`]), so that one compilation holds all of them. [`Mutated`] gives cards
//! with one of them.
//!
//! No program that is shipped knows this crate.

extern crate self as tillcard_mutants;

pub mod kill;
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

use tillcard_conform::card_under_test::Target;
use tillcard_conform::report::Report;
use tillcard_conform::runner::run_silently;

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
    /// The cases that must fail.
    pub caught_by: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/table.rs"));

/// Where the suite's test values and the cards' randomness come from.
const SEED: u64 = 3;

/// What the suite says of the target's cards: those cases that a filter means, or all.
#[must_use]
pub fn run(target: Box<dyn Target>, filters: &[&str]) -> Report {
    run_silently(target, SEED, filters)
}
