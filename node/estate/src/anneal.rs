//! Simulated annealing's arithmetic in integers: how much worse a move may be, and how that falls with iterations.
//!
//! A move that costs `d` more is accepted with probability exp(−d/T), that is when d ≤ T·(−ln u) for a uniform u. The
//! threshold is drawn before the move is valued, so that a hopeless move can be left half valued. Temperatures halve
//! at a fixed pace of iterations, linearly within each halving; nothing here looks at a clock.

use crate::random::Random;

/// Fractional bits of temperatures and thresholds.
pub const FRACTION: u32 = 8;
const TABLE_BITS: u32 = 12;

/// −ln u by the upper bits of u, in 1/2¹⁶.
#[derive(Debug, Clone)]
pub struct Thresholds {
    minus_ln: Vec<u32>,
}

impl Default for Thresholds {
    fn default() -> Self {
        let steps = 1u64 << TABLE_BITS;
        Self { minus_ln: (0..steps).map(|step| minus_ln((2 * step + 1) << (31 - TABLE_BITS))).collect() }
    }
}

impl Thresholds {
    /// How much worse the next move may be, in 1/2^[`FRACTION`], at a temperature in the same unit.
    #[inline]
    pub fn draw(&self, temperature: u32, bits: u64) -> i64 {
        let index = (bits & ((1 << TABLE_BITS) - 1)) as usize;
        ((u64::from(temperature) * u64::from(self.minus_ln[index])) >> 16) as i64
    }

    /// The same with bits of its own.
    #[inline]
    pub fn next(&self, temperature: u32, random: &mut Random) -> i64 {
        self.draw(temperature, random.bits() >> 40)
    }
}

/// −ln(x/2³²) in 1/2¹⁶, for 0 < x < 2³²: the binary logarithm digit by digit, then times ln 2.
fn minus_ln(x: u64) -> u32 {
    let shift = x.leading_zeros() - 32;
    // y in [1, 2) as 1.31 fixed point; squaring it doubles its logarithm, whose whole part is the next digit.
    let mut y = x << shift;
    let mut log2 = 0u64;
    for _ in 0..24 {
        y = (y * y) >> 31;
        log2 <<= 1;
        if y >> 32 != 0 {
            y >>= 1;
            log2 |= 1;
        }
    }
    // −log2(x/2³²) = shift + 1 − log2(y); ln 2 = 45426/2¹⁶.
    let minus_log2 = (u64::from(shift + 1) << 24) - log2;
    ((minus_log2 * 45_426) >> 24) as u32
}

/// A cooling from `hot` to `cold` over a number of iterations, temperatures in 1/2^[`FRACTION`].
#[derive(Debug, Clone, Copy)]
pub struct Cooling {
    /// The first temperature.
    pub hot: u32,
    /// The last temperature.
    pub cold: u32,
    /// Iterations from the first to the last.
    pub length: u64,
}

impl Cooling {
    /// The temperature at an iteration of it.
    #[must_use]
    pub fn at(&self, iteration: u64) -> u32 {
        let halvings = log2_16(self.hot) - log2_16(self.cold.max(1));
        let done = u128::from(iteration.min(self.length)) * u128::from(halvings);
        let fall = (done / u128::from(self.length.max(1))) as u64;
        // 2^(−fall/2¹⁶): whole halvings by shift, the rest linear.
        let (whole, rest) = ((fall >> 16) as u32, fall & 0xffff);
        ((u64::from(self.hot) * ((1 << 17) - rest)) >> (17 + whole)) as u32
    }
}

/// log2 in 1/2¹⁶, linear between powers of two.
fn log2_16(value: u32) -> u64 {
    let whole = 31 - value.max(1).leading_zeros();
    (u64::from(whole) << 16) + ((u64::from(value) << 16 >> whole) & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_right_to_a_thousandth() {
        for (x, expected) in
            [(1u64 << 31, 693_147u64), (1 << 30, 1_386_294), (3_865_470_566, 105_360), (1 << 20, 8_317_766)]
        {
            let millionths = (u64::from(minus_ln(x)) * 1_000_000) >> 16;
            assert!(millionths.abs_diff(expected) <= 1_000, "{x}: {millionths} for {expected}");
        }
    }

    #[test]
    fn the_mean_threshold_is_the_temperature() {
        let (thresholds, mut random) = (Thresholds::default(), Random::new(7));
        let sum: i64 = (0..100_000).map(|_| thresholds.next(10 << FRACTION, &mut random)).sum();
        assert!((950..1050).contains(&(sum / 100_000 * 100 / (10 << FRACTION) * 10)), "{sum}");
    }

    #[test]
    fn cooling_falls_from_hot_to_cold() {
        let cooling = Cooling { hot: 30 << FRACTION, cold: 41, length: 1_000_003 };
        let path: Vec<u32> = (0..=100).map(|step| cooling.at(step * 10_001)).collect();
        assert!(path.windows(2).all(|pair| pair[0] >= pair[1]), "{path:?}");
        assert_eq!(path[0], 30 << FRACTION);
        assert!((35..=47).contains(&cooling.at(u64::MAX)), "{}", cooling.at(u64::MAX));
    }
}
