//! The kills of `kill.rs` with other plans, other moments and other bytes: see `killing`.

use crate::killing::Run;

/// The runs that `kill.rs` makes have the number 1.
const SEEDS: std::ops::RangeInclusive<u64> = 2..=11;

fn runs(kills: usize) -> impl Iterator<Item = Run> {
    SEEDS.map(move |seed| Run { kills, seed })
}

#[test]
fn at_a_random_moment() {
    runs(260).for_each(crate::killing::at_a_random_moment);
}

#[test]
fn as_soon_as_the_answer_is_there() {
    runs(60).for_each(crate::killing::as_soon_as_the_answer_is_there);
}

#[test]
fn between_two_writes() {
    runs(60).for_each(crate::killing::between_two_writes);
}
