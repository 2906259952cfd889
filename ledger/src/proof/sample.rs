//! Which students of a round are audited: one in a hundred, drawn by the round's seed.
//!
//! Proofs bind what a district anchored; they cannot show that it is TRUE. So for one handle in a hundred an auditor
//! gets the events, replays them to the anchored hash, and records the result. Nobody chooses whom: the seed is fixed
//! after the requests are, and everybody computes the same draw.
//!
//! Invariants: the draw depends on seed and handles alone; it has ⌈n/100⌉ handles, so at least one of any round;
//! whoever withheld a share of the seed chose between two draws, no more (see `CommitSeed`). Absent: who audits.

use std::collections::BTreeSet;

use crate::keys::{Label, hash};
use crate::types::{Handle, Hash};

/// One student is audited of this many, rounded up.
pub const AUDIT_ONE_IN: usize = 100;

/// The ⌈n/100⌉ handles with the least labelled hash of seed and handle; `handles` are all different.
pub fn audit_sample<'a>(seed: &Hash, handles: impl IntoIterator<Item = &'a Handle>) -> BTreeSet<Handle> {
    let draw = |handle: &Handle| (hash(Label::AuditDraw, &[&seed.0, &handle.0]), *handle);
    let mut drawn: Vec<(Hash, Handle)> = handles.into_iter().map(draw).collect();
    let count = drawn.len().div_ceil(AUDIT_ONE_IN);
    drawn.sort_unstable();
    drawn.into_iter().take(count).map(|(_, handle)| handle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::handle;

    #[test]
    fn one_in_a_hundred_is_drawn_rounded_up_whatever_the_order() {
        let handles: Vec<Handle> = (0..1_001).map(handle).collect();
        let seed = Hash([7; 32]);
        for (students, drawn) in [(0, 0), (1, 1), (100, 1), (101, 2), (1_000, 10), (1_001, 11)] {
            let some = &handles[..students];
            let sample = audit_sample(&seed, some);
            assert_eq!(sample.len(), drawn, "{students}");
            assert_eq!(audit_sample(&seed, some.iter().rev()), sample);
            assert!(sample.iter().all(|handle| some.contains(handle)));
        }
    }

    #[test]
    fn another_seed_draws_others_and_over_many_seeds_everybody_is_drawn() {
        let handles: Vec<Handle> = (0..200).map(handle).collect();
        let drawn: BTreeSet<Handle> = (0..=255u8)
            .flat_map(|byte| (0..8u8).map(move |other| (byte, other)))
            .fold(BTreeSet::new(), |mut all, (byte, other)| {
                let mut seed = [byte; 32];
                seed[0] = other;
                all.extend(audit_sample(&Hash(seed), &handles));
                all
            });
        assert_eq!(drawn.len(), 200, "2,048 draws of 2 in 200 miss somebody with probability 2e-7");
    }
}
