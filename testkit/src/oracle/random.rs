//! Choices.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub struct Random(pub ChaCha20Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(seed))
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// Uniform in the logarithm.
    pub fn amount(&mut self, least: u64, most: u64) -> u64 {
        let u = self.below(1 << 52) as f64 / (1u64 << 52) as f64;
        let (low, high) = ((least as f64).ln(), (most as f64).ln());
        ((low + u * (high - low)).exp() as u64).clamp(least, most)
    }
}
