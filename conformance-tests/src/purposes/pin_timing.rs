//! How long the comparison of a PIN takes. Of any card.

use super::prelude::*;
use crate::report::{Figure, Series};

/// Measurements of each kind.
const SAMPLES: usize = 300;
/// Standard deviations of the rank statistic above which two kinds differ: one chance in 10⁹ for
/// equal ones, and a FAIL needs it twice.
const THRESHOLD: f64 = 6.0;
/// The shift, in standard deviations of one measurement, that 300 measurements of each kind pass
/// the threshold with at nine times in ten: P(X < Y) must reach ½ + 7.3·√((2·300 + 1)/(12·300²)),
/// and for normal noise a shift of d gives Φ(d/√2).
const SEEN_FROM: f64 = 0.63;
/// Interquartile range of a normal distribution, in standard deviations.
const QUARTILES: f64 = 1.349;

cases! {
    "TC-PIN-13" version 1 on Issued D1 for [PIN_8] runs comparison:
        "VERIFY takes the same time whether the first or the last digit is wrong: 300 measurements \
         of each, in random order, compared by rank (Mann-Whitney); FAIL needs |z| > 6 in two \
         independent runs. The report says which difference would have been seen. On a link with \
         more noise than the card's comparison takes, as every PC reader is, only a gross early \
         exit shows; equal instructions are for a review of the code."
        catches "A comparison that stops, or waits, at the first wrong digit.";
}

struct Measured {
    z: f64,
    /// Standard deviation of one measurement, in nanoseconds, from the quartiles.
    spread: f64,
}

fn comparison(ctx: &mut CaseContext) -> Outcome {
    let first = measure(ctx, "first run")?;
    report(ctx, "first run", &first);
    if first.z.abs() <= THRESHOLD {
        return Ok(());
    }
    let second = measure(ctx, "second run")?;
    report(ctx, "second run", &second);
    require!(
        second.z.abs() <= THRESHOLD,
        "VERIFY takes longer or shorter when another digit is wrong: z = {:.1} and {:.1} in two \
         independent runs",
        first.z,
        second.z
    );
    Ok(())
}

fn report(ctx: &mut CaseContext, run: &str, measured: &Measured) {
    ctx.measure(&format!("{run}: rank statistic z"), measured.z);
    ctx.measure(
        &format!("{run}: difference seen nine times in ten, ns"),
        SEEN_FROM * measured.spread,
    );
}

fn measure(ctx: &mut CaseContext, run: &str) -> Step<Measured> {
    let wrong = ctx.driver().wrong_pins()?;
    let digits = wrong
        .iter()
        .filter(|(name, _)| name.starts_with("a wrong digit"))
        .count();
    let fields = [&wrong[0].1, &wrong[digits - 1].1];
    let mut order: Vec<usize> = (0..2 * SAMPLES).map(|at| at % 2).collect();
    let mut stream = ctx.values.stream(run);
    for at in (1..order.len()).rev() {
        order.swap(at, stream.below(at as u64 + 1) as usize);
    }
    let card = ctx.driver();
    let left = card.most_tries() - 1;
    let mut times: [Vec<u64>; 2] = [Vec::new(), Vec::new()];
    for kind in order {
        card.expect_presented(fields[kind], Presented::Wrong { left }, "a wrong digit")?;
        times[kind].push(card.took_ns());
        card.expect_right("the right PIN")?;
    }
    let names = ["first digit wrong", "last digit wrong"];
    let series = names.into_iter().zip(&times);
    let series = series.map(|(name, times)| Series {
        name: name.to_owned(),
        at: Vec::new(),
        values: times.iter().map(|time| *time as f64 / 1000.0).collect(),
    });
    ctx.draw(Figure::Scatter {
        title: format!("VERIFY of a wrong PIN, {run}"),
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
    use super::{SAMPLES, SEEN_FROM, THRESHOLD, compare};
    use crate::values::{Stream, Values};

    /// Twelve bytes' sum: near enough to a normal distribution. Its standard deviation is 256.
    fn noise(stream: &mut Stream) -> f64 {
        stream
            .bytes::<12>()
            .iter()
            .map(|byte| f64::from(*byte))
            .sum()
    }

    fn z(stream: &mut Stream, shift: f64) -> f64 {
        let mut draw = |shift: f64| -> Vec<u64> {
            (0..SAMPLES)
                .map(|_| (noise(stream) + shift) as u64)
                .collect()
        };
        let (first, second) = (draw(0.0), draw(shift));
        compare(&first, &second).z.abs()
    }

    #[test]
    fn equal_kinds_pass_and_the_stated_difference_is_seen() {
        let mut stream = Values::new(1, "timing").stream("noise");
        let equal = (0..200).filter(|_| z(&mut stream, 0.0) > THRESHOLD).count();
        assert_eq!(equal, 0);
        let seen = (0..200)
            .filter(|_| z(&mut stream, SEEN_FROM * 256.0) > THRESHOLD)
            .count();
        assert!((160..=200).contains(&seen), "{seen} of 200");
    }
}
