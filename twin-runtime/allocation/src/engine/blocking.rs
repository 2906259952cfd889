//! The blocking flow of a phase: unit paths from excess to deficit, along the order in which the search settled.
//!
//! Arcs that point backwards in that order are left for the next phase, so the subgraph has no cycle and every node
//! scans its possible heads once.

use super::{Arcs, Engine, Meter};
use crate::lanes::widest;
use crate::rows::RowSource;
use crate::scalar::Scalar;

/// Where a node's scan stands.
#[derive(Clone, Copy, Default)]
struct Cursor {
    /// Next and last candidate head, as a range of the phase's list; equal and zero before the first visit.
    next: usize,
    end: usize,
    /// First slot not yet tried for that head.
    slot: usize,
    state: State,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Fresh,
    Listed,
    Dead,
}

/// What a phase knows of its nodes.
struct Phase {
    arcs: Arcs,
    order: Vec<u32>,
    /// Position of each node in the order; `u32::MAX` when it was not settled.
    place: Vec<u32>,
    cursors: Vec<Cursor>,
    /// Candidate heads (positions) of all visited nodes.
    heads: Vec<u32>,
}

/// One step of a path: the tail's position and, for a student's move, the slot.
#[derive(Clone, Copy)]
struct Step {
    position: usize,
    slot: Option<usize>,
}

