//! The search: simulated annealing over changes made in place, valued by counting again at the points that feel them.
//!
//! It goes in rounds, each twice as long as the one before and cooled from hot to cold; the best of all rounds is the
//! answer, and nothing depends on how much time there is.

mod chain;
mod construct;
mod felt;
mod moves;
mod parts;
mod rooms;
mod state;
mod tables;

use super::instance::{Instance, Sub};
use super::times::Times;
use crate::anneal::{Cooling, FRACTION, Thresholds};
use crate::budget::Budget;
use crate::random::Random;
use rooms::Rooms;
use state::{State, Weights};
use tables::Tables;

/// Iterations of the first round; each is twice as long as the one before.
const FIRST_ROUND: u64 = 1 << 16;
/// Iterations at one temperature, and between looks at the clock.
const STEP: u64 = 64;

/// What is asked of a search.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Equal seeds give equal timetables.
    pub seed: u64,
    /// Whether few rooms' days in use come before the soft cost.
    pub close_rooms: bool,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Parts by event.
    pub subs: Vec<Vec<Sub>>,
    /// Hard and soft cost, as the search carried them along.
    pub cost: (i64, i64),
    /// Iterations made; so many again give the same timetable.
    pub iterations: u64,
}

/// Searches until the budget ends.
pub fn search<T: Times>(instance: &Instance<T>, options: Options, budget: &mut Budget<'_>) -> Found {
    let mut random = Random::new(options.seed);
    let tables = Tables::new(instance);
    // An opened room-day is worth a few of the dearest soft deviations.
    let room_day = if options.close_rooms { 2 * tables.soft.1 } else { 0 };
    let hard = tables.hard_unit + 2 * room_day;
    let rooms = options.close_rooms.then(|| Rooms::new(instance));
    let mut state = State::new(instance, parts::first(instance), Weights { hard, room_day }, rooms);
    construct::construct(&mut state, &tables);
    let mut best = (state.cost, state.subs.clone());
    let thresholds = Thresholds::default();
    let (mut done, mut length) = (0, FIRST_ROUND);
    'rounds: while tables.movable() {
        // Unit costs differ by instance: hot enough to trade any soft one, cold enough to keep the least.
        let hot = (hard.clamp(2, 2_000) as u32) << (FRACTION - 1);
        let cold = (tables.soft.0.clamp(1, 100) as u32) << (FRACTION - 3);
        let cooling = Cooling { hot, cold, length };
        let start = done;
        let mut temperature = hot;
        while done < start + length {
            if !budget.allows_looking_each(done, STEP) {
                break 'rounds;
            }
            if (done - start) % STEP == 0 {
                temperature = cooling.at(done - start);
            }
            let may = thresholds.next(temperature, &mut random) >> FRACTION;
            if moves::step(&mut state, &tables, &mut random, may) && state.cost < best.0 {
                best = (state.cost, state.subs.clone());
            }
            done += 1;
        }
        length *= 2;
        if state.cost.hard > 0 {
            // What stays broken weighs more in the next round.
            state.weights.hard = (state.weights.hard * 2).min(64 * hard);
        }
    }
    Found { subs: best.1, cost: (best.0.hard, best.0.soft), iterations: done }
}
