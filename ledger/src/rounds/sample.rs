//! Which students of a round are audited: one in a hundred of each district, and one in a hundred of those with a mandate,
//! drawn by the round's seed.
//!
//! Proofs bind what a district anchored; they cannot show that it is TRUE. So for one student in a hundred an auditor
//! gets the events, replays them to the anchored hash, and records the result. Nobody chooses whom: the seed is fixed
//! after the requests are, and everybody computes the same draw.
//!
//! Invariants: the draw depends on seed, districts, handles and mandates alone; it has ⌈n/100⌉ students of a district that asked
//! for n, and of its m mandated ones ⌈m/100⌉ at least, so one of each at least, and no district can be spared by its size. A
//! mandate places a student before all others, so it is drawn by itself: among many others it would rarely be. Whoever
//! withheld a share of the seed chose between two draws, no more (see `CommitSeed`). Absent: who audits.

use std::collections::BTreeMap;

use crate::keys::{Label, hash};
use crate::state::schema::Mandate;
use crate::state::schema::RequestRow;
use crate::types::{DistrictId, Handle, Hash};

/// One student is audited of this many of a district, rounded up; and of this many mandated ones.
pub const AUDIT_ONE_IN: usize = 100;

/// A student who may be drawn.
pub type Asked = (DistrictId, Handle, Mandate);

/// Among whom a student was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DrawnAmong {
    /// All of the district's requests.
    Requests,
    /// Its mandated ones, and not among all.
    Mandates,
}

/// The drawn students.
pub type Sample = BTreeMap<(DistrictId, Handle), DrawnAmong>;

/// A request as the draw takes it.
pub fn asked(row: &RequestRow) -> Asked {
    (row.district, row.handle, row.mandate)
}

/// Of each district the ⌈n/100⌉ students with the least labelled hash of seed, district (two bytes, little endian) and
/// handle; and of those with a mandate the ⌈m/100⌉ with the least. `students` are all different.
pub fn audit_sample(seed: &Hash, students: impl IntoIterator<Item = Asked>) -> Sample {
    let mut tickets: BTreeMap<DistrictId, Vec<(Hash, Handle, Mandate)>> = BTreeMap::new();
    for (district, handle, mandate) in students {
        let ticket = hash(Label::AuditDraw, &[&seed.0, &district.0.to_le_bytes(), &handle.0]);
        tickets.entry(district).or_default().push((ticket, handle, mandate));
    }
    let mut sample = Sample::new();
    for (district, mut all) in tickets {
        all.sort_unstable();
        let mandated: Vec<Handle> =
            all.iter().filter(|one| one.2 == Mandate::Mandated).map(|one| one.1).collect();
        for (_, handle, _) in all.iter().take(all.len().div_ceil(AUDIT_ONE_IN)) {
            sample.insert((district, *handle), DrawnAmong::Requests);
        }
        for handle in mandated.iter().take(mandated.len().div_ceil(AUDIT_ONE_IN)) {
            sample.entry((district, *handle)).or_insert(DrawnAmong::Mandates);
        }
    }
    sample
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::testkit::handle;

    fn of(district: u16, handles: &[Handle]) -> Vec<Asked> {
        handles.iter().map(|handle| (DistrictId(district), *handle, Mandate::None)).collect()
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
            let asked = |(district, handle)| some.contains(&(district, handle, Mandate::None));
            assert!(sample.iter().all(|(student, among)| asked(*student) && *among == DrawnAmong::Requests));
        }
        // A district of three beside one of nine hundred has its own draw, and moves the other's by nobody.
        let (large, small) = (of(1, &handles[..900]), of(2, &handles[900..903]));
        let both = audit_sample(&seed, large.iter().chain(&small).copied());
        let alone = |some: &[Asked]| audit_sample(&seed, some.iter().copied());
        assert_eq!((alone(&large).len(), alone(&small).len()), (9, 1));
        assert_eq!(both, alone(&large).into_iter().chain(alone(&small)).collect());
    }

    #[test]
    fn one_in_a_hundred_of_a_districts_mandates_is_drawn_besides_and_moves_no_other() {
        let handles: Vec<Handle> = (0..1_000).map(handle).collect();
        let seed = Hash([7; 32]);
        let plain = audit_sample(&seed, of(1, &handles));
        for (mandates, at_least) in [(1, 1), (100, 1), (101, 2), (250, 3)] {
            let mut asked = of(1, &handles);
            asked.iter_mut().take(mandates).for_each(|one| one.2 = Mandate::Mandated);
            let sample = audit_sample(&seed, asked.iter().copied());
            let mandated = |handle: &Handle| handles.iter().take(mandates).any(|other| other == handle);
            assert!(sample.keys().filter(|(_, handle)| mandated(handle)).count() >= at_least, "{mandates}");
            let of_all: BTreeSet<_> = sample
                .iter()
                .filter(|(_, among)| **among == DrawnAmong::Requests)
                .map(|(one, _)| *one)
                .collect();
            assert_eq!(of_all, plain.keys().copied().collect(), "a mandate moves nobody out of the draw");
            let besides = sample.iter().filter(|(_, among)| **among == DrawnAmong::Mandates);
            assert!(
                besides.clone().count() <= at_least && besides.clone().all(|((_, one), _)| mandated(one))
            );
        }
        let all = handles.iter().map(|handle| (DistrictId(1), *handle, Mandate::Mandated));
        assert_eq!(
            audit_sample(&seed, all),
            plain,
            "whoever has the least tickets of all has those of the mandated"
        );
    }

    #[test]
    fn another_seed_draws_others_and_over_many_seeds_everybody_is_drawn() {
        let handles: Vec<Handle> = (0..200).map(handle).collect();
        let drawn: BTreeSet<(DistrictId, Handle)> = (0..=255u8)
            .flat_map(|byte| (0..8u8).map(move |other| (byte, other)))
            .fold(BTreeSet::new(), |mut all, (byte, other)| {
                let mut seed = [byte; 32];
                seed[0] = other;
                all.extend(audit_sample(&Hash(seed), of(1, &handles)).into_keys());
                all
            });
        assert_eq!(drawn.len(), 200, "2,048 draws of 2 in 200 miss somebody with probability 2e-7");
    }
}
