//! Whether two questions take a card the same time. Of any card.

use super::prelude::*;
use crate::report::{Figure, Series};

/// Standard deviations of the rank statistic above which two kinds differ: one chance in 10⁹ for
/// equal ones, and a FAIL needs it twice.
const THRESHOLD: f64 = 6.0;
/// Interquartile range of a normal distribution, in standard deviations.
const QUARTILES: f64 = 1.349;

/// How often each of the two kinds is measured.
#[derive(Clone, Copy)]
pub(crate) struct Kinds {
    /// Measurements of each kind, n.
    pub(crate) samples: usize,
    /// The shift, in standard deviations of one measurement, that so many measurements of each
    /// kind pass the threshold with at nine times in ten: P(X < Y) must reach
    /// ½ + 7.3·√((2n + 1)/(12n²)), and for normal noise a shift of d gives Φ(d/√2).
    pub(crate) seen_from: f64,
}

/// Puts a question of the kind 0 or 1, and tells how many nanoseconds its answer took.
pub(crate) type Ask<'a> = &'a mut dyn FnMut(&mut CaseContext, usize) -> Step<u64>;

struct Measured {
    z: f64,
    /// Standard deviation of one measurement, in nanoseconds, from the quartiles.
    spread: f64,
}

/// The two kinds, asked in random order, must take equal times, by rank (Mann-Whitney), in one of
/// two independent runs.
pub(crate) fn require_equal_times(
    ctx: &mut CaseContext,
    what: &str,
    names: [&str; 2],
    kinds: Kinds,
    ask: Ask<'_>,
) -> Outcome {
    let mut found = [0.0; 2];
    for (z, run) in found.iter_mut().zip(["first run", "second run"]) {
        let measured = measure(ctx, what, names, kinds, run, ask)?;
        ctx.measure(&format!("{run}: rank statistic z"), measured.z);
        ctx.measure(
            &format!("{run}: difference seen nine times in ten, ns"),
            kinds.seen_from * measured.spread,
        );
        *z = measured.z;
        if z.abs() <= THRESHOLD {
            return Ok(());
        }
    }
    let [first, second] = found;
    Err(Stop::Fail(format!(
        "{what} takes longer or shorter with {} than with {}: z = {first:.1} and {second:.1} in \
         two independent runs",
        names[0], names[1]
    )))
}

fn measure(
    ctx: &mut CaseContext,
    what: &str,
    names: [&str; 2],
    kinds: Kinds,
    run: &str,
    ask: Ask<'_>,
) -> Step<Measured> {
    let mut order: Vec<usize> = (0..2 * kinds.samples).map(|at| at % 2).collect();
    let mut stream = ctx.values.stream(run);
    for at in (1..order.len()).rev() {
        order.swap(at, stream.below(at as u64 + 1) as usize);
    }
    let mut times: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    for kind in order {
        times[kind].push(ask(ctx, kind)?);
    }
    let series = names.into_iter().zip(&times);
    let series = series.map(|(name, times)| Series {
        name: name.to_owned(),
        at: Vec::new(),
        values: times.iter().map(|time| *time as f64 / 1000.0).collect(),
    });
    ctx.draw(Figure::Scatter {
        title: format!("{what}, {run}"),
        measured: "time, µs".to_owned(),
        at: None,
        series: series.collect(),
    });
    Ok(compare(&times[0], &times[1]))
}

fn compare(first: &[u64], second: &[u64]) -> Measured {
    let (mut below, mut ties) = (0_u64, 0_u64);
    for a in first {
        for b in second {
            below += u64::from(a < b);
            ties += u64::from(a == b);
        }
    }
    let (m, n) = (first.len() as f64, second.len() as f64);
    let u = below as f64 + ties as f64 / 2.0;
    let z = (u - m * n / 2.0) / (m * n * (m + n + 1.0) / 12.0).sqrt();
    let mut all = [first, second].concat();
    all.sort_unstable();
    let quarter = all.len() / 4;
    let spread = (all[3 * quarter] - all[quarter]) as f64 / QUARTILES;
    Measured { z, spread }
}

#[cfg(test)]
mod tests {
    use super::{THRESHOLD, compare};
    use crate::values::{Stream, Values};

    /// Twelve bytes' sum: near enough to a normal distribution. Its standard deviation is 256.
    fn noise(stream: &mut Stream) -> f64 {
        stream
            .bytes::<12>()
            .iter()
            .map(|byte| f64::from(*byte))
            .sum()
    }

    fn z(stream: &mut Stream, samples: usize, shift: f64) -> f64 {
        let mut draw = |shift: f64| -> Vec<u64> {
            (0..samples)
                .map(|_| (noise(stream) + shift) as u64)
                .collect()
        };
        let (first, second) = (draw(0.0), draw(shift));
        compare(&first, &second).z.abs()
    }

    #[test]
    fn equal_kinds_pass_and_the_stated_difference_is_seen() {
        let mut stream = Values::new(1, "timing").stream("noise");
        for (samples, seen_from) in [(300, 0.63), (150, 0.93)] {
            let mut above = |shift: f64| {
                let runs = 0..200;
                let z = runs.map(|_| z(&mut stream, samples, shift));
                z.filter(|z| *z > THRESHOLD).count()
            };
            assert_eq!(above(0.0), 0);
            let seen = above(seen_from * 256.0);
            assert!((160..=200).contains(&seen), "{seen} of 200 at {samples}");
        }
    }
}
