//! Whether the suite notices mutants.

use crate::{MUTANTS, Mutant, Mutated, run};
use serde::Serialize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use tillcard_conform::outcome::Verdict;

/// What the suite said of a mutant.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// The file of `rows/` that describes it.
    pub area: &'static str,
    /// What is wrong with the card.
    pub name: &'static str,
    /// The requirements that it breaks.
    pub breaks: &'static [&'static str],
    /// The cases that failed.
    pub killed_by: Vec<String>,
    /// The cases that should have failed and didn't, with what they said.
    pub missed_by: Vec<String>,
}

impl Judged {
    /// Whether a case failed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        !self.killed_by.is_empty()
    }
}

/// What the cases say that the mutant's row names.
#[must_use]
pub fn by_its_cases(mutant: &'static Mutant) -> Judged {
    let mut judged = nothing_said(mutant);
    let report = run(Box::new(Mutated::new(mutant)), mutant.caught_by);
    for id in mutant.caught_by {
        let case = report.cases.iter().find(|case| case.id == *id);
        match case.map(|case| (case.verdict, case.reason.as_deref().unwrap_or_default())) {
            Some((Verdict::Fail, _)) => judged.killed_by.push((*id).to_owned()),
            Some((verdict, reason)) => judged.missed_by.push(format!("{id} {verdict} {reason}")),
            None => judged.missed_by.push(format!("{id} not run")),
        }
    }
    judged
}

/// What all cases say that are about a requirement which the mutant breaks.
#[must_use]
pub fn by_requirement(mutant: &'static Mutant) -> Judged {
    let mut judged = nothing_said(mutant);
    let report = run(Box::new(Mutated::new(mutant)), mutant.breaks);
    let failed = report
        .cases
        .into_iter()
        .filter(|case| case.verdict == Verdict::Fail);
    judged.killed_by.extend(failed.map(|case| case.id));
    judged
}

/// The mutants whose name or area holds one of the texts; all when there is none.
#[must_use]
pub fn chosen(texts: &[String]) -> Vec<&'static Mutant> {
    let is_meant = |mutant: &&Mutant| {
        texts.is_empty()
            || (texts.iter()).any(|text| mutant.area == text || mutant.name.contains(text))
    };
    MUTANTS.iter().filter(is_meant).collect()
}

/// What `judge` says of the items, in their order; as many threads ask as there are processors.
///
/// # Panics
/// When `judge` does.
pub fn on_all_processors<T: Sync, J: Send>(items: &[T], judge: impl Fn(&T) -> J + Sync) -> Vec<J> {
    let next = AtomicUsize::new(0);
    let said = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { break };
                    let judged = judge(item);
                    said.lock().expect("no judge panics").push((at, judged));
                }
            });
        }
    });
    let mut said = said.into_inner().expect("no judge panics");
    said.sort_by_key(|(at, _)| *at);
    said.into_iter().map(|(_, judged)| judged).collect()
}

fn nothing_said(mutant: &Mutant) -> Judged {
    Judged {
        area: mutant.area,
        name: mutant.name,
        breaks: mutant.breaks,
        killed_by: Vec::new(),
        missed_by: Vec::new(),
    }
}
