//! Many stories, on all processors.

use std::fmt;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::card::{MakeCard, reference_card};
use crate::story::{Played, play};
use crate::world::{Failure, World};

/// What came of many stories.
#[derive(Debug, Default)]
pub struct Report {
    /// How many were played.
    pub stories: u64,
    /// How many rules were broken.
    pub violations: u64,
    /// The number of the first story that broke one.
    pub first: Option<u64>,
    /// A digest of all that happened.
    pub digest: u64,
}

/// Plays these stories of this seed with the card as it is, on all processors, and prints each that
/// breaks a rule.
///
/// # Errors
/// When the world can't be made.
pub fn run_all(seed: u64, stories: Range<u64>) -> Result<Report, Failure> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    run_on(threads, seed, stories)
}

/// [`run_all`] on so many threads.
///
/// # Errors
/// When the world can't be made.
pub fn run_on(threads: usize, seed: u64, stories: Range<u64>) -> Result<Report, Failure> {
    let world = World::new()?;
    let told = |number, played: &Played| print!("story {number} of seed {seed}:\n{played}");
    Ok(run(&world, &reference_card, seed, stories, threads, &told))
}

/// Plays these stories of this seed on so many threads, and tells `told` of each
/// that breaks a rule. How many threads there are changes nothing but the order of what is told.
pub fn run(
    world: &World,
    make: MakeCard<'_>,
    seed: u64,
    stories: Range<u64>,
    threads: usize,
    told: &(dyn Fn(u64, &Played) + Sync),
) -> Report {
    let next = AtomicU64::new(stories.start);
    let report = Mutex::new(Report::default());
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= stories.end {
                return;
            }
            let played = play(world, make, seed, number);
            if !played.violations.is_empty() {
                told(number, &played);
            }
            let mut report = report.lock().expect("no thread panics while it counts");
            report.count(number, &played);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(work);
        }
    });
    report
        .into_inner()
        .expect("no thread panics while it counts")
}

impl Report {
    /// That of one story.
    pub fn of(number: u64, played: &Played) -> Self {
        let mut report = Self::default();
        report.count(number, played);
        report
    }

    fn count(&mut self, number: u64, played: &Played) {
        self.stories += 1;
        // The order in which stories end is the threads'.
        self.digest = self.digest.wrapping_add(played.digest());
        if !played.violations.is_empty() {
            self.violations += played.violations.len() as u64;
            self.first = Some(self.first.map_or(number, |first| first.min(number)));
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} stories, {} violations",
            self.stories, self.violations
        )
    }
}
