//! The best policy by dynamic programming, where the states are few enough to know them all.
//!
//! A state is the rung and the gate of every skill that was shut at the start; the others can neither be practised nor
//! receive gifts. Flow: states are listed block by block, forwards from the start ([`Exact::solve`]), then valued
//! backwards: the largest expected gain over the skills that can be practised, responses weighed by their exact
//! probabilities. Two orders of the same practice meet in one state, and a skill has few rungs on its way to its gate,
//! so that two or three skills are known for any number of hours, and twelve for four blocks. Invariants: equal inputs give
//! equal policies; ties go to the least skill; more states than the budget give nothing at all rather than an
//! approximation. Absent: the tree search, which plans everything larger.

use super::game::Game;
use super::learner::Learner;
use crate::fixed::ONE_E4;

/// Most skills that are shut at the start.
const MAX_SKILLS: usize = 16;
/// Values are gains in e4 times this: every block rounds once, towards zero.
const FINE: i64 = 1_000_000;

/// Twice the rung of each skill, or 1 once its gate is open: its rung matters no more, since it is practised no more and
/// receives nothing. Zeros beyond the last skill.
type State = [u16; MAX_SKILLS];

/// All states with a number of blocks left.
#[derive(Debug, Clone, Default)]
struct Layer {
    /// Ascending.
    states: Vec<State>,
    /// What to practise: a place in [`Exact::skills`]; none where nothing can be practised.
    best: Vec<Option<u8>>,
    /// Expected gain from here to the end, less the cost of blocks, e4 × [`FINE`].
    values: Vec<i64>,
}

/// A solved plan.
#[derive(Debug, Clone)]
pub struct Exact {
    /// The skills that were shut at the start, ascending.
    skills: Vec<u16>,
    /// Their dependents, by place.
    dependents: Vec<Vec<usize>>,
    /// Their prerequisites that were shut at the start: bits by place.
    prerequisites: Vec<u32>,
    /// From all blocks left to none.
    layers: Vec<Layer>,
}

/// Where a learner stands in a solved plan.
#[derive(Debug, Clone, Copy)]
pub struct Stand {
    state: State,
    layer: usize,
}

/// The cell of an open gate.
const OPEN: u16 = 1;

fn rung(cell: u16) -> u16 {
    cell >> 1
}

fn is_open(cell: u16) -> bool {
    cell == OPEN
}

impl Exact {
    /// Solves a plan; `None` when too many skills are shut, or when there are more than `budget` states.
    pub fn solve(game: &Game, start: &Learner, budget: usize) -> Option<Self> {
        let skills: Vec<u16> = (0..game.graph.len() as u16).filter(|k| start.is_shut(*k)).collect();
        if skills.is_empty() || skills.len() > MAX_SKILLS {
            return None;
        }
        let place = |skill: &u16| skills.binary_search(skill).ok();
        let dependents = |k: &u16| game.graph.dependents(*k).iter().filter_map(place).collect();
        let bits =
            |k: &u16| game.graph.prerequisites(*k).iter().filter_map(place).fold(0, |b, at| b | 1_u32 << at);
        let mut solved = Self {
            dependents: skills.iter().map(dependents).collect(),
            prerequisites: skills.iter().map(bits).collect(),
            layers: Vec::new(),
            skills,
        };
        let mut first = [0; MAX_SKILLS];
        for (cell, skill) in first.iter_mut().zip(&solved.skills) {
            *cell = start.rung(*skill) << 1;
        }
        solved.list(game, first, budget)?;
        solved.value(game);
        Some(solved)
    }

    /// Lists the states of every layer.
    fn list(&mut self, game: &Game, first: State, budget: usize) -> Option<()> {
        let mut total = 1;
        self.layers.push(Layer { states: vec![first], ..Layer::default() });
        for at in 0..usize::from(game.params.blocks) {
            let mut next: Vec<State> = Vec::new();
            for state in &self.layers[at].states {
                for k in self.actions(state) {
                    next.extend([0, 1].map(|outcome| self.practise(game, state, k, outcome).0));
                }
                if next.len() > 4 * budget {
                    next.sort_unstable();
                    next.dedup();
                    if total + next.len() > budget {
                        return None;
                    }
                }
            }
            next.sort_unstable();
            next.dedup();
            total += next.len();
            if total > budget {
                return None;
            }
            if next.is_empty() {
                break;
            }
            self.layers.push(Layer { states: next, ..Layer::default() });
        }
        Some(())
    }

