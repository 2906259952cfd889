//! An interval for a share, from counts.

/// Low and high end of the Wilson score interval at 95% of `part` in `of`, in parts per million; none without anybody.
///
/// Source: E. B. Wilson, *Probable inference, the law of succession, and statistical inference* (1927). The square root
/// and the divisions are IEEE 754's, which every machine rounds alike.
pub fn wilson_ppm(part: u64, of: u64) -> Option<(u64, u64)> {
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 || part > of {
        return None;
    }
    let (n, p) = (of as f64, part as f64 / of as f64);
    let spread = Z * ((p * (1.0 - p) + Z * Z / (4.0 * n)) / n).sqrt();
    let (middle, whole) = (p + Z * Z / (2.0 * n), 1.0 + Z * Z / n);
    let ppm = |share: f64| (share.clamp(0.0, 1.0) * 1e6).round() as u64;
    Some((ppm((middle - spread) / whole), ppm((middle + spread) / whole)))
}

/// How far a distribution moved, in millionths: the population stability index over groups that both have, Σ (a − b)·ln(a/b);
/// none with fewer than two such groups. Below 0.1 is usually read as stable, above 0.25 as moved.
pub fn stability_e6(before: &[u64], now: &[u64]) -> Option<u64> {
    let pairs: Vec<(f64, f64)> = before
        .iter()
        .zip(now)
        .filter(|(b, a)| **b > 0 && **a > 0)
        .map(|(b, a)| (*b as f64, *a as f64))
        .collect();
    if pairs.len() < 2 {
        return None;
    }
    let (all_b, all_a) = pairs.iter().fold((0.0, 0.0), |(b, a), pair| (b + pair.0, a + pair.1));
    let index: f64 =
        pairs.iter().map(|(b, a)| (a / all_a - b / all_b) * ((a / all_a) / (b / all_b)).ln()).sum();
    // Rounded far above what implementations of the logarithm differ in.
    Some((index.max(0.0) * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_formula() {
        // By hand: 8 of 10 gives 0.4902 to 0.9433; 0 of 20 gives 0 to 0.1611; all of 20 0.8389 to 1.
        assert_eq!(wilson_ppm(8, 10), Some((490_162, 943_318)));
        assert_eq!(wilson_ppm(0, 20), Some((0, 161_125)));
        assert_eq!(wilson_ppm(20, 20), Some((838_875, 1_000_000)));
        assert_eq!((wilson_ppm(0, 0), wilson_ppm(3, 2)), (None, None));
    }

    #[test]
    fn a_distribution_that_stays_has_index_zero() {
        assert_eq!(stability_e6(&[10, 20, 30], &[20, 40, 60]), Some(0));
        // (0.25 - 0.5) ln(0.5) + (0.75 - 0.5) ln(1.5) = 0.274653
        assert_eq!(stability_e6(&[50, 50], &[25, 75]), Some(274_653));
        assert_eq!(stability_e6(&[50, 0], &[25, 75]), None);
    }
}
