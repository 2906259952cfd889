//! Whether prices are the least optimal ones, and which of them have a least value at all.
//!
//! Optimal prices are the potentials of a graph: a student of pool p who may have q asks for y_q ≥ y_p + c(s,p) − c(s,q),
//! a pool that could give a place up asks for y_q ≥ 0. The least prices are the longest ways from nothing, so a price is
//! least exactly if a chain of such demands, each met with equality, ends at it; it has no least value if no chain of
//! demands ends at it, met with equality or not. Two searches over the rows show both, and no price is computed.
//!
//! Nodes: the problem's pools, then the schools' ways of waiting where they share (see [`waiting`]). Invariant: the prices
//! are optimal for the assignment (`certificate::check`), so every demand is met. Absent: the optimizer's code.

use std::collections::VecDeque;

use aula_allocation::certificate::Prices;
use aula_allocation::problem::Problem;

/// What is known of each node's price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    /// It has a least value.
    pub(super) bounded: Vec<bool>,
    /// It is that value.
    pub(super) least: Vec<bool>,
}

/// Searches from every pool that could give a place up, over all demands and over those met with equality.
pub(super) fn reached(problem: &Problem, assignment: &[u32], prices: &Prices) -> Reached {
    let graph = Graph::of(problem, assignment, prices);
    Reached { bounded: graph.search(|_| true), least: graph.search(|slack| slack == 0) }
}

struct Graph<'a> {
    problem: &'a Problem,
    prices: Vec<i64>,
    /// Rows by the node at which they stand.
    held: Vec<Vec<usize>>,
    /// How many students each school has.
    sizes: Vec<i64>,
}

impl<'a> Graph<'a> {
    fn of(problem: &'a Problem, assignment: &[u32], given: &Prices) -> Self {
        let schools = problem.schools().map_or(0, |layer| layer.schools.len());
        let waitlist = given.pools.last().copied().unwrap_or(0);
        let mut prices = given.pools.clone();
        prices.extend(given.schools.iter().map(|price| price.saturating_add(waitlist)));
        let mut graph =
            Self { problem, held: vec![Vec::new(); prices.len()], prices, sizes: vec![0; schools] };
        for (student, pool) in assignment.iter().enumerate() {
            let node = graph.node(student, *pool);
            graph.held.get_mut(node).into_iter().for_each(|rows| rows.push(student));
            let school = problem.schools().and_then(|layer| layer.school_of.get(student));
            let size = school.and_then(|school| graph.sizes.get_mut(*school as usize));
            size.into_iter().for_each(|size| *size = size.saturating_add(1));
        }
        graph
    }

    /// The node of a pool for a student: where schools share, waiting is the school's.
    fn node(&self, student: usize, pool: u32) -> usize {
        let shared = self.problem.schools().filter(|_| self.problem.waitlist_pool() == Some(pool));
        let school = shared.and_then(|layer| layer.school_of.get(student));
        school.map_or(pool as usize, |school| self.problem.pools().len().saturating_add(*school as usize))
    }

    fn price(&self, node: usize) -> i64 {
        self.prices.get(node).copied().unwrap_or(0)
    }

    fn load(&self, node: usize) -> i64 {
        self.held.get(node).map_or(0, |rows| i64::try_from(rows.len()).unwrap_or(i64::MAX))
    }

    /// Nodes that a chain of demands with a slack of `kind` ends at.
    fn search(&self, kind: impl Fn(i64) -> bool) -> Vec<bool> {
        let mut found = vec![false; self.prices.len()];
        let mut next = VecDeque::new();
        let mut demand = |node: usize, slack: i64, next: &mut VecDeque<usize>| {
            if let Some(known) = found.get_mut(node).filter(|known| !**known && kind(slack)) {
                *known = true;
                next.push_back(node);
            }
        };
        for (node, pool) in self.problem.pools().iter().enumerate() {
            if pool.floor == 0 || self.load(node) > i64::from(pool.floor) {
                demand(node, self.price(node), &mut next);
            }
        }
        while let Some(from) = next.pop_front() {
            for student in self.held.get(from).into_iter().flatten() {
                let own = self.cost_at(*student, from).saturating_add(self.price(from));
                for entry in self.problem.row(*student) {
                    let to = self.node(*student, entry.pool);
                    let there = i64::from(entry.cost).saturating_add(self.price(to));
                    demand(to, there.saturating_sub(own), &mut next);
                }
            }
            self.waiting(from, |to, slack| demand(to, slack, &mut next));
        }
        found
    }

    fn cost_at(&self, student: usize, node: usize) -> i64 {
        let last = self.problem.waitlist_pool().unwrap_or(0);
        let pool = if node < self.problem.pools().len() { u32::try_from(node).unwrap_or(last) } else { last };
        self.problem.cost(student, pool).map_or(0, i64::from)
    }

    /// Demands between the waitlist and the schools' ways of waiting: one waiting student more of a school saves its
    /// penalty while the school is beyond its share, one less costs it.
    fn waiting(&self, from: usize, mut demand: impl FnMut(usize, i64)) {
        let Some((layer, waitlist)) = self.problem.schools().zip(self.problem.waitlist_pool()) else {
            return;
        };
        let (pools, waitlist) = (self.problem.pools().len(), waitlist as usize);
        for ((at, school), size) in (0usize..).zip(&layer.schools).zip(&self.sizes) {
            let node = pools.saturating_add(at);
            let waits = self.load(node);
            let knee = size.saturating_sub(school.share.into()).max(0);
            let most = size.saturating_sub(school.min_placed.into());
            let saved = |beyond: bool| if beyond { i64::from(school.penalty) } else { 0 };
            let apart = self.price(node).saturating_sub(self.price(waitlist));
            if from == node && waits < most {
                demand(waitlist, apart.saturating_add(saved(waits < knee)).saturating_neg());
            }
            if from == waitlist && waits > 0 {
                demand(node, apart.saturating_add(saved(waits <= knee)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
