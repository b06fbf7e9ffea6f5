//! Where a story could go on differently: the honest way is choice 0.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Who chooses.
pub(super) enum Choices {
    /// Dice; the honest way half of the time.
    Dice(Box<ChaCha20Rng>),
    /// The honest way but at these points.
    Script {
        deviations: Vec<(usize, usize)>,
        /// How many ways there were at each point so far.
        points: Vec<usize>,
    },
}

impl Choices {
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
            Self::Script { deviations, points } => {
                let here = points.len();
                points.push(ways);
                let deviation = deviations.iter().find(|(point, _)| *point == here);
                deviation.map_or(0, |(_, way)| *way)
            }
        }
    }

    /// Whether `way` (not the honest one) is taken.
    pub(super) fn happens(&mut self) -> bool {
        self.choose(2) == 1
    }

    /// Whether something happens that may happen at any time, and seldom does.
    pub(super) fn strikes(&mut self) -> bool {
        match self {
            Self::Dice(rng) => rng.next_u32() % 24 == 0,
            Self::Script { .. } => self.happens(),
        }
    }
}

/// Tells every story with at most `most` deviations from the honest way; returns how many.
pub(super) fn all_stories(most: usize, tell: &mut dyn FnMut(&mut Choices)) -> usize {
    let mut stories = 0;
    let mut scripts = vec![Vec::new()];
    while let Some(deviations) = scripts.pop() {
        let mut choices = Choices::Script {
            deviations,
            points: Vec::new(),
        };
        tell(&mut choices);
        stories += 1;
        let Choices::Script { deviations, points } = choices else {
            continue;
        };
        if deviations.len() == most {
            continue;
        }
        let first = deviations.last().map_or(0, |(point, _)| point + 1);
        for (point, ways) in points.iter().enumerate().skip(first) {
            for way in 1..*ways {
                let mut longer = deviations.clone();
                longer.push((point, way));
                scripts.push(longer);
            }
        }
    }
    stories
}
