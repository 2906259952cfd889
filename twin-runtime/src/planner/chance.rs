//! A stream of chance that is the same on every machine: SplitMix64 (Steele, Lea and Flood 2014).

/// Mixes a state into 64 bits.
#[must_use]
pub const fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of chance.
#[derive(Debug, Clone, Copy)]
pub struct Chance(pub u64);

impl Chance {
    /// Uniform in 0..10,000, by the high bits of a product.
    pub fn e4(&mut self) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        // Below 10,000 by construction.
        ((u128::from(mix(self.0)) * 10_000) >> 64) as i64
    }
}
