//! Where a card's randomness comes from.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sha2::{Digest, Sha256};

/// What a card's random generator starts from.
#[derive(Clone, Copy, Default)]
pub enum Seed {
    /// The operating system's random numbers: what every card needs that isn't for a test.
    #[default]
    System,
    /// A number that anyone can guess: the whole card, keys included, can be made again by whoever
    /// knows it. For tests.
    ///
    /// The generator starts from a hash of this number, the card's name and its life, that is how
    /// often the card was opened before. So the same number makes the same card again from the
    /// first key on, and a card that is opened again doesn't repeat the challenges and nonces of
    /// its earlier lives; two cards of one store are never twins.
    Number(u64),
}

/// The operating system refused to give random numbers.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random numbers: {0}")]
pub struct NoRandomness(getrandom::Error);

impl NoRandomness {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self(_) => "no-randomness",
        }
    }
}

impl Seed {
    /// The generator for the life `life` of the card `name`.
    ///
    /// # Errors
    /// [`NoRandomness`], with [`Seed::System`] only.
    pub fn generator(self, name: &str, life: u64) -> Result<ChaCha20Rng, NoRandomness> {
        let mut seed = <ChaCha20Rng as SeedableRng>::Seed::default();
        match self {
            Self::System => getrandom::fill(&mut seed).map_err(NoRandomness)?,
            Self::Number(number) => {
                let mut hash = Sha256::new();
                hash.update(b"tillcard-emu/random-generator");
                hash.update(number.to_be_bytes());
                hash.update(life.to_be_bytes());
                hash.update(name.as_bytes());
                seed = hash.finalize().into();
            }
        }
        Ok(ChaCha20Rng::from_seed(seed))
    }
}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;

    fn first(seed: Seed, name: &str, life: u64) -> u64 {
        seed.generator(name, life).unwrap().next_u64()
    }

    #[test]
    fn a_number_makes_the_same_card_again() {
        assert_eq!(
            first(Seed::Number(7), "a", 0),
            first(Seed::Number(7), "a", 0)
        );
    }

    #[test]
    fn number_name_and_life_each_make_another_generator() {
        let all = [
            first(Seed::Number(7), "a", 0),
            first(Seed::Number(8), "a", 0),
            first(Seed::Number(7), "b", 0),
            first(Seed::Number(7), "a", 1),
            first(Seed::System, "a", 0),
            first(Seed::System, "a", 0),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(
                !all[..at].contains(one),
                "generator {at} repeats an earlier one"
            );
        }
    }
}
