//! The generators of range proofs: the bulletproofs crate's own, and the same points in a table for batches.
//!
//! The crate keeps its `H` points private, so the table repeats its derivation (SHAKE256 of `GeneratorsChain`, a
//! letter and the party's number, 64 bytes hashed to a point); tests compare `G` with what the crate does publish
//! and pin both ends of `H`, and every batch that verifies a proof of the crate checks all of them again.
//!
//! Invariants: built once in a process, from constants only; 32 bits and 8 parties are all there is. A width below
//! 32 uses the first points of each party, so every width shares one table.

use std::sync::LazyLock;

use bulletproofs::BulletproofGens;
use curve25519_dalek::ristretto::RistrettoPoint;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// Generators each party has: the bits of the widest range.
pub(crate) const BITS: usize = 32;
/// Most values one proof covers, padding included.
pub(crate) const PARTIES: usize = 8;

static CRATE: LazyLock<BulletproofGens> = LazyLock::new(|| BulletproofGens::new(BITS, PARTIES));
static TABLE: LazyLock<Table> = LazyLock::new(|| Table { g: points(b'G'), h: points(b'H') });

/// `PARTIES · BITS` points of each letter; the point of party `j` and bit `k` stands at `j·BITS + k`.
pub(crate) struct Table {
    /// Generators of the bits.
    pub g: Vec<RistrettoPoint>,
    /// Generators of the bits' complements.
    pub h: Vec<RistrettoPoint>,
}

/// The crate's generators, for single verification. The first call takes about 10 ms.
pub(crate) fn of_crate() -> &'static BulletproofGens {
    &CRATE
}

/// The same generators as a table. The first call takes about 10 ms.
pub(crate) fn table() -> &'static Table {
    &TABLE
}

/// G and H of so many bits a value and values, party by party.
pub(crate) fn of_shape(bits: usize, parties: usize) -> (Vec<RistrettoPoint>, Vec<RistrettoPoint>) {
    let of = |points: &[RistrettoPoint]| {
        let parties = points.chunks_exact(BITS).take(parties);
        parties.flat_map(|own| own.iter().take(bits)).copied().collect()
    };
    (of(&table().g), of(&table().h))
}

fn points(letter: u8) -> Vec<RistrettoPoint> {
    let parties = 0..u8::try_from(PARTIES).unwrap_or(u8::MAX);
    parties.flat_map(|party| chain([letter, party, 0, 0, 0]).take(BITS)).collect()
}

/// The crate's endless chain of one party: letter, then the party's number as u32, little endian.
fn chain(seed: [u8; 5]) -> impl Iterator<Item = RistrettoPoint> {
    let mut shake = Shake256::default();
    shake.update(b"GeneratorsChain");
    shake.update(&seed);
    let mut reader = shake.finalize_xof();
    std::iter::repeat_with(move || {
        let mut uniform = [0_u8; 64];
        reader.read(&mut uniform);
        RistrettoPoint::from_uniform_bytes(&uniform)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_points_the_crate_publishes() {
        for party in 0..PARTIES {
            let published: Vec<RistrettoPoint> = of_crate().share(party).G(BITS).copied().collect();
            assert_eq!(published, table().g[party * BITS..(party + 1) * BITS], "party {party}");
        }
        assert_eq!((table().g.len(), table().h.len()), (PARTIES * BITS, PARTIES * BITS));
    }

    #[test]
    fn the_private_generators_are_pinned() {
        let hex = |index: usize| {
            table().h[index].compress().0.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(hex(0), "ba698f6dd08c501e32b55d2ee7259f6019d629fa2ba4d7039c5de157cba4df73");
        assert_eq!(
            hex(PARTIES * BITS - 1),
            "9a8ed9690b8c2c1bbcdf902e5fd1930335886d21abd5a248b3030cf3cf5c0075"
        );
    }
}
