//! Many students on one machine, and what another machine has that this one lacks.
//!
//! Purpose: two replicas that were apart level by sending each other only the difference. Flow: each event is
//! noted by (source, sequence); [`Replica::seen`] is the vector clock, a few numbers a source; the other side
//! answers with [`Replica::missing_from`]; [`Replica::add`] merges. Invariants: the vector clock decides only
//! what is sent, never what a state is (that is [`crate::merge`]'s); work is proportional to the difference and
//! to the suffixes it reopens. Absent: the network, and
//! sources that use one number for two events: what they write may stay apart until digests are compared.

use crate::event::{Event, SourceId};
use crate::merge::{Added, History};
use crate::params::Params;
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// A student's pseudonym.
pub type Handle = [u8; 32];

/// What was seen of one source: everything up to a number, and some beyond it.
#[derive(Debug, Clone, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Seen {
    /// Every sequence 1..=this was seen.
    pub through: u64,
    /// Seen further on, ascending; empty when nothing was lost on the way.
    pub beyond: BTreeSet<u64>,
}

impl Seen {
    fn note(&mut self, sequence: u64) {
        if sequence > self.through {
            self.beyond.insert(sequence);
        }
        while let Some(next) = self.through.checked_add(1)
            && self.beyond.remove(&next)
        {
            self.through = next;
        }
    }

    /// Whether a sequence was seen.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        sequence <= self.through || self.beyond.contains(&sequence)
    }
}

/// The vector clock of a replica.
pub type VectorClock = BTreeMap<SourceId, Seen>;

/// Histories of many students.
#[derive(Debug, Clone, Default)]
pub struct Replica {
    students: BTreeMap<Handle, History>,
    seen: VectorClock,
    /// Where an event is, by its source's counter.
    places: BTreeMap<(SourceId, u64), (Handle, crate::event::EventKey)>,
}

impl Replica {
    /// The vector clock: what to send to another replica so that it can answer with what is missing here.
    #[must_use]
    pub const fn seen(&self) -> &VectorClock {
        &self.seen
    }

    /// A student's history.
    #[must_use]
    pub fn student(&self, handle: &Handle) -> Option<&History> {
        self.students.get(handle)
    }

    /// The students, ascending by handle.
    pub fn students(&self) -> impl Iterator<Item = (&Handle, &History)> {
        self.students.iter()
    }

    /// Events held here that a replica with this vector clock lacks.
    #[must_use]
    pub fn missing_from(&self, theirs: &VectorClock) -> Vec<(Handle, Event)> {
        let nothing = Seen::default();
        let mut missing = Vec::new();
        for source in self.seen.keys() {
            let known = theirs.get(source).unwrap_or(&nothing);
            let range = (Bound::Excluded((*source, known.through)), Bound::Included((*source, u64::MAX)));
            for ((_, sequence), (handle, key)) in self.places.range(range) {
                let event = self.students.get(handle).and_then(|history| history.get(key));
                if let Some(event) = event.filter(|_| !known.contains(*sequence)) {
                    missing.push((*handle, event.clone()));
                }
            }
        }
        missing
    }

