//! The search: simulated annealing over timetables in which no room is held twice.
//!
//! It goes in rounds, each twice as long as the one before and cooled from hot to cold; the best timetable of all rounds
//! is the answer. So there is an answer early, at most three quarters of the time went into rounds other than the longest
//! finished one, and nothing depends on how much time there is. Moves: a lecture to another cell, an exchange of two
//! lectures, a Kempe chain between two periods (Bellio, Ceschia, Di Gaspero, Schaerf and Urli 2016 have the first two).

mod construct;
mod moves;
mod state;
mod tables;
#[cfg(test)]
mod tests;

use super::burden::Burden;
use super::evaluate::{FURTHER_ROOM, ISOLATED, MISSING_DAY, SEAT};
use super::instance::Instance;
use super::keep::Keep;
use super::solution::Lesson;
use crate::anneal::{Cooling, FRACTION, Thresholds};
use crate::budget::Budget;
use crate::random::Random;
use state::{NOTHING, State, Weights};
use tables::Tables;

/// Iterations of the first round.
const FIRST_ROUND: u64 = 1 << 20;
/// Iterations at one temperature.
const STEP: u64 = 1024;
/// Temperatures in 1/2^8 units of cost.
const HOT: u32 = 10 << FRACTION;
const COLD: u32 = (1 << FRACTION) / 10;
/// What a room's day weighs that is full, where few are wanted.
const ROOM_DAY: i32 = 24;
/// What a broken hard constraint weighs at first; doubled after a round that ended with some, up to the limit.
const HARD: i32 = 30;
const HARD_LIMIT: i32 = 2_000;

/// What is asked of a search.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Equal seeds give equal timetables.
    pub seed: u64,
    /// Whether few opened room-days come before the cost, seats apart.
    pub close_rooms: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The best timetable.
    pub lessons: Vec<Lesson>,
    /// Iterations made; so many again give the same timetable.
    pub iterations: u64,
}

/// Searches until the budget ends.
pub fn search(instance: &Instance, options: Options, budget: &mut Budget<'_>) -> Found {
    search_keeping(instance, options, &Keep::default(), budget)
}

/// The same from a timetable in use, with pinned lectures that stay where they are.
pub fn search_keeping(instance: &Instance, options: Options, keep: &Keep, budget: &mut Budget<'_>) -> Found {
    search_weighing(instance, options, keep, &Burden::default(), budget)
}

/// The same with times and rooms that weigh beside the cost.
pub fn search_weighing(
    instance: &Instance,
    options: Options,
    keep: &Keep,
    burden: &Burden,
    budget: &mut Budget<'_>,
) -> Found {
    let mut tables = Tables::new(instance);
    let placed = tables.keep(keep);
    tables.burden(instance, burden);
    let tables = tables;
    let mut random = Random::new(options.seed);
    let mut state = State::new(&tables, weights(&tables, options.close_rooms));
    // What a change or a time weighs never pays for a clash.
    state.weights.hard += 2 * tables.most_away();
    let hard_limit = HARD_LIMIT.max(state.weights.hard);
    construct::construct(&mut state, &placed);
    let mut best = Best { rank: rank(&state, options), cell_of: state.cell_of.clone() };
    let (mut done, mut length) = (0, FIRST_ROUND);
    let hot = if options.close_rooms { 3 * HOT } else { HOT };
    let weighs = !tables.room_days.is_empty();
    while !tables.course_of.is_empty() && budget.allows(done) {
        // Where energy weighs, half of a round looks for few room-days, and the other half, cooler and from the best of all, for times in them.
        let cooling = Cooling { hot, cold: COLD, length: if weighs { length / 2 } else { length } };
        done = round(&mut state, cooling, done, options, &mut random, &mut best, budget);
        if weighs && budget.allows(done) {
            state.stand(&best.cell_of);
            let cooling = Cooling { hot: HOT, ..cooling };
            done = round(&mut state, cooling, done, options, &mut random, &mut best, budget);
        }
        length *= 2;
        if state.cost.hard > 0 {
            state.weights.hard = (2 * state.weights.hard).min(hard_limit);
        }
    }
    let lessons = (best.cell_of.iter().zip(&tables.course_of))
        .filter(|(cell, _)| **cell != NOTHING)
        .map(|(cell, course)| Lesson {
            course: *course,
            room: *cell % tables.rooms as u32,
            period: *cell / tables.rooms as u32,
        })
        .collect();
    Found { lessons, iterations: done }
}

/// The best so far.
struct Best {
    rank: [i32; 4],
    cell_of: Vec<u32>,
}

/// What comes first, ascending.
fn rank(state: &State<'_>, options: Options) -> [i32; 4] {
    let cost = state.cost;
    match options.close_rooms {
        false => [cost.hard, cost.soft, 0, 0],
        true => [cost.hard, cost.seats, cost.opened, cost.soft],
    }
}

fn round(
    state: &mut State<'_>,
    cooling: Cooling,
    start: u64,
    options: Options,
    random: &mut Random,
    best: &mut Best,
    budget: &mut Budget<'_>,
) -> u64 {
    let thresholds = Thresholds::default();
    let mut scratch = moves::Scratch::default();
    let mut temperature = cooling.hot;
    let mut done = start;
    while done < start + cooling.length && budget.allows(done) {
        if (done - start).is_multiple_of(STEP) {
            temperature = cooling.at(done - start);
        }
        if moves::step(state, random, &thresholds, temperature, &mut scratch) {
            let rank = rank(state, options);
            if rank < best.rank {
                best.rank = rank;
                best.cell_of.copy_from_slice(&state.cell_of);
            }
        }
        done += 1;
    }
    done
}

fn weights(tables: &Tables, close_rooms: bool) -> Weights {
    let all = tables.periods_per_day;
    // Concave: a lecture weighs more in a room's day that few others share, so that such days empty themselves.
    let held = |count: usize| {
        let count = count.min(all);
        i32::from(count > 0) * (ROOM_DAY / 2)
            + (ROOM_DAY as usize / 2 * count * (2 * all - count) / (all * all)) as i32
    };
    let of_room = |room: usize, count: usize| held(count) * tables.room_day(room) / ROOM_DAY;
    let counts = tables.periods_per_day + 2;
    Weights {
        hard: if close_rooms { 3 * HARD } else { HARD },
        seat: SEAT as i32 * if close_rooms { 4 } else { 1 },
        missing_day: MISSING_DAY as i32,
        isolated: ISOLATED as i32,
        further_room: FURTHER_ROOM as i32,
        room_day: (0..tables.rooms * counts)
            .map(|at| if close_rooms { of_room(at / counts, at % counts) } else { 0 })
            .collect(),
        counts,
    }
}
