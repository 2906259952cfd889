//! The search's random numbers: xoroshiro128++ (Blackman and Vigna), seeded through SplitMix64. The same seed gives the
//! same numbers on every machine.

/// A seeded generator.
#[derive(Debug, Clone)]
pub struct Random {
    a: u64,
    b: u64,
}

impl Random {
    /// The generator of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut state = seed;
        let (a, b) = (split_mix(&mut state), split_mix(&mut state));
        Self { a, b: b | 1 }
    }

    /// The next 64 bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let (a, mut b) = (self.a, self.b);
        let result = a.wrapping_add(b).rotate_left(17).wrapping_add(a);
        b ^= a;
        self.a = a.rotate_left(49) ^ b ^ (b << 21);
        self.b = b.rotate_left(28);
        result
    }

    /// A number below `bound`, which is above 0; the bias of 2⁻³² is of no matter to a search.
    #[inline]
    pub fn below(&mut self, bound: u32) -> u32 {
        scale(self.bits() >> 32, bound)
    }
}

/// 32 random bits made a number below `bound`.
#[inline]
#[must_use]
pub fn scale(bits: u64, bound: u32) -> u32 {
    (((bits & 0xffff_ffff) * u64::from(bound)) >> 32) as u32
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_its_numbers_again_and_stays_in_bounds() {
        let (mut one, mut two, mut other) = (Random::new(1), Random::new(1), Random::new(2));
        let numbers: Vec<u64> = (0..100).map(|_| one.bits()).collect();
        assert_eq!(numbers, (0..100).map(|_| two.bits()).collect::<Vec<_>>());
        assert_ne!(numbers, (0..100).map(|_| other.bits()).collect::<Vec<_>>());
        let mut seen = [0u32; 7];
        (0..7000).for_each(|_| seen[one.below(7) as usize] += 1);
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
    }
}
