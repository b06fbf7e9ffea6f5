//! Where the world could go on differently: the honest way is choice 0.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Who chooses.
pub(super) enum Choices {
    /// Dice; the honest way half of the time.
    Dice(Box<ChaCha20Rng>),
    /// These ways, then the honest one.
    Ways(Ways),
}

/// Which way is taken at each point of one step, and how many ways there were.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ways {
    taken: Vec<usize>,
    there_were: Vec<usize>,
}

impl Choices {
    pub(super) fn honest() -> Self {
        Self::Ways(Ways::default())
    }

    pub(super) fn dice(seed: u64) -> Self {
        Self::Dice(Box::new(ChaCha20Rng::seed_from_u64(seed)))
    }

    /// One of `ways`.
    pub(super) fn choose(&mut self, ways: usize) -> usize {
        match self {
            Self::Dice(rng) => match rng.next_u32() % 2 {
                0 => 0,
                _ => rng.next_u32() as usize % ways,
            },
            Self::Ways(taken) => taken.choose(ways),
        }
    }

    /// Whether what isn't honest happens.
    pub(super) fn happens(&mut self) -> bool {
        self.choose(2) == 1
    }

    /// One of `ways`, of which all but the honest one are possible at any time, and rare.
    pub(super) fn strikes(&mut self, ways: usize) -> usize {
        match self {
            Self::Dice(rng) => match rng.next_u32() % 12 {
                0 => rng.next_u32() as usize % ways,
                _ => 0,
            },
            Self::Ways(taken) => taken.choose(ways),
        }
    }
}

impl Ways {
    fn choose(&mut self, ways: usize) -> usize {
        let here = self.there_were.len();
        self.there_were.push(ways);
        match self.taken.get(here) {
            Some(way) => *way,
            None => {
                self.taken.push(0);
                0
            }
        }
    }

    /// How often it wasn't the honest way.
    pub(super) fn deviations(&self) -> usize {
        self.taken.iter().filter(|way| **way != 0).count()
    }

    /// The next way through the same step with at most so many deviations, counting up from its end.
    fn next(mut self, most: usize) -> Option<Self> {
        while let Some(way) = self.taken.pop() {
            let is_more = way + 1 < self.there_were[self.taken.len()];
            if is_more && self.deviations() < most {
                self.taken.push(way + 1);
                self.there_were.clear();
                return Some(self);
            }
        }
        None
    }
}

/// What a step leads to in every way with at most so many deviations from the honest one.
pub(super) fn every_way<T>(most: usize, mut step: impl FnMut(&mut Choices) -> T) -> Vec<(Ways, T)> {
    let mut led_to = Vec::new();
    let mut next = Some(Ways::default());
    while let Some(ways) = next.take() {
        let mut choices = Choices::Ways(ways);
        let outcome = step(&mut choices);
        if let Choices::Ways(ways) = choices {
            next = ways.clone().next(most);
            led_to.push((ways, outcome));
        }
    }
    led_to
}
