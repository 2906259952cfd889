//! Which students of a round are audited: one in a hundred of each district, drawn by the round's seed.
//!
//! Proofs bind what a district anchored; they cannot show that it is TRUE. So for one student in a hundred an auditor
//! gets the events, replays them to the anchored hash, and records the result. Nobody chooses whom: the seed is fixed
//! after the requests are, and everybody computes the same draw.
//!
//! Invariants: the draw depends on seed, districts and handles alone; it has ⌈n/100⌉ students of a district that asked for
//! n, so at least one of each, and no district can be spared by its size; whoever withheld a share of the seed chose between
//! two draws, no more (see `CommitSeed`). Absent: who audits.

use std::collections::{BTreeMap, BTreeSet};

use crate::keys::{Label, hash};
use crate::types::{DistrictId, Handle, Hash};

/// One student is audited of this many of a district, rounded up.
pub const AUDIT_ONE_IN: usize = 100;

/// The ⌈n/100⌉ students of each district with the least labelled hash of seed, district (two bytes, little endian) and
/// handle; `students` are all different.
pub fn audit_sample(
    seed: &Hash,
    students: impl IntoIterator<Item = (DistrictId, Handle)>,
) -> BTreeSet<(DistrictId, Handle)> {
    let mut drawn: BTreeMap<DistrictId, Vec<(Hash, Handle)>> = BTreeMap::new();
    for (district, handle) in students {
        let ticket = hash(Label::AuditDraw, &[&seed.0, &district.0.to_le_bytes(), &handle.0]);
        drawn.entry(district).or_default().push((ticket, handle));
    }
    let of_district = |(district, mut tickets): (DistrictId, Vec<(Hash, Handle)>)| {
        tickets.sort_unstable();
        let count = tickets.len().div_ceil(AUDIT_ONE_IN);
        tickets.into_iter().take(count).map(move |(_, handle)| (district, handle))
    };
    drawn.into_iter().flat_map(of_district).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::handle;

    fn of(district: u16, handles: &[Handle]) -> Vec<(DistrictId, Handle)> {
        handles.iter().map(|handle| (DistrictId(district), *handle)).collect()
    }

    #[test]
    fn one_in_a_hundred_of_each_district_is_drawn_rounded_up_whatever_the_order() {
        let handles: Vec<Handle> = (0..1_001).map(handle).collect();
        let seed = Hash([7; 32]);
        for (students, drawn) in [(0, 0), (1, 1), (100, 1), (101, 2), (1_000, 10), (1_001, 11)] {
            let some = of(1, &handles[..students]);
            let sample = audit_sample(&seed, some.iter().copied());
            assert_eq!(sample.len(), drawn, "{students}");
            assert_eq!(audit_sample(&seed, some.iter().rev().copied()), sample);
            assert!(sample.iter().all(|student| some.contains(student)));
        }
        // A district of three beside one of nine hundred has its own draw, and moves the other's by nobody.
        let (large, small) = (of(1, &handles[..900]), of(2, &handles[900..903]));
        let both = audit_sample(&seed, large.iter().chain(&small).copied());
        let alone = |some: &[(DistrictId, Handle)]| audit_sample(&seed, some.iter().copied());
        assert_eq!((alone(&large).len(), alone(&small).len()), (9, 1));
        assert_eq!(both, &alone(&large) | &alone(&small));
    }

    #[test]
    fn another_seed_draws_others_and_over_many_seeds_everybody_is_drawn() {
        let handles: Vec<Handle> = (0..200).map(handle).collect();
        let drawn: BTreeSet<(DistrictId, Handle)> = (0..=255u8)
            .flat_map(|byte| (0..8u8).map(move |other| (byte, other)))
            .fold(BTreeSet::new(), |mut all, (byte, other)| {
                let mut seed = [byte; 32];
                seed[0] = other;
                all.extend(audit_sample(&Hash(seed), of(1, &handles)));
                all
            });
        assert_eq!(drawn.len(), 200, "2,048 draws of 2 in 200 miss somebody with probability 2e-7");
    }
}
