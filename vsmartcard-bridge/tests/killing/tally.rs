//! What became of the kills.

use std::collections::BTreeMap;

use super::command::Move;
use super::plan::Outcome;
use super::tell;

/// The outcomes of kills, by command.
#[derive(Default)]
pub struct Tally(BTreeMap<(String, Outcome), usize>);

impl Tally {
    pub fn add(&mut self, victim: &Move, outcome: Outcome) {
        *self.0.entry((victim.to_string(), outcome)).or_default() += 1;
    }

    pub fn count(&self, wanted: impl Fn(&str, Outcome) -> bool) -> usize {
        let counts = self
            .0
            .iter()
            .filter(|((victim, outcome), _)| wanted(victim, *outcome));
        counts.map(|(_, count)| count).sum()
    }

    pub fn print(&self, title: &str) {
        let mut text = format!("{title}: {} kills\n", self.count(|_, _| true));
        for ((victim, outcome), count) in &self.0 {
            let outcome = match outcome {
                Outcome::Nothing => "nothing to write",
                Outcome::Before => "as before",
                Outcome::TryUsed => "try used up, not yet given back",
                Outcome::After => "as after",
            };
            text += &format!("  {count:>4}  {victim:<22}  {outcome}\n");
        }
        tell(&text);
    }
}
