//! The three curves of the mastery model, in integers: logistic, logarithm, log-odds.
//!
//! Purpose: the same curve on every machine. Flow: tables are computed by the compiler from power series in
//! wide integers (no literal table to trust), and read with linear interpolation. Invariants: monotone;
//! the error against the true curve is below 4·10⁻⁶ for [`sigmoid`] and [`ln`] (asserted by the float test of
//! the workspace's tests member). Absent: floating point.

use crate::fixed::{Logit, ONE_E6, Probability};

/// Steps of the logistic table in one logit.
const SIGMOID_STEPS: usize = 64;
/// The logistic table ends here: 1 − σ(16) is 10⁻⁷.
const SIGMOID_END: usize = 16;
const SIGMOID_LEN: usize = SIGMOID_STEPS * SIGMOID_END + 2;
/// Entries of the logarithm's table for mantissas 1..2.
const LN_STEPS: usize = 256;
const LN2_E9: i64 = ln_one_plus_e9(1, 1);

static SIGMOID_E9: [u32; SIGMOID_LEN] = sigmoid_table();
static LN_E9: [u32; LN_STEPS + 2] = ln_table();

/// e^(−1/64) with 62 fractional bits, by its power series.
const fn decay_q62() -> u128 {
    let mut term: i128 = 1 << 62;
    let mut sum = term;
    let mut n: i128 = 1;
    while n < 14 {
        term = -term / (64 * n);
        sum += term;
        n += 1;
    }
    sum.unsigned_abs()
}

/// σ(j/64) in 10⁻⁹ for j = 0..: 1 / (1 + e^(−j/64)).
const fn sigmoid_table() -> [u32; SIGMOID_LEN] {
    let step = decay_q62();
    let one: u128 = 1 << 62;
    let mut table = [0_u32; SIGMOID_LEN];
    let mut power = one;
    let mut j = 0;
    while j < SIGMOID_LEN {
        let sum = one + power;
        table[j] = (((one * 1_000_000_000) + sum / 2) / sum) as u32;
        power = (power * step) >> 62;
        j += 1;
    }
    table
}

/// ln(1 + n/d) in 10⁻⁹ for 0 ≤ n/d ≤ 1: twice the series of artanh at n/(2d + n), with 60 fractional bits.
const fn ln_one_plus_e9(n: i128, d: i128) -> i64 {
    let z = (n << 60) / (2 * d + n);
    let z2 = (z * z) >> 60;
    let mut power = z;
    let mut sum: i128 = 0;
    let mut k: i128 = 1;
    while k < 60 {
        sum += power / k;
        power = (power * z2) >> 60;
        k += 2;
    }
    ((2 * sum * 1_000_000_000 + (1 << 59)) >> 60) as i64
}

const fn ln_table() -> [u32; LN_STEPS + 2] {
    let mut table = [0_u32; LN_STEPS + 2];
    let mut i = 0;
    while i < LN_STEPS + 1 {
        table[i] = ln_one_plus_e9(i as i128, LN_STEPS as i128) as u32;
        i += 1;
    }
    // Read only with weight zero, by the interpolation at the last entry.
    table[LN_STEPS + 1] = table[LN_STEPS];
    table
}

fn at(table: &[u32], index: usize) -> i64 {
    table.get(index).map_or(0, |v| i64::from(*v))
}

/// The logistic curve 1/(1 + e^−x): log-odds to probability, to the nearest millionth of the table's chord.
#[must_use]
pub fn sigmoid(x: Logit) -> Probability {
    let size = i64::from(x.e6()).abs().min(SIGMOID_END as i64 * ONE_E6);
    let scaled = size * SIGMOID_STEPS as i64;
    let (index, rest) = ((scaled / ONE_E6) as usize, scaled % ONE_E6);
    let (low, high) = (at(&SIGMOID_E9, index), at(&SIGMOID_E9, index + 1));
    let upper = (low + (high - low) * rest / ONE_E6 + 500) / 1_000;
    Probability::clamped(if x.e6() < 0 { ONE_E6 - upper } else { upper })
}

/// Natural logarithm of a whole number of at least 1, in millionths (rounded down); 0 for 0.
#[must_use]
pub fn ln(x: u32) -> i64 {
    if x == 0 {
        return 0;
    }
    let shift = x.leading_zeros();
    // The mantissa with its leading bit at 31: 1.xxx in 31 fractional bits.
    let fraction = u64::from(x << shift) & 0x7FFF_FFFF;
    let (index, rest) = ((fraction >> 23) as usize, (fraction & 0x7F_FFFF) as i64);
    let (low, high) = (at(&LN_E9, index), at(&LN_E9, index + 1));
    let exponent = i64::from(31 - shift);
    (exponent * LN2_E9 + low + (((high - low) * rest) >> 23)) / 1_000
}

/// ln(1 + n) in millionths.
#[must_use]
pub fn ln_1p(n: u32) -> i64 {
    ln(n.saturating_add(1))
}

/// Log-odds of a probability; 0 and 1 are taken as 10⁻⁶ and 1 − 10⁻⁶.
#[must_use]
pub fn logit(p: Probability) -> Logit {
    let p = p.e6().clamp(1, 999_999);
    Logit::clamped(ln(p) - ln(1_000_000 - p))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sig(x: i32) -> u32 {
        sigmoid(Logit::new(x).unwrap()).e6()
    }

    #[test]
    fn known_values() {
        assert_eq!(sig(0), 500_000);
        // σ(1), σ(−2), σ(0.01) from a table of ten digits.
        assert!(sig(1_000_000).abs_diff(731_059) <= 4);
        assert!(sig(-2_000_000).abs_diff(119_203) <= 4);
        assert!(sig(10_000).abs_diff(502_500) <= 4);
        assert_eq!((sig(32_000_000), sig(-32_000_000)), (1_000_000, 0));
        assert!(ln(2).abs_diff(693_147) <= 1);
        assert!(ln(10).abs_diff(2_302_585) <= 3);
        assert!(ln(u32::MAX).abs_diff(22_180_710) <= 3);
        assert_eq!((ln(0), ln(1), ln_1p(0)), (0, 0, 0));
        assert_eq!(ln_1p(u32::MAX), ln(u32::MAX));
    }

    #[test]
    fn curves_are_monotone() {
        let mut last = 0;
        for x in (-17_000_000..17_000_000).step_by(997) {
            assert!(sig(x) >= last);
            last = sig(x);
        }
        let mut last = 0;
        for x in 1..200_000 {
            assert!(ln(x) >= last);
            last = ln(x);
        }
    }

    #[test]
    fn logit_undoes_sigmoid() {
        for x in (-8_000_000..8_000_000_i32).step_by(77_777) {
            let back = logit(sigmoid(Logit::new(x).unwrap())).e6();
            // A millionth of probability is worth 1/(p(1−p)) millionths of log-odds.
            let p = u64::from(sig(x));
            let slack = 8 * 1_000_000_000_000 / (p * (1_000_000 - p)) + 8;
            assert!(u64::from(back.abs_diff(x)) <= slack, "{x} {back} {slack}");
        }
    }
}
