//! The first timetable: the events with most to meet first, each part at the time and with the resources that cost least.

use super::super::instance::{NOBODY, UNTIMED};
use super::super::times::Times;
use super::state::State;
use super::tables::Tables;

/// Most places looked at in all, so that a large school is not waited for.
const MOST_LOOKS: usize = 1 << 18;

pub fn construct<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>) {
    let instance = state.instance;
    let mut order = tables.timed.clone();
    let heavy = |event: &usize| {
        let whole = &instance.events[*event];
        std::cmp::Reverse((
            usize::from(whole.duration) * (1 + whole.slots.len()),
            tables.linked[*event].len(),
        ))
    };
    order.sort_by_key(heavy);
    let parts: usize = order.iter().map(|event| state.subs[*event].len()).sum();
    let looks = (MOST_LOOKS / (parts + tables.open.len()).max(1)).max(1);
    for event in order {
        for place in 0..state.subs[event].len() {
            if state.subs[event][place].time == UNTIMED {
                best_time(state, tables, event, place, looks);
            }
        }
    }
    for (event, slot) in &tables.open {
        for place in 0..state.subs[*event].len() {
            if state.subs[*event][place].resources[*slot] == NOBODY {
                best_resource(state, tables, (*event, place, *slot), looks);
            }
        }
    }
    state.begin();
}

fn best_time<T: Times>(
    state: &mut State<'_, T>,
    tables: &Tables<T>,
    event: usize,
    place: usize,
    looks: usize,
) {
    let times = state.instance.times.len() as u16;
    let duration = state.subs[event][place].duration;
    let Some(last) = times.checked_sub(duration) else { return };
    let fits = T::span(0, last + 1);
    let both = fits.and(tables.starts[event]);
    let wanted = if both.is_none() { fits } else { both };
    let mut best = (i64::MAX, 0);
    // From a different place of the week for each part, so that a tie is not always Monday.
    let offset = (event * 7 + place * 13) as u16 % times;
    let turned = (0..times).map(|time| (time + offset) % times);
    for time in turned.filter(|time| wanted.has(*time)).take(looks) {
        state.begin();
        put(state, tables, event, place, time);
        state.settle();
        best = best.min((state.total(), time));
        state.undo();
    }
    if best.0 < i64::MAX {
        state.begin();
        put(state, tables, event, place, best.1);
        state.settle();
    }
}

/// The part, and the parts of linked events that have no time yet.
fn put<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>, event: usize, place: usize, time: u16) {
    state.set_time(event, place, time);
    let duration = state.subs[event][place].duration;
    for linked in &tables.linked[event] {
        let waits = |sub: &super::Sub| sub.time == UNTIMED && sub.duration == duration;
        if let Some(place) = state.subs[*linked].iter().position(waits) {
            state.set_time(*linked, place, time);
        }
    }
}

fn best_resource<T: Times>(
    state: &mut State<'_, T>,
    tables: &Tables<T>,
    slot: (usize, usize, usize),
    looks: usize,
) {
    let (event, place, slot) = slot;
    let mut best = (i64::MAX, NOBODY);
    for resource in tables.choices[event][slot].iter().take(looks) {
        state.begin();
        state.set_resource(event, place, slot, *resource);
        state.settle();
        best = best.min((state.total(), *resource));
        state.undo();
    }
    if best.1 != NOBODY {
        state.begin();
        state.set_resource(event, place, slot, best.1);
        state.settle();
    }
}
