//! The lottery's numbers: what breaks ties among assignments of equal cost.
//!
//! κ = the first 64 bits (little endian) of SHA-256(seed ‖ handle); τ(s, p) = the top 32 bits of the (p + 1)-th
//! output of SplitMix64 started at κ (Steele, Lea, Flood, *Fast splittable pseudorandom number generators*, 2014).
//! Stage 2 of the solver minimises Σ τ over the optimal assignments. Students with equal rows and one school get
//! exchangeable numbers, so each of them is as likely as the other to be served.
//!
//! Absent: any source of randomness. The seed comes from the round's transactions.

use sha2::{Digest, Sha256};

/// Length of a student's handle in bytes.
pub const HANDLE_BYTES: usize = 32;
/// Length of a round's seed in bytes.
pub const SEED_BYTES: usize = 32;

/// A student's key in the draw of one round (κ).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DrawKey(u64);

impl DrawKey {
    /// The key of a handle under a round's seed.
    pub fn derive(seed: &[u8; SEED_BYTES], handle: &[u8; HANDLE_BYTES]) -> Self {
        let digest: [u8; 32] = Sha256::new().chain_update(seed).chain_update(handle).finalize().into();
        let (first, _) = digest.split_at(8);
        Self(first.iter().rev().fold(0, |value, &byte| (value << 8) | u64::from(byte)))
    }

    /// The key of an instance file, whose handle is its row index (little endian, padded with zeros to 32 bytes).
    pub fn of_row(seed: &[u8; SEED_BYTES], row: u64) -> Self {
        let mut handle = [0u8; HANDLE_BYTES];
        handle.iter_mut().zip(row.to_le_bytes()).for_each(|(to, from)| *to = from);
        Self::derive(seed, &handle)
    }

    /// The student's number for a pool, uniform in `0..2^32`.
    #[inline(always)]
    pub fn ticket(self, pool: u32) -> u32 {
        let step = u64::from(pool).wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0.wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_the_top_halves_of_the_published_splitmix_stream() {
        // The stream of SplitMix64 from state 1234567, as published with the reference implementation.
        let stream = [6_457_827_717_110_365_317u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        for (pool, expected) in (0u32..).zip(stream) {
            assert_eq!(DrawKey(1_234_567).ticket(pool), (expected >> 32) as u32);
        }
    }

    #[test]
    fn a_key_depends_on_seed_and_handle() {
        let key = DrawKey::of_row(&[0; 32], 7);
        assert_ne!(key, DrawKey::of_row(&[1; 32], 7));
        assert_ne!(key, DrawKey::of_row(&[0; 32], 8));
        let mut handle = [0u8; 32];
        handle[0] = 7;
        assert_eq!(key, DrawKey::derive(&[0; 32], &handle));
    }
}
