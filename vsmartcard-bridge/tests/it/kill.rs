//! `kill -9` of the emulator while its card works: see `killing`.

use std::env;

use crate::killing::{Run, SEED};

fn kills(kills: usize) -> Run {
    let seed = env::var(SEED).map_or(1, |seed| seed.parse().unwrap());
    Run { kills, seed }
}

#[test]
fn at_a_random_moment() {
    crate::killing::at_a_random_moment(kills(260));
}

#[test]
fn as_soon_as_the_answer_is_there() {
    crate::killing::as_soon_as_the_answer_is_there(kills(60));
}

#[test]
fn between_two_writes() {
    crate::killing::between_two_writes(kills(60));
}
