//! Moves: a part to another time (with whom it would meet there coming back), another resource for a slot, another way
//! to split an event. Linked events move together.

use super::super::instance::{Instance, NOBODY, Sub, Times, UNTIMED, Wanted, span};
use super::parts;
use super::state::State;
use crate::random::Random;

/// What moves choose from.
pub struct Tables {
    ways: Vec<Vec<Vec<u16>>>,
    /// Times at which an event may start without breaking what its hard constraints say of it alone.
    starts: Vec<Times>,
    /// Resources that a slot may have, by event.
    choices: Vec<Vec<Vec<u32>>>,
    /// Other events that must run at the same times.
    linked: Vec<Vec<usize>>,
    /// Events by resource that they are given.
    given: Vec<Vec<usize>>,
    /// Events with a time to find, and slots with a resource to find.
    timed: Vec<usize>,
    open: Vec<(usize, usize)>,
    /// What a unit of hard cost weighs at first.
    pub hard_unit: i64,
    /// The least cost of a soft deviation.
    pub least_soft: i64,
}

impl Tables {
    pub fn new(instance: &Instance) -> Self {
        let soft = instance.points.iter().filter(|point| !point.hard).map(|point| point.weight.max(1));
        let hard = instance.points.iter().filter(|point| point.hard).map(|point| point.weight.max(1));
        let most_soft = soft.clone().max().unwrap_or(1);
        let events = instance.events.len();
        let candidates = |slots: &[super::super::instance::Slot]| {
            slots.iter().map(|slot| slot.candidates.clone()).collect()
        };
        let mut tables = Self {
            ways: parts::ways(instance),
            starts: vec![span(0, instance.times.len() as u16); events],
            choices: instance.events.iter().map(|event| candidates(&event.slots)).collect(),
            linked: vec![Vec::new(); events],
            given: vec![Vec::new(); instance.resources.len()],
            timed: (0..events).filter(|event| instance.events[*event].given == UNTIMED).collect(),
            open: Vec::new(),
            hard_unit: (2 * most_soft / hard.min().unwrap_or(1)).max(8),
            least_soft: soft.min().unwrap_or(1),
        };
        for (index, event) in instance.events.iter().enumerate() {
            for (place, slot) in event.slots.iter().enumerate() {
                match slot.given {
                    NOBODY => tables.open.push((index, place)),
                    given => tables.given[given as usize].push(index),
                }
            }
        }
        tables.narrow(instance);
        tables
    }

