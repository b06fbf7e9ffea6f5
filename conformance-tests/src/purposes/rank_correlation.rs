//! Whether one number goes with another, whatever the form of it.

/// Spearman's rank correlation of two equally long lists, in standard deviations of what chance
/// gives; 0 where one of them has one value only.
pub(crate) fn rank_correlation(first: &[f64], second: &[f64]) -> f64 {
    let (first, second) = (ranks(first), ranks(second));
    let count = first.len() as f64;
    let mean = (count + 1.0) / 2.0;
    let sum = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let spread = (sum(&first, &first) * sum(&second, &second)).sqrt();
    if spread == 0.0 {
        return 0.0;
    }
    sum(&first, &second) / spread * (count - 1.0).sqrt()
}

/// The rank of each, from 1; equal ones have the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        for at in equal {
            ranks[*at] = rank;
        }
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{rank_correlation, ranks};
    use crate::values::Values;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[5.0, 1.0, 5.0, 9.0]), [2.5, 1.0, 2.5, 4.0]);
    }

    #[test]
    fn chance_stays_below_the_bound_and_the_stated_correlation_is_seen() {
        let mut stream = Values::new(1, "correlation").stream("noise");
        let mut noise = || -> f64 { stream.bytes::<12>().iter().map(|b| f64::from(*b)).sum() };
        let mut above = |weight: f64| {
            let runs = (0..100).filter(|_| {
                let length: Vec<f64> = (0..2_000).map(|_| noise()).collect();
                let time: Vec<f64> = (length.iter())
                    .map(|length| weight * length + noise())
                    .collect();
                rank_correlation(&length, &time).abs() > 5.0
            });
            runs.count()
        };
        assert_eq!(above(0.0), 0);
        // 0.143 / √(1 + 0.143²) = 0.14.
        let seen = above(0.143);
        assert!((80..=100).contains(&seen), "{seen} of 100");
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
    }
}
