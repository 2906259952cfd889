//! What is left to chance: one stream of numbers for each purpose, so that one more draw here changes nothing there.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of numbers.
#[derive(Debug, Clone)]
pub struct Chance(StdRng);

impl Chance {
    /// The stream of a seed for a purpose.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(purpose).finalize();
        Self(StdRng::from_seed(digest.into()))
    }

    /// A number below `end`; 0 when that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.0.gen_range(0..end) }
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in this many of ten thousand draws.
    pub fn e4(&mut self, of_ten_thousand: u32) -> bool {
        of_ten_thousand > 0 && self.0.gen_range(0..10_000) < of_ten_thousand
    }

    /// One of several.
    pub fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(of.len() as u64)).ok()?;
        of.get(at)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0.r#gen()
    }
}