    /// Values every state, from the last layer back.
    fn value(&mut self, game: &Game) {
        let mut later = Layer::default();
        let mut done: Vec<Layer> = Vec::with_capacity(self.layers.len());
        for (at, Layer { states, .. }) in std::mem::take(&mut self.layers).into_iter().enumerate().rev() {
            let last = at == usize::from(game.params.blocks);
            let judge = |state: &State| {
                let actions = self.actions(state).filter(|_| !last);
                let judged = actions.map(|k| (self.worth(game, state, k, &later), k));
                // The first of equals is the least skill.
                judged.reduce(|best, one| if one.0 > best.0 { one } else { best })
            };
            let found: Vec<Option<(i64, usize)>> = states.iter().map(judge).collect();
            let best = found.iter().map(|f| f.map(|(_, k)| k as u8)).collect();
            let values = found.iter().map(|f| f.map_or(0, |(value, _)| value)).collect();
            done.push(std::mem::replace(&mut later, Layer { states, best, values }));
        }
        done.push(later);
        // The first one pushed was the empty layer behind the last.
        self.layers = done.into_iter().skip(1).rev().collect();
    }

    /// Expected gain of practising a skill and going on as well as possible, less the cost of blocks, e4 × [`FINE`].
    fn worth(&self, game: &Game, state: &State, k: usize, later: &Layer) -> i64 {
        let p = i64::from(game.rung(rung(state[k])).mastery);
        let [wrong, right] = [0, 1].map(|outcome| {
            let (next, gain) = self.practise(game, state, k, outcome);
            let after = later.states.binary_search(&next).ok().and_then(|at| later.values.get(at));
            (gain - i64::from(game.params.block_cost_e4)) * FINE + after.copied().unwrap_or(0)
        });
        (p * right + (ONE_E4 - p) * wrong) / ONE_E4
    }

    /// What can be practised: shut, with every gate before it open.
    fn actions<'a>(&'a self, state: &'a State) -> impl Iterator<Item = usize> + 'a {
        let open = state.iter().enumerate().fold(0_u32, |b, (at, cell)| b | u32::from(is_open(*cell)) << at);
        (0..self.skills.len()).filter(move |k| !is_open(state[*k]) && self.prerequisites[*k] & !open == 0)
    }

    /// One block: the state after it and the gain over all skills, e4. The rules are those of the learner.
    fn practise(&self, game: &Game, state: &State, k: usize, outcome: usize) -> (State, i64) {
        let mut next = *state;
        let (before, after) = (rung(state[k]), game.after(rung(state[k]), outcome));
        let mut gain = i64::from(game.rung(after).mastery - game.rung(before).mastery);
        next[k] = if game.opens(after) { OPEN } else { after << 1 };
        for d in &self.dependents[k] {
            if !is_open(state[*d]) {
                let (from, to) = (rung(state[*d]), game.after_gift(rung(state[*d]), outcome));
                gain += i64::from(game.rung(to).mastery - game.rung(from).mastery);
                next[*d] = to << 1;
            }
        }
        (next, gain)
    }

    /// Where a plan begins; none when nothing was listed.
    pub fn start(&self) -> Option<Stand> {
        let state = *self.layers.first()?.states.first()?;
        Some(Stand { state, layer: 0 })
    }

    /// What to practise next; none at the end, or when nothing can be practised.
    pub fn choose(&self, stand: &Stand) -> Option<u16> {
        let layer = self.layers.get(stand.layer)?;
        let at = layer.states.binary_search(&stand.state).ok()?;
        let best = (*layer.best.get(at)?)?;
        self.skills.get(usize::from(best)).copied()
    }

    /// Where the learner stands after a block.
    pub fn after(&self, game: &Game, stand: &Stand, skill: u16, right: bool) -> Stand {
        let layer = stand.layer + 1;
        let state = match self.skills.binary_search(&skill) {
            Ok(k) => self.practise(game, &stand.state, k, usize::from(right)).0,
            Err(_) => stand.state,
        };
        Stand { state, layer }
    }

    /// The first actions with what each is worth when everything after it is best, e4 less the cost of blocks.
    pub fn first_actions(&self, game: &Game) -> Vec<(u16, i64)> {
        let (Some(stand), nothing) = (self.start(), Layer::default()) else { return Vec::new() };
        let later = self.layers.get(1).unwrap_or(&nothing);
        let worth = |k: usize| (self.skills[k], self.worth(game, &stand.state, k, later) / FINE);
        self.actions(&stand.state).map(worth).collect()
    }
}