impl<V: Scalar, R: RowSource<V>> Engine<'_, V, R> {
    /// Sends units until every source of the order is exhausted or in balance.
    pub(super) fn send_blocking_flow(&mut self, arcs: Arcs, meter: &mut Meter) {
        let order = std::mem::take(&mut self.order);
        let mut place = vec![u32::MAX; self.network.nodes()];
        (0u32..).zip(&order).for_each(|(at, &node)| place[node as usize] = at);
        let cursors = vec![Cursor::default(); order.len()];
        let mut phase = Phase { arcs, order, place, cursors, heads: Vec::new() };
        for source in 0..phase.order.len() {
            // Out of work, the units sent so far stay: the flow need not be blocking to be valid.
            while self.excess[phase.order[source] as usize] > 0
                && phase.cursors[source].state != State::Dead
                && !meter.spent()
            {
                self.one_path(source, &mut phase, meter);
            }
        }
        self.order = phase.order;
    }

    /// Follows cursors from a source; moves one unit if a deficit is met, else leaves the source dead.
    fn one_path(&mut self, source: usize, phase: &mut Phase, meter: &mut Meter) {
        let mut path = vec![Step { position: source, slot: None }];
        while let Some(step) = path.last_mut() {
            let tail = step.position;
            if self.excess[phase.order[tail] as usize] < 0 {
                self.augment(&path, &phase.order);
                return;
            }
            match self.advance(tail, phase, meter) {
                Some((head, slot)) => {
                    step.slot = slot;
                    path.push(Step { position: head, slot: None });
                }
                None => {
                    phase.cursors[tail].state = State::Dead;
                    path.pop();
                }
            }
        }
    }

    /// Moves a node's cursor to its next usable arc.
    fn advance(&self, tail: usize, phase: &mut Phase, meter: &mut Meter) -> Option<(usize, Option<usize>)> {
        let p = phase.order[tail] as usize;
        if phase.cursors[tail].state == State::Fresh {
            let start = phase.heads.len();
            self.list_heads(p, tail as u32, phase);
            meter.used += self.network.nodes() as u64;
            phase.cursors[tail] =
                Cursor { next: start, end: phase.heads.len(), slot: 0, state: State::Listed };
        }
        let mut cursor = phase.cursors[tail];
        while cursor.next < cursor.end {
            let head = phase.heads[cursor.next] as usize;
            let q = phase.order[head] as usize;
            meter.used += 1;
            if phase.cursors[head].state != State::Dead {
                if p >= self.network.columns || q >= self.network.columns {
                    if self.usable(phase.arcs, p, q) {
                        phase.cursors[tail] = cursor;
                        return Some((head, None));
                    }
                } else {
                    let (slot, work) = self.graph.cheapest(self.rows, p, q, cursor.slot);
                    meter.used += work;
                    if let Some(slot) = slot {
                        cursor.slot = slot;
                        phase.cursors[tail] = cursor;
                        return Some((head, Some(slot)));
                    }
                }
            }
            (cursor.next, cursor.slot) = (cursor.next + 1, 0);
        }
        phase.cursors[tail] = cursor;
        None
    }

    /// Lists the heads behind `tail` in the order that arcs of `p` may lead to.
    fn list_heads(&self, p: usize, tail: u32, phase: &mut Phase) {
        let columns = self.network.columns;
        let (place, heads) = (&phase.place, &mut phase.heads);
        let later = |q: usize| place[q] != u32::MAX && place[q] > tail;
        if p < columns {
            let (row, price) = (self.graph.row(p), self.prices[p]);
            let fits = |q: usize| match phase.arcs {
                Arcs::Any => row[q] < V::NONE,
                Arcs::Tight => row[q].plus(self.prices[q]) == price,
            };
            match (self.graph.heads(), phase.arcs) {
                (Some(listed), _) => {
                    let hits = listed[p].iter().map(|&q| q as usize).filter(|&q| later(q) && fits(q));
                    heads.extend(hits.map(|q| place[q]));
                }
                (None, Arcs::Tight) => later_tight(row, &self.prices, place, (price, tail), heads),
                (None, Arcs::Any) => {
                    heads.extend((0..columns).filter(|&q| later(q) && fits(q)).map(|q| place[q]));
                }
            }
        }
        let others = if p < columns { columns } else { 0 }..self.network.nodes();
        heads.extend(others.filter(|&q| later(q) && self.usable(phase.arcs, p, q)).map(|q| place[q]));
    }

    fn usable(&self, arcs: Arcs, p: usize, q: usize) -> bool {
        let cost = self.arc(p, q);
        match arcs {
            Arcs::Any => cost < V::NONE,
            Arcs::Tight => cost < V::NONE && cost.plus(self.prices[q]) == self.prices[p],
        }
    }

    /// Moves one unit along the path.
    fn augment(&mut self, path: &[Step], order: &[u32]) {
        for pair in path.windows(2) {
            let (p, q) = (order[pair[0].position] as usize, order[pair[1].position] as usize);
            self.push(p, q, pair[0].slot);
        }
        if let (Some(first), Some(last)) = (path.first(), path.last()) {
            self.excess[order[first.position] as usize] -= 1;
            self.excess[order[last.position] as usize] += 1;
        }
    }

    fn push(&mut self, p: usize, q: usize, slot: Option<usize>) {
        let (idle, plain) = (self.network.idle(), self.network.plain);
        if let Some(slot) = slot {
            let student = self.graph.depart(p, slot);
            self.graph.arrive(q, student, self.rows.cost(student, q));
            self.load[p] -= 1;
            self.load[q] += 1;
        } else if q == idle {
            self.idle[p] -= 1;
        } else if p == idle {
            self.idle[q] += 1;
        } else if q == self.network.columns {
            self.flow[p - plain] += 1;
        } else {
            self.flow[q - plain] -= 1;
        }
    }
}

/// Appends the places behind `tail` of the columns whose cost + price is `price`.
fn later_tight<V: Scalar>(
    costs: &[V],
    prices: &[V],
    place: &[u32],
    (price, tail): (V, u32),
    heads: &mut Vec<u32>,
) {
    const BLOCK: usize = 32;
    widest(
        #[inline(always)]
        || {
            let blocks = costs.chunks(BLOCK).zip(prices.chunks(BLOCK)).zip(place.chunks(BLOCK));
            for ((costs, prices), place) in blocks {
                let columns = costs.iter().zip(prices).zip(place);
                // The place of a node that was not settled wraps to zero, which is behind nothing.
                let hit = |((&cost, &to), &at): ((&V, &V), &u32)| {
                    (cost.plus(to) == price) & (at.wrapping_add(1) > tail + 1)
                };
                if !columns.clone().fold(false, |any, column| any | hit(column)) {
                    continue;
                }
                // Each column is written where the next hit belongs: no branch on what no branch can foresee.
                let (mut found, mut count) = ([0; BLOCK], 0);
                for column in columns {
                    if let Some(next) = found.get_mut(count) {
                        *next = *column.1;
                    }
                    count += usize::from(hit(column));
                }
                heads.extend_from_slice(&found[..count]);
            }
        },
    );
}
