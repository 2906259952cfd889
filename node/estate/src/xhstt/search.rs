//! The search: simulated annealing whose every move replaces the parts of some events, valued by counting again at the
//! places that these events and their resources touch.

mod moves;
mod parts;
mod state;

use super::instance::{Instance, Sub};
use crate::anneal::{Cooling, FRACTION, Thresholds};
use crate::budget::Budget;
use crate::random::Random;
use state::State;

/// Iterations of the first round; each is twice as long as the one before.
const FIRST_ROUND: u64 = 1 << 15;
/// Iterations at one temperature, and between looks at the clock.
const STEP: u64 = 64;

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Parts by event.
    pub subs: Vec<Vec<Sub>>,
    /// Iterations made; so many again give the same timetable.
    pub iterations: u64,
}

/// Searches until the budget ends.
pub fn search(instance: &Instance, seed: u64, budget: &mut Budget<'_>) -> Found {
    let mut random = Random::new(seed);
    let tables = moves::Tables::new(instance);
    let mut state = State::new(instance, parts::first(instance), tables.hard_unit);
    let mut best = (state.cost, state.subs.clone());
    let thresholds = Thresholds::default();
    let (mut done, mut length) = (0, FIRST_ROUND);
    'rounds: while tables.movable() {
        // Unit costs differ by instance: hot enough to trade any soft one, cold enough to keep the least.
        let hot = (tables.hard_unit.clamp(2, 2_000) as u32) << (FRACTION - 1);
        let cooling =
            Cooling { hot, cold: (tables.least_soft.clamp(1, 100) as u32) << (FRACTION - 3), length };
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
        if state.cost.0 > 0 {
            // What stays broken weighs more in the next round.
            state.hard_unit = (state.hard_unit * 2).min(64 * tables.hard_unit);
        }
    }
    Found { subs: best.1, iterations: done }
}
