//! `kill -9` of the emulator while its card works: key, PIN tries and coins are afterwards as they
//! were before the command or as they are after it, and as they are after it if it was answered.
//!
//! There are three ways to choose the moment: at random, as soon as the answer is there, or at a
//! random byte strictly between the first and the last byte that the command changes in the NVM.

mod command;
mod halted;
mod plan;
mod running;
mod tally;
mod victim;

use std::io::{self, Write};

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use tillcard_emu::Seed;

pub use halted::between_two_writes;
pub use running::{as_soon_as_the_answer_is_there, at_a_random_moment};

/// Repeats a run: the number that it printed.
pub const SEED: &str = "TILLCARD_SEED";

/// Kills of one card, few enough that its log of payments doesn't fill up.
const PER_CARD: usize = 40;

/// How many times what is killed, and the number that repeats it.
#[derive(Clone, Copy)]
pub struct Run {
    pub kills: usize,
    pub seed: u64,
}

impl Run {
    fn dice(self, name: &str) -> ChaCha20Rng {
        tell(&format!("{name}: {SEED}={}\n", self.seed));
        Seed::Number(self.seed).generator(name, 0).unwrap()
    }
}

fn below(dice: &mut ChaCha20Rng, limit: u64) -> u64 {
    dice.next_u64() % limit
}

/// Prints past the test harness, which would keep it to itself.
fn tell(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
