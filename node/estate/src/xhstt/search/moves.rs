//! Moves: a part to another time, alone or by a chain; another resource for a slot, or its holder's; two events' resources
//! exchanged; another way to split an event. A part of the moves starts where something costs.

use super::super::instance::{NOBODY, Sub, UNTIMED, Wanted};
use super::super::times::Times;
use super::chain;
use super::state::State;
use super::tables::Tables;
use crate::random::Random;

/// Tries one random move; says whether it was kept.
pub fn step<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>, random: &mut Random, may: i64) -> bool {
    let bits = random.bits();
    let (kind, focus) = ((bits & 63) as u32, bits >> 6 & 3 == 0);
    let before = state.total();
    state.begin();
    let staffing = if tables.timed.is_empty() { 64 } else { tables.staffing_share() };
    if kind < staffing {
        staff(state, tables, random, focus);
    } else if kind < staffing + 4 && !tables.splittable.is_empty() {
        split(state, tables, random);
    } else {
        time(state, tables, random, focus, kind & 3);
    }
    if state.unchanged() {
        return false;
    }
    state.settle();
    if state.total().saturating_sub(before) <= may {
        return true;
    }
    state.undo();
    false
}

impl<T: Times> Tables<T> {
    /// Of 64 moves, how many look for resources.
    fn staffing_share(&self) -> u32 {
        match self.open.len() {
            0 => 0,
            open => (64 * open / (open + 2 * self.timed.len())).clamp(6, 28) as u32,
        }
    }
}

/// One of the ones of a set, by a random number.
pub fn pick<T: Times>(set: T, random: &mut Random) -> Option<u16> {
    match set.count() {
        0 => None,
        count => set.nth(random.below(count)),
    }
}

fn one_of<V: Copy>(all: &[V], random: &mut Random) -> Option<V> {
    all.get(random.below(all.len().max(1) as u32) as usize).copied()
}

/// An event of a point that costs something.
fn troubled<T: Times>(state: &State<'_, T>, tables: &Tables<T>, random: &mut Random) -> Option<usize> {
    let point = one_of(&state.bad, random)?;
    match state.wanted(point) {
        Wanted::Timed(e)
        | Wanted::Resourced(e, _)
        | Wanted::Starts(e, ..)
        | Wanted::OneOf(e, ..)
        | Wanted::Split(e, ..)
        | Wanted::Parts(e, ..) => Some(*e),
        Wanted::Spread(events, _) | Wanted::Linked(events) => one_of(events, random),
        Wanted::Ordered(one, two, _) => Some(if random.below(2) == 0 { *one } else { *two }),
        Wanted::Unsplit(slots) => one_of(slots, random).map(|(event, _)| event),
        Wanted::NoClash(r)
        | Wanted::Free(r, _)
        | Wanted::Idle(r, ..)
        | Wanted::Cluster(r, ..)
        | Wanted::Busy(r, ..)
        | Wanted::Workload(r, _) => {
            let busy = pick(state.uses.busy(*r as u32), random);
            let there = busy.and_then(|time| state.uses.event_at(*r as u32, time));
            there.or_else(|| one_of(&tables.given[*r], random))
        }
    }
}

/// A start for an event's part: within the week, seldom regardless of what its hard constraints say.
fn start<T: Times>(
    state: &State<'_, T>,
    tables: &Tables<T>,
    event: usize,
    duration: u16,
    random: &mut Random,
) -> Option<u16> {
    let times = state.instance.times.len() as u16;
    let fits = T::span(0, times.checked_sub(duration)? + 1);
    let wanted = if random.below(32) == 0 { T::ALL } else { tables.starts[event] };
    pick(fits.and(wanted), random).or_else(|| pick(fits, random))
}

fn time<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>, random: &mut Random, focus: bool, kind: u32) {
    let timed = |event: &usize| state.instance.events[*event].given == UNTIMED;
    let focused = if focus { troubled(state, tables, random).filter(timed) } else { None };
    let Some(event) = focused.or_else(|| one_of(&tables.timed, random)) else { return };
    let place = random.below(state.subs[event].len() as u32) as usize;
    let Some(new) = start(state, tables, event, state.subs[event][place].duration, random) else { return };
    let whole = random.below(2) == 0;
    if kind == 0 || !chain::exchange(state, tables, event, place, new, whole) {
        move_together(state, tables, event, place, new);
    }
}

/// Moves a part and the parts of linked events beside it; each then looks for resources that are free there.
fn move_together<T: Times>(
    state: &mut State<'_, T>,
    tables: &Tables<T>,
    event: usize,
    place: usize,
    new: u16,
) {
    let (old, duration) = (state.subs[event][place].time, state.subs[event][place].duration);
    state.set_time(event, place, new);
    rehouse(state, tables, event, place);
    for linked in &tables.linked[event] {
        let same = |sub: &Sub| sub.time == old && sub.duration == duration;
        if let Some(place) = state.subs[*linked].iter().position(same)
            && state.instance.events[*linked].given == UNTIMED
        {
            state.set_time(*linked, place, new);
            rehouse(state, tables, *linked, place);
        }
    }
}