    /// Takes out what hard constraints say of an event alone; never all.
    fn narrow(&mut self, instance: &Instance) {
        for point in instance.points.iter().filter(|point| point.hard) {
            match &point.wanted {
                Wanted::OneOf(event, slot, preferred) => {
                    self.choices[*event][*slot].retain(|resource| preferred.binary_search(resource).is_ok());
                }
                Wanted::Starts(event, times, duration)
                    if duration.is_none_or(|duration| duration == instance.events[*event].duration) =>
                {
                    self.starts[*event] &= times;
                }
                Wanted::Linked(all) => {
                    for event in all {
                        self.linked[*event].extend(all.iter().filter(|other| *other != event));
                    }
                }
                Wanted::Free(resource, times) => {
                    for event in &self.given[*resource] {
                        let left = self.starts[*event] & !times;
                        if left != 0 {
                            self.starts[*event] = left;
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Whether there is anything to find.
    pub fn movable(&self) -> bool {
        !self.timed.is_empty() || !self.open.is_empty()
    }
}

type Changes = Vec<(usize, Vec<Sub>)>;

/// Tries one random move; says whether it was kept.
pub fn step(state: &mut State<'_>, tables: &Tables, random: &mut Random, may: i64) -> bool {
    let kind = random.below(64);
    let proposed = match kind {
        0..6 if !tables.open.is_empty() => resource(state, tables, random),
        6..9 => split(state, tables, random),
        _ => time(state, tables, random, kind & 1 == 0),
    };
    let Some(mut changes) = proposed else { return false };
    let before = state.total();
    state.exchange(&mut changes);
    if state.total() - before <= may {
        return true;
    }
    state.exchange(&mut changes);
    false
}

/// One of the ones of a set, by a random number.
fn pick(set: Times, random: &mut Random) -> Option<u16> {
    let count = set.count_ones();
    if count == 0 {
        return None;
    }
    let mut left = set;
    (0..random.below(count)).for_each(|_| left &= left - 1);
    Some(left.trailing_zeros() as u16)
}

/// A start for an event's part: within the week, seldom regardless of what its hard constraints say.
fn start(
    state: &State<'_>,
    tables: &Tables,
    event: usize,
    duration: u16,
    random: &mut Random,
) -> Option<u16> {
    let times = state.instance.times.len() as u16;
    let fits = span(0, times.checked_sub(duration)? + 1);
    let wanted = if random.below(32) == 0 { Times::MAX } else { tables.starts[event] };
    pick(fits & wanted, random).or_else(|| pick(fits, random))
}

fn random_event(tables: &Tables, random: &mut Random) -> Option<usize> {
    tables.timed.get(random.below(tables.timed.len().max(1) as u32) as usize).copied()
}

fn time(state: &State<'_>, tables: &Tables, random: &mut Random, back: bool) -> Option<Changes> {
    let event = random_event(tables, random)?;
    let place = random.below(state.subs[event].len() as u32) as usize;
    let (duration, old) = (state.subs[event][place].duration, state.subs[event][place].time);
    let new = start(state, tables, event, duration, random)?;
    if new == old {
        return None;
    }
    let mut subs = state.subs[event].clone();
    subs[place].time = new;
    let mut changes = vec![(event, subs)];
    if back && old != UNTIMED {
        send_back(state, tables, &mut changes, new, old, duration);
    }
    together(state, tables, &mut changes);
    Some(changes)
}

/// Sends whom the part would meet at its new time to its old one.
fn send_back(state: &State<'_>, tables: &Tables, changes: &mut Changes, new: u16, old: u16, duration: u16) {
    let (event, times) = (changes[0].0, span(new, duration));
    for slot in state.instance.events[event].slots.iter().filter(|slot| slot.given != NOBODY) {
        if state.uses.busy(slot.given) & times == 0 {
            continue;
        }
        for other in &tables.given[slot.given as usize] {
            if changes.iter().any(|(changed, _)| changed == other)
                || state.instance.events[*other].given != UNTIMED
            {
                continue;
            }
            let meets = |sub: &Sub| sub.taken() & times != 0 && sub.duration == duration;
            if state.subs[*other].iter().any(meets) {
                let mut subs = state.subs[*other].clone();
                subs.iter_mut().filter(|sub| meets(sub)).for_each(|sub| sub.time = old);
                changes.push((*other, subs));
            }
        }
    }
}

/// Linked events of as many times take over the parts' times.
fn together(state: &State<'_>, tables: &Tables, changes: &mut Changes) {
    for index in 0..changes.len() {
        let (event, lead) = changes[index].clone();
        for other in &tables.linked[event] {
            let whole = &state.instance.events[*other];
            let same = whole.duration == state.instance.events[event].duration && whole.given == UNTIMED;
            if !same || changes.iter().any(|(changed, _)| changed == other) {
                continue;
            }
            let own = &state.subs[*other];
            let parts = lead.iter().enumerate().map(|(place, sub)| Sub {
                duration: sub.duration,
                time: sub.time,
                resources: own[place.min(own.len() - 1)].resources.clone(),
            });
            changes.push((*other, parts.collect()));
        }
    }
}

fn resource(state: &State<'_>, tables: &Tables, random: &mut Random) -> Option<Changes> {
    let (event, slot) = tables.open[random.below(tables.open.len() as u32) as usize];
    let choices = &tables.choices[event][slot];
    let all = &state.instance.events[event].slots[slot].candidates;
    let from = if choices.is_empty() || random.below(32) == 0 { all } else { choices };
    if from.is_empty() {
        return None;
    }
    let chosen = from[random.below(from.len() as u32) as usize];
    let mut subs = state.subs[event].clone();
    // Half the time for all parts, since many want the same for all.
    let place = random.below(2 * subs.len() as u32) as usize;
    let whole = place >= subs.len();
    for (index, sub) in subs.iter_mut().enumerate() {
        if whole || index == place {
            sub.resources[slot] = chosen;
        }
    }
    Some(vec![(event, subs)])
}

fn split(state: &State<'_>, tables: &Tables, random: &mut Random) -> Option<Changes> {
    let event = random_event(tables, random)?;
    let ways = &tables.ways[event];
    if ways.len() < 2 {
        return None;
    }
    let way = &ways[random.below(ways.len() as u32) as usize];
    let own = &state.subs[event];
    let mut subs = Vec::with_capacity(way.len());
    for (place, duration) in way.iter().enumerate() {
        let fits = |sub: &&Sub| {
            sub.time != UNTIMED && usize::from(sub.time + duration) <= state.instance.times.len()
        };
        let time = match own.get(place).filter(fits) {
            Some(sub) => sub.time,
            None => start(state, tables, event, *duration, random)?,
        };
        let resources = own[place.min(own.len() - 1)].resources.clone();
        subs.push(Sub { duration: *duration, time, resources });
    }
    let mut changes = vec![(event, subs)];
    together(state, tables, &mut changes);
    Some(changes)
}
