//! One step of the search: a lecture to another cell, two lectures exchanged, or a Kempe chain between two periods.

use super::state::{NOTHING, State};
use crate::anneal::{FRACTION, Thresholds};
use crate::random::{Random, scale};

/// What a step may use again.
#[derive(Default)]
pub struct Scratch {
    chain: Vec<u32>,
    was: Vec<u32>,
}

/// Tries one random move; says whether the timetable changed.
#[inline]
pub fn step(
    state: &mut State<'_>,
    random: &mut Random,
    thresholds: &Thresholds,
    temperature: u32,
    scratch: &mut Scratch,
) -> bool {
    let t = state.tables;
    let (first, second) = (random.bits(), random.bits());
    let lecture = scale(first, t.course_of.len() as u32);
    let from = state.cell_of[lecture as usize];
    if from == NOTHING || t.is_fixed(lecture) {
        return false;
    }
    let course = t.course_of[lecture as usize] as usize;
    let may = thresholds.draw(temperature, second >> 44);
    let kind = (second >> 32) as u32 & 255;
    let (from_period, from_room) = state.split(from);
    let available = t.available.of(course);
    let other_period = available[scale(first >> 32, available.len() as u32) as usize] as usize;
    if kind < KEMPE {
        return other_period != from_period && kempe(state, lecture, other_period, may, scratch);
    }
    let fitting = t.fitting.of(course);
    let other_room = if kind & 15 == 0 {
        scale(second, t.rooms as u32) as usize
    } else {
        fitting[scale(second, fitting.len() as u32) as usize] as usize
    };
    let (period, room) = match kind {
        0..SAME_PERIOD => (from_period, other_room),
        SAME_PERIOD..SAME_ROOM => (other_period, from_room),
        _ => (other_period, other_room),
    };
    let to = (period * t.rooms + room) as u32;
    if to == from {
        return false;
    }
    match state.at[to as usize] {
        NOTHING => shift(state, lecture, course, (from_period, from_room), (period, room), may),
        other => swap(state, lecture, other, may),
    }
}

pub const KEMPE: u32 = 2;
pub const SAME_PERIOD: u32 = 32;
pub const SAME_ROOM: u32 = 128;

fn shift(
    state: &mut State<'_>,
    lecture: u32,
    course: usize,
    from: (usize, usize),
    to: (usize, usize),
    may: i64,
) -> bool {
    let mut delta = 0;
    if from.0 != to.0 {
        let hard = state.hard_delta(course, from.0, to.0);
        if hopeless(state, hard, may) {
            return false;
        }
        delta += hard * state.weights.hard
            + state.days_delta(course, from.0, to.0)
            + state.away_delta(course, from.0, to.0);
    }
    delta += state.rooms_delta(course, from.1, to.1) + state.room_day_delta(from, to);
    if from.0 != to.0 {
        delta += state.isolation_delta(course, from.0, to.0, None);
    }
    if i64::from(delta) << FRACTION > may {
        return false;
    }
    state.lift(lecture);
    state.put(lecture, (to.0 * state.tables.rooms + to.1) as u32);
    true
}

fn swap(state: &mut State<'_>, one: u32, two: u32, may: i64) -> bool {
    let t = state.tables;
    let (a, b) = (t.course_of[one as usize] as usize, t.course_of[two as usize] as usize);
    if a == b || t.is_fixed(two) {
        return false;
    }
    let (one_cell, two_cell) = (state.cell_of[one as usize], state.cell_of[two as usize]);
    let ((from, from_room), (to, to_room)) = (state.split(one_cell), state.split(two_cell));
    let mut delta = 0;
    if from != to {
        let both = 2 * i32::from(t.clashing[a * t.courses + b]);
        let hard = state.hard_delta(a, from, to) + state.hard_delta(b, to, from) - both;
        if hopeless(state, hard, may) {
            return false;
        }
        delta += hard * state.weights.hard + state.days_delta(a, from, to) + state.days_delta(b, to, from);
        delta += state.away_delta(a, from, to) + state.away_delta(b, to, from);
    }
    delta += state.rooms_delta(a, from_room, to_room) + state.rooms_delta(b, to_room, from_room);
    if from != to {
        delta += state.isolation_delta(a, from, to, Some(b)) + state.isolation_delta(b, to, from, Some(a));
    }
    if i64::from(delta) << FRACTION > may {
        return false;
    }
    state.lift(one);
    state.lift(two);
    state.put(one, two_cell);
    state.put(two, one_cell);
    true
}

/// Whether so many clashes more cannot be paid by what else the move brings.
#[inline]
fn hopeless(state: &State<'_>, hard: i32, may: i64) -> bool {
    hard > 0 && i64::from(hard * state.weights.hard) << FRACTION > may
}

/// Exchanges between its period and `to` the lecture and all that clash their way along: the chain of Kempe.
fn kempe(state: &mut State<'_>, lecture: u32, to: usize, may: i64, scratch: &mut Scratch) -> bool {
    let t = state.tables;
    let from = state.split(state.cell_of[lecture as usize]).0;
    let Scratch { chain, was } = scratch;
    chain.clear();
    chain.push(lecture);
    let mut next = 0;
    while next < chain.len() {
        let course = t.course_of[chain[next] as usize] as usize;
        let opposite = if state.split(state.cell_of[chain[next] as usize]).0 == from { to } else { from };
        for cell in opposite * t.rooms..(opposite + 1) * t.rooms {
            let other = state.at[cell];
            if other != NOTHING
                && t.clashing[course * t.courses + t.course_of[other as usize] as usize]
                && !chain.contains(&other)
            {
                chain.push(other);
            }
        }
        next += 1;
    }
    if chain.iter().any(|lecture| t.is_fixed(*lecture)) {
        return false;
    }
    was.clear();
    was.extend(chain.iter().map(|lecture| state.cell_of[*lecture as usize]));
    let before = state.cost;
    chain.iter().for_each(|lecture| state.lift(*lecture));
    let mut placed = 0;
    for (lecture, cell) in chain.iter().zip(was.iter()) {
        let (period, room) = state.split(*cell);
        let Some(room) = room_in(state, *lecture, if period == from { to } else { from }, room) else {
            break;
        };
        state.put(*lecture, room);
        placed += 1;
    }
    let delta = i64::from(state.cost.hard - before.hard) * i64::from(state.weights.hard)
        + i64::from(state.cost.soft - before.soft);
    if placed == chain.len() && delta << FRACTION <= may {
        return true;
    }
    chain[..placed].iter().for_each(|lecture| state.lift(*lecture));
    chain.iter().zip(was.iter()).for_each(|(lecture, cell)| state.put(*lecture, *cell));
    false
}

/// The cell of a period for a lecture: its room if that is free, else the free room that costs least.
fn room_in(state: &State<'_>, lecture: u32, period: usize, room: usize) -> Option<u32> {
    let t = state.tables;
    let base = period * t.rooms;
    if state.at[base + room] == NOTHING {
        return Some((base + room) as u32);
    }
    let course = t.course_of[lecture as usize] as usize;
    let free = (0..t.rooms).filter(|room| state.at[base + room] == NOTHING);
    free.min_by_key(|other| state.rooms_delta(course, room, *other)).map(|room| (base + room) as u32)
}
