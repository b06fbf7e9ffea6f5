//! What a case sent and got, as far as a page has room for it.

use crate::trace::{Line, lines};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::Path;

/// How many lines of a case stand at its beginning.
const FIRST: usize = 5;
/// How many stand at the end of one that passed.
const LAST: usize = 5;
/// How many at the end of one that didn't.
const LAST_OF_OTHERS: usize = 40;

/// The beginning and the end of what one case sent and got.
#[derive(Default)]
pub struct Excerpt {
    pub(super) first: Vec<Line<'static>>,
    pub(super) last: VecDeque<Line<'static>>,
    /// How many lines between them aren't shown.
    pub(super) left_out: usize,
}

/// Excerpts of a trace, by case.
#[derive(Default)]
pub struct Evidence(HashMap<String, Excerpt>);

impl Evidence {
    /// Draws from a trace; `passed` says which cases have little to explain.
    ///
    /// # Errors
    /// When the trace can't be read.
    pub fn of(trace: &Path, passed: impl Fn(&str) -> bool) -> io::Result<Self> {
        let mut cases: HashMap<String, Excerpt> = HashMap::new();
        for line in lines(trace)? {
            let line = line?;
            let case = line.case.as_ref();
            let most = if passed(case) { LAST } else { LAST_OF_OTHERS };
            let excerpt = cases.entry(case.to_owned()).or_default();
            if excerpt.first.len() < FIRST {
                excerpt.first.push(line);
                continue;
            }
            excerpt.last.push_back(line);
            if excerpt.last.len() > most {
                excerpt.last.pop_front();
                excerpt.left_out += 1;
            }
        }
        Ok(Self(cases))
    }

    pub(super) fn case(&self, id: &str) -> Option<&Excerpt> {
        self.0.get(id)
    }
}
