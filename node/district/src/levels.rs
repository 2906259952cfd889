//! A student's mastery by unit at the end of each of the last days: what a teacher's heatmap shows and its slider walks through.
//!
//! Flow: the student's events → folded up to the window, then day by day. Invariants: a unit without evidence has no level; a day
//! shows what was known at its end. Absent: who may see it.

use std::collections::BTreeMap;

use aula_twin_runtime::clock::DAY_MS;
use aula_twin_runtime::event::Event;
use aula_twin_runtime::merge::History;
use aula_twin_runtime::params::Params;

/// Days of the window.
pub const DAYS: usize = 30;

/// Levels by unit, ten-thousandths, oldest day first.
pub type Levels = BTreeMap<u16, [Option<u16>; DAYS]>;

/// The days of the window that ends with this one, as days since 1970.
pub fn window(today: u64) -> impl Iterator<Item = u64> {
    today.saturating_sub(DAYS as u64 - 1)..=today
}

/// Folds events into levels over the window that ends with the day of `now_ms`.
pub fn by_day(mut events: Vec<Event>, params: &Params, now_ms: u64) -> Levels {
    events.sort_unstable_by_key(|event| event.key);
    let day = |event: &Event| event.key.stamp.wall_ms() / DAY_MS;
    let today = now_ms / DAY_MS;
    let mut history = History::new(params);
    let mut levels = Levels::new();
    let mut rest = events.into_iter().peekable();
    for (column, end) in window(today).enumerate() {
        // What a clock ahead dated after today counts as today's.
        let mut of_day = Vec::new();
        while let Some(event) = rest.next_if(|event| day(event) <= end || end == today) {
            of_day.push(event);
        }
        history.add(of_day, params);
        for entry in history.state().skills() {
            let level = history.state().mastery(entry.skill, params).level.e4();
            if let Some(cell) = levels.entry(entry.skill.0).or_insert([None; DAYS]).get_mut(column) {
                *cell = Some(level);
            }
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_twin_runtime::clock::{Skew, Stamp};
    use aula_twin_runtime::event::{Correctness, EventBody, EventKey, ItemId, SkillId, SkillSet, SourceId};
    use aula_twin_runtime::model::Model;

    fn answer(day: u64, unit: u16, correctness: Correctness) -> Event {
        let stamp = Stamp::new(day * DAY_MS + 7, 0).expect("a time");
        let skills = SkillSet::new(vec![SkillId(unit)]).expect("a skill");
        let body = EventBody::Response { item: ItemId(1), skills, correctness, duration_ms: 1 };
        let key = EventKey { stamp, source: SourceId(1), sequence: day * 100 + u64::from(unit) };
        Event { key, skew: Skew::Within, body }
    }

    #[test]
    fn a_day_shows_what_was_known_at_its_end() {
        let params = Params::reference(Model::unfitted());
        let today = 20_000;
        let events = vec![
            answer(today - 100, 1, Correctness::Incorrect),
            answer(today - 10, 1, Correctness::Correct),
            answer(today - 3, 2, Correctness::Correct),
            answer(today + 1, 3, Correctness::Correct),
        ];
        let levels = by_day(events, &params, today * DAY_MS + 1_000);
        let at = |unit: u16, back: usize| levels.get(&unit).and_then(|days| days[DAYS - 1 - back]);
        assert!(at(1, 29).is_some() && at(1, 11) == at(1, 29) && at(1, 10) > at(1, 11));
        // An answer about another unit moves this one a little: until then it stays.
        assert_eq!((at(2, 4), at(2, 3).is_some(), at(2, 3)), (None, true, at(2, 1)));
        assert_eq!((at(3, 1), at(3, 0).is_some()), (None, true));
        assert_eq!(window(today).count(), DAYS);
    }
}
