//! How many of a school's students used a resource in an hour: what a school's heatmap is made of.
//!
//! Flow: hours that are over → each student's events of that time, whose read the vault lists → students by school, hour and
//! resource. Invariants: a student counts once in a cell; what was amended within the time counts as amended; a count leaves only
//! through [`shown`]. Absent: publishing.

use std::collections::{BTreeMap, BTreeSet};

use aula_ledger::names::Name;
use aula_ledger::types::Handle;
use aula_twin_runtime::event::{Event, EventBody, EventKey};
use aula_vault::Vault;

use crate::live::LiveError;

/// Under which name the events are read.
pub const READER: &str = "aula-hours";

/// Counts of hours that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    hours: Vec<(u64, u64)>,
    enrolled: BTreeMap<u32, u32>,
    used: BTreeMap<(u32, u32, usize), u32>,
}

impl Tally {
    /// Of these hours, each from a moment on and before another, milliseconds since 1970, ascending.
    pub fn of(hours: Vec<(u64, u64)>) -> Self {
        Self { hours, enrolled: BTreeMap::new(), used: BTreeMap::new() }
    }

    /// Counts a student of the newest school year.
    ///
    /// # Errors
    /// When the vault fails, or holds an event that is not valid.
    pub fn add(
        &mut self,
        vault: &Vault,
        handle: &Handle,
        (reader, now_ms): (&Name, u64),
    ) -> Result<(), LiveError> {
        let Some((from, until)) = self.hours.first().zip(self.hours.last()).map(|(a, z)| (a.0, z.1)) else {
            return Ok(());
        };
        let Some(entry) = vault.roster_entry(handle)?.filter(|entry| entry.enrolled) else { return Ok(()) };
        let Some(school) = entry.school else { return Ok(()) };
        let stretch = (&from.to_be_bytes()[..], &until.to_be_bytes()[..]);
        let kept = vault.events_of_stretch(handle, stretch, reader, now_ms)?;
        let events: Result<Vec<Event>, _> = kept.iter().map(|kept| Event::decode(&kept.event)).collect();
        self.count(school, events?);
        Ok(())
    }

    fn count(&mut self, school: u32, events: Vec<Event>) {
        let enrolled = self.enrolled.entry(school).or_default();
        *enrolled = enrolled.saturating_add(1);
        let mut uses: BTreeMap<EventKey, u32> = BTreeMap::new();
        for event in events {
            let (key, body) = match event.body {
                EventBody::Correction { target, replacement } => {
                    // An event of an earlier time was counted with its own.
                    if uses.remove(&target).is_none() {
                        continue;
                    }
                    match replacement {
                        Some(replacement) => (target, *replacement),
                        None => continue,
                    }
                }
                body => (event.key, body),
            };
            if let EventBody::ResourceUse { resource, .. } = body {
                uses.insert(key, resource.0);
            }
        }
        let at = |key: &EventKey| {
            let ms = key.stamp.wall_ms();
            let after = self.hours.partition_point(|(from, _)| *from <= ms);
            after.checked_sub(1).filter(|hour| self.hours.get(*hour).is_some_and(|(_, until)| ms < *until))
        };
        let cells: BTreeSet<(u32, usize)> =
            uses.iter().filter_map(|(key, resource)| Some((*resource, at(key)?))).collect();
        for (resource, hour) in cells {
            let n = self.used.entry((school, resource, hour)).or_default();
            *n = n.saturating_add(1);
        }
    }

    /// The schools that have students.
    pub fn schools(&self) -> impl Iterator<Item = u32> {
        self.enrolled.keys().copied()
    }

    /// What may be shown of a school: by resource, a count or nothing for each hour. A resource of which nothing may be shown is left out.
    pub fn shown(&self, school: u32, least: u32) -> BTreeMap<u32, Vec<Option<u32>>> {
        let enrolled = self.enrolled.get(&school).copied().unwrap_or_default();
        let mut rows: BTreeMap<u32, Vec<Option<u32>>> = BTreeMap::new();
        for ((_, resource, hour), n) in self.used.range((school, 0, 0)..=(school, u32::MAX, usize::MAX)) {
            let Some(n) = shown(*n, enrolled, least) else { continue };
            let row = rows.entry(*resource).or_insert_with(|| vec![None; self.hours.len()]);
            if let Some(cell) = row.get_mut(*hour) {
                *cell = Some(n);
            }
        }
        rows
    }
}

/// A count of so many enrolled students as it may be shown: rounded down to a multiple of the ledger's least number. Nothing where
/// fewer than that many did, or fewer than that many did not.
pub fn shown(n: u32, enrolled: u32, least: u32) -> Option<u32> {
    let least = least.max(1);
    let others = enrolled.saturating_sub(n);
    (n >= least && others >= least).then(|| n / least * least)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_twin_runtime::clock::{Skew, Stamp};
    use aula_twin_runtime::event::{ResourceId, SourceId};

    const HOUR: u64 = 3_600_000;

    fn used(ms: u64, sequence: u64, resource: u32) -> Event {
        let body = EventBody::ResourceUse {
            resource: ResourceId(resource),
            used_minutes: 10,
            available_minutes: 20,
        };
        let stamp = Stamp::new(ms, 0).expect("a time");
        Event { key: EventKey { stamp, source: SourceId(1), sequence }, skew: Skew::Within, body }
    }

    fn amended(ms: u64, target: &Event, by: Option<u32>) -> Event {
        let replacement = by.map(|resource| Box::new(used(ms, 1, resource).body));
        Event { body: EventBody::Correction { target: target.key, replacement }, ..used(ms, 900, 1) }
    }

    #[test]
    fn a_student_counts_once_an_hour_and_as_amended() {
        let mut tally = Tally::of(vec![(0, HOUR), (HOUR, 2 * HOUR)]);
        for student in 0..40 {
            let first = used(5, 1, 7);
            let mut events = vec![first.clone(), used(6, 2, 7), used(HOUR, 3, 8)];
            if student < 12 {
                events.push(amended(HOUR + 1, &first, Some(9)));
            }
            if student == 12 {
                events.push(amended(HOUR + 1, &first, None));
            }
            tally.count(31, events);
        }
        assert_eq!(tally.schools().collect::<Vec<_>>(), [31]);
        // Everybody used 7 once more and 8: nobody is left who did not, so neither is shown.
        assert_eq!(tally.shown(31, 10), BTreeMap::from([(9, vec![Some(10), None])]));
        assert!(tally.shown(32, 10).is_empty());
    }

    #[test]
    fn neither_few_nor_all_but_few_are_shown() {
        for (n, enrolled, told) in [
            (9, 100, None),
            (10, 100, Some(10)),
            (19, 100, Some(10)),
            (90, 100, Some(90)),
            (91, 100, None),
            (10, 19, None),
            (12, 5, None),
        ] {
            assert_eq!(shown(n, enrolled, 10), told, "{n} of {enrolled}");
        }
        assert_eq!(shown(3, 9, 0), Some(3));
    }
}
