//! Ratios of medians, measured in one run with the candidates taking turns, so that a slow minute
//! of the machine is everybody's.

use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long something takes.
pub fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    let result = work();
    let elapsed = started.elapsed();
    drop(result);
    elapsed
}

/// The medians of two things that take turns `rounds` times, a few rounds of warming up aside.
pub fn medians(
    rounds: usize,
    mut a: impl FnMut() -> Duration,
    mut b: impl FnMut() -> Duration,
) -> (Duration, Duration) {
    for _ in 0..rounds / 10 {
        a();
        b();
    }
    let (a, b) = (0..rounds).map(|_| (a(), b())).unzip();
    (median(a), median(b))
}

pub fn median(mut samples: Vec<Duration>) -> Duration {
    samples.sort_unstable();
    samples[samples.len() / 2]
}

/// A ratio that must stay on one side of a bound.
pub struct Ratio {
    pub name: &'static str,
    pub measured: Duration,
    pub against: Duration,
    pub bound: Bound,
}

pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Ratio {
    fn value(&self) -> f64 {
        self.measured.as_secs_f64() / self.against.as_secs_f64()
    }

    fn holds(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.value() <= bound,
            Bound::AtLeast(bound) => self.value() >= bound,
        }
    }
}

/// Prints the ratios; fails when one is on the wrong side of its bound.
pub fn report(ratios: &[Ratio]) -> ExitCode {
    for ratio in ratios {
        let Ratio {
            name,
            measured,
            against,
            ..
        } = ratio;
        let bound = match ratio.bound {
            Bound::AtMost(bound) => format!("at most {bound}"),
            Bound::AtLeast(bound) => format!("at least {bound}"),
        };
        let verdict = if ratio.holds() { "ok" } else { "FAILED" };
        println!(
            "{name}: {:.2} ({measured:.1?} / {against:.1?}; {bound}) {verdict}",
            ratio.value()
        );
    }
    if ratios.iter().all(Ratio::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