/// Where an open slot's resource is in two places now, takes one that is free.
fn rehouse<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>, event: usize, place: usize) {
    for slot in 0..state.instance.events[event].slots.len() {
        let sub = &state.subs[event][place];
        let (resource, taken) = (sub.resources[slot], sub.taken::<T>());
        if state.instance.events[event].slots[slot].given != NOBODY
            || resource == NOBODY
            || sub.time == UNTIMED
        {
            continue;
        }
        let alone = |time: u16| state.uses.event_at(resource, time).is_some();
        if (sub.time..sub.time + sub.duration).all(alone) {
            continue;
        }
        let choices = &tables.choices[event][slot];
        if let Some(free) = choices.iter().find(|other| state.uses.busy(**other).and(taken).is_none()) {
            state.set_resource(event, place, slot, *free);
        }
    }
}

fn staff<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>, random: &mut Random, focus: bool) {
    let focused = if focus { troubled(state, tables, random) } else { None };
    let slots = focused.map_or(0, |event| state.instance.events[event].slots.len());
    let own = focused.map(|event| (event, random.below(slots.max(1) as u32) as usize));
    let open = |(event, slot): &(usize, usize)| {
        state.instance.events[*event].slots.get(*slot).is_some_and(|slot| slot.given == NOBODY)
    };
    let Some((event, slot)) = own.filter(open).or_else(|| one_of(&tables.open, random)) else { return };
    let all = &state.instance.events[event].slots[slot].candidates;
    let narrow = &tables.choices[event][slot];
    let from = if random.below(32) == 0 { all } else { narrow };
    let Some(mut chosen) = one_of(from, random) else { return };
    let parts = state.subs[event].len();
    // Half the time for all parts, since many want the same for all.
    let first = random.below(2 * parts as u32) as usize;
    let places = if first < parts { first..first + 1 } else { 0..parts };
    if random.below(4) == 0 {
        // A free one before any.
        let taken = places.clone().fold(T::NONE, |all, place| all.or(state.subs[event][place].taken()));
        let offset = random.below(narrow.len().max(1) as u32) as usize;
        let around = narrow[offset.min(narrow.len())..].iter().chain(narrow);
        chosen = around.copied().find(|other| state.uses.busy(*other).and(taken).is_none()).unwrap_or(chosen);
    }
    let give_back = random.below(2) == 0;
    for place in places {
        let (old, taken) = (state.subs[event][place].resources[slot], state.subs[event][place].time);
        if give_back && taken != UNTIMED {
            swap_holder(state, event, place, chosen, old);
        }
        state.set_resource(event, place, slot, chosen);
    }
}

/// Whoever holds a resource while a part runs gets another for it.
fn swap_holder<T: Times>(state: &mut State<'_, T>, event: usize, place: usize, wanted: u32, instead: u32) {
    let (from, duration) = (state.subs[event][place].time, state.subs[event][place].duration);
    for time in from..from + duration {
        let Some(holder) = state.uses.event_at(wanted, time).filter(|holder| *holder != event) else {
            continue;
        };
        let runs = |sub: &Sub| sub.time != UNTIMED && (sub.time..sub.time + sub.duration).contains(&time);
        let Some(other) = state.subs[holder].iter().position(runs) else { continue };
        let held = state.subs[holder][other].resources.iter().position(|resource| *resource == wanted);
        if let Some(slot) = held.filter(|slot| state.instance.events[holder].slots[*slot].given == NOBODY) {
            state.set_resource(holder, other, slot, instead);
        }
    }
}

fn split<T: Times>(state: &mut State<'_, T>, tables: &Tables<T>, random: &mut Random) {
    let Some(event) = one_of(&tables.splittable, random) else { return };
    let Some(way) = tables.ways[event].get(random.below(tables.ways[event].len() as u32) as usize) else {
        return;
    };
    let own = &state.subs[event];
    let mut parts = Vec::with_capacity(way.len());
    for (place, duration) in way.iter().enumerate() {
        let fits = |sub: &&Sub| {
            sub.time != UNTIMED && usize::from(sub.time + duration) <= state.instance.times.len()
        };
        let time = match own.get(place).filter(fits) {
            Some(sub) => sub.time,
            None => match start(state, tables, event, *duration, random) {
                Some(time) => time,
                None => return,
            },
        };
        let resources = own[place.min(own.len() - 1)].resources.clone();
        parts.push(Sub { duration: *duration, time, resources });
    }
    let duration = state.instance.events[event].duration;
    for linked in &tables.linked[event] {
        let other = &state.instance.events[*linked];
        if other.duration == duration && other.given == UNTIMED {
            let own = &state.subs[*linked];
            let part = |(place, part): (usize, &Sub)| Sub {
                duration: part.duration,
                time: part.time,
                resources: own[place.min(own.len() - 1)].resources.clone(),
            };
            let parts = parts.iter().enumerate().map(part).collect();
            state.set_parts(*linked, parts);
        }
    }
    state.set_parts(event, parts);
}