    /// Merges events of any students, in any order, as often as they come; returns what became of each
    /// student's batch.
    pub fn add(
        &mut self,
        events: impl IntoIterator<Item = (Handle, Event)>,
        params: &Params,
    ) -> BTreeMap<Handle, Added> {
        let mut batches: BTreeMap<Handle, Vec<Event>> = BTreeMap::new();
        for (handle, event) in events {
            batches.entry(handle).or_default().push(event);
        }
        let mut results = BTreeMap::new();
        for (handle, batch) in batches {
            let history = self.students.entry(handle).or_insert_with(|| History::new(params));
            let keys: Vec<_> = batch.iter().map(|event| event.key).collect();
            results.insert(handle, history.add(batch, params));
            for key in keys.into_iter().filter(|key| history.get(key).is_some()) {
                self.seen.entry(key.source).or_default().note(key.sequence);
                self.places.insert((key.source, key.sequence), (handle, key));
            }
        }
        results
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Skew;
    use crate::event::EventKey;
    use crate::twin::tests::{params, response};

    fn event(source: u64, sequence: u64, skill: u16) -> Event {
        let mut event =
            crate::twin::tests::event(1_000 + sequence, response(skill, sequence.is_multiple_of(3)));
        event.key = EventKey { source: SourceId(source), sequence, ..event.key };
        event.skew = Skew::Within;
        event
    }

    fn handle(n: u64) -> Handle {
        let mut handle = [0; 32];
        handle[..8].copy_from_slice(&n.to_be_bytes());
        handle
    }

    #[test]
    fn replicas_level_by_sending_only_the_difference() {
        let (params, mut a, mut b) = (params(), Replica::default(), Replica::default());
        let common: Vec<_> = (1..=500).map(|n| (handle(n % 20), event(1, n, 3))).collect();
        a.add(common.clone(), &params);
        b.add(common.into_iter().rev(), &params);
        assert_eq!(a.seen(), b.seen());
        a.add((501..=540).map(|n| (handle(n % 20), event(1, n, 4))), &params);
        b.add((1..=30).map(|n| (handle(n % 7), event(2, n, 5))), &params);
        let (to_b, to_a) = (a.missing_from(b.seen()), b.missing_from(a.seen()));
        assert_eq!((to_b.len(), to_a.len()), (40, 30));
        a.add(to_a, &params);
        b.add(to_b, &params);
        assert!(a.missing_from(b.seen()).is_empty() && b.missing_from(a.seen()).is_empty());
        for (handle, history) in a.students() {
            assert_eq!(b.student(handle).map(|h| h.state().snapshot()), Some(history.state().snapshot()));
        }
    }

    #[test]
    fn gaps_are_remembered_and_asked_for() {
        let (params, mut a, mut b) = (params(), Replica::default(), Replica::default());
        a.add((1..=9).map(|n| (handle(1), event(1, n, 3))), &params);
        b.add([1, 2, 5, 9].map(|n| (handle(1), event(1, n, 3))), &params);
        assert_eq!(b.seen()[&SourceId(1)], Seen { through: 2, beyond: [5, 9].into() });
        let missing: Vec<u64> = a.missing_from(b.seen()).iter().map(|(_, e)| e.key.sequence).collect();
        assert_eq!(missing, [3, 4, 6, 7, 8]);
        b.add(a.missing_from(b.seen()), &params);
        assert_eq!(a.seen(), b.seen());
    }

    /// An hour at three schools: an answer a second each, every fiftieth event a correction of an earlier one.
    fn an_hour() -> Vec<(Handle, Event)> {
        let mut all: Vec<(Handle, Event)> = Vec::new();
        for second in 0..3_600_u64 {
            for source in 1..=3_u64 {
                let n = 3 * second + source;
                let student = handle(n * 7 % 40);
                let mut made = event(source, second + 1, (n % 9) as u16);
                made.key.stamp = crate::clock::Stamp::new(1_000 * second + source, 0).unwrap();
                let earlier = all.len().checked_sub(37).and_then(|at| all.get(at)).filter(|_| n % 50 == 0);
                if let Some((whose, wrong)) = earlier
                    && !matches!(wrong.body, crate::event::EventBody::Correction { .. })
                {
                    let replacement = Some(Box::new(response(2, n % 4 == 0)));
                    made.body = crate::event::EventBody::Correction { target: wrong.key, replacement };
                    let whose = *whose;
                    all.push((whose, made));
                    continue;
                }
                all.push((student, made));
            }
        }
        all
    }

    #[test]
    fn three_replicas_apart_for_an_hour_level_to_the_same_bytes() {
        let (params, all) = (params(), an_hour());
        let mut replicas = [Replica::default(), Replica::default(), Replica::default()];
        // Each school sees its own events in their order, the second with every third one lost on the way.
        for (n, (replica, source)) in replicas.iter_mut().zip(1..).enumerate() {
            let own = all
                .iter()
                .enumerate()
                .filter(|(at, (_, e))| e.key.source == SourceId(source) && (n != 1 || at % 3 != 0));
            replica.add(own.map(|(_, e)| e.clone()).collect::<Vec<_>>(), &params);
        }
        let lost = all.iter().enumerate().filter(|(at, (_, e))| e.key.source == SourceId(2) && at % 3 == 0);
        replicas[1].add(lost.map(|(_, e)| e.clone()).collect::<Vec<_>>().into_iter().rev(), &params);
        // Round a ring, twice.
        for step in 0..6 {
            let (from, to) = (step % 3, (step + 1) % 3);
            let missing = replicas[from].missing_from(replicas[to].seen());
            replicas[to].add(missing, &params);
        }
        let mut whole = Replica::default();
        whole.add(all, &params);
        let bytes = |r: &Replica| r.students().map(|(_, h)| h.state().snapshot()).collect::<Vec<_>>();
        for replica in &replicas {
            assert_eq!(replica.seen(), whole.seen());
            assert!(bytes(replica) == bytes(&whole));
        }
    }
}
