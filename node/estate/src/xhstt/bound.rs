//! How few rooms' days any timetable opens that keeps the hard constraints.

use super::instance::{Instance, NOBODY, UNTIMED, Wanted};
use super::times::Times;

/// A proved bound. A room that must not be in two places holds at most a day's times a day, so the times for which it is
/// given need their days; and times for which some room must be found need further days once those are full. What no
/// hard constraint asks for (a time, a room, one place at a time) asks for no day.
#[must_use]
pub fn room_days<T: Times>(instance: &Instance<T>) -> u64 {
    let longest = instance.days.iter().map(|day| u64::from(day.count())).max().unwrap_or(0);
    let elsewhere = instance.days.iter().fold(T::ALL, |rest, day| rest.without(*day));
    let all = T::span(0, instance.times.len() as u16);
    if longest == 0 || !elsewhere.and(all).is_none() {
        return 0;
    }
    let events = instance.events.len();
    let (mut timed, mut resourced) = (vec![false; events], vec![Vec::new(); events]);
    let mut single = vec![false; instance.resources.len()];
    for point in instance.points.iter().filter(|point| point.hard && point.weight > 0) {
        match &point.wanted {
            Wanted::Timed(event) => timed[*event] = true,
            Wanted::Resourced(event, slot) => resourced[*event].push(*slot),
            Wanted::NoClash(resource) => single[*resource] = true,
            _ => {}
        }
    }
    let is_room = |resource: &u32| instance.rooms.binary_search(resource).is_ok();
    let mut given = vec![0u64; instance.resources.len()];
    let mut open = 0;
    for (index, event) in instance.events.iter().enumerate() {
        if !timed[index] && event.given == UNTIMED {
            continue;
        }
        for (place, slot) in event.slots.iter().enumerate() {
            let duration = u64::from(event.duration);
            if slot.given != NOBODY {
                given[slot.given as usize] += duration;
            } else if resourced[index].contains(&place)
                && !slot.candidates.is_empty()
                && slot.candidates.iter().all(|room| is_room(room) && single[*room as usize])
            {
                open += duration;
            }
        }
    }
    let (mut days, mut spare) = (0, 0);
    for room in &instance.rooms {
        let asked = given[*room as usize];
        let own = if single[*room as usize] { asked.div_ceil(longest) } else { u64::from(asked > 0) };
        days += own;
        spare += (own * longest).saturating_sub(asked);
    }
    days + open.saturating_sub(spare).div_ceil(longest)
}
