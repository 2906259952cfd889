//! Prices from samples: 1/64 of the students, then 1/16, then 1/4, then all.
//!
//! A sample is chosen by a hash of the row index and solved with scaled capacities; its prices put most students of
//! the next level where they belong, so only what sampling got wrong has to be moved. Sampling decides speed only:
//! the last level is exact from any prices.

use super::engine::{Arcs, Engine, Meter, Stop};
use super::network::Network;
use super::rows::RowSource;
use super::scalar::Scalar;

/// The samples, as powers of two by which the students are thinned.
const SAMPLES: [u32; 3] = [6, 4, 2];

/// A fixed permutation of the rows' indices (the finaliser of SplitMix64).
fn scatter(row: u32) -> u64 {
    let mut z = (u64::from(row) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Solves from the smallest sample up; the engine returned is at the full problem.
pub(super) fn descend<'a, V: Scalar, R: RowSource<V>>(
    rows: &'a R,
    network: &Network,
    students: &[u32],
    meter: &mut Meter,
) -> (Engine<'a, V, R>, Stop) {
    let mut prices = vec![V::ZERO; network.nodes()];
    for shift in SAMPLES {
        if (students.len() >> shift) * 4 < network.columns.min(network.pools.len()) {
            continue;
        }
        let sample: Vec<u32> =
            students.iter().copied().filter(|&s| scatter(s) >> (64 - shift) == 0).collect();
        let scaled = network.scaled(sample.len() as i64);
        let mut engine = Engine::start(rows, scaled, &sample, prices.clone(), meter);
        // What stops a sample early only costs speed: its prices are as good a start as any.
        engine.run(Arcs::Tight, sample.len() as i64 / 256, meter);
        prices = engine.prices;
        let base = prices[network.idle()];
        prices.iter_mut().for_each(|p| *p = p.minus(base));
    }
    let mut engine = Engine::start(rows, network.clone(), students, prices, meter);
    let stop = engine.run(Arcs::Tight, 0, meter);
    (engine, stop)
}
