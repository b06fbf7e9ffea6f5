//! A story: shops, holders, cards and an adversary, as a seed decides, until it is at rest.

mod attempt;
mod cheat;
mod fingers;
mod household;
mod purchase;
mod rest;
mod script;
mod stage;
mod till;

pub use attempt::{Attempt, Told};
pub use stage::Stage;

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::card::MakeCard;
use crate::dice::Dice;
use crate::invariants::{Violation, violations};
use crate::world::World;

/// What came of a story.
pub struct Played {
    /// What happened.
    pub steps: Vec<String>,
    /// What shouldn't have.
    pub violations: Vec<Violation>,
}

impl Played {
    /// The same for the same story, and hardly for another.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.steps.hash(&mut hasher);
        hasher.finish()
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "  {step}")?;
        }
        for violation in &self.violations {
            writeln!(f, "  VIOLATION {violation}")?;
        }
        Ok(())
    }
}

/// Of so many stories, one is at home: they take longer.
const HOME: u64 = 100;

/// Plays this story.
pub fn play(world: &World, make: MakeCard<'_>, seed: u64, number: u64) -> Played {
    let dice = Dice::new(seed, number);
    if number % HOME == HOME - 1 {
        return crate::home::play(&world.home, make, dice);
    }
    let mut stage = Stage::new(world, make, dice);
    script::play(&mut stage);
    rest::play(&mut stage);
    let violations = violations(&stage);
    Played {
        steps: stage.steps.take(),
        violations,
    }
}
