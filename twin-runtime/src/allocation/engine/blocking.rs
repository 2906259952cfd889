//! The blocking flow of a phase: unit paths from excess to deficit, along the order in which the search settled.
//!
//! Arcs that point backwards in that order are left for the next phase, so the subgraph has no cycle and every node
//! scans its possible heads once.

use super::{Arcs, Engine, Meter};
use crate::allocation::rows::RowSource;
use crate::allocation::scalar::Scalar;

/// Where a node's scan stands.
#[derive(Clone, Copy, Default)]
struct Cursor {
    /// Position in the settling order of the head looked at.
    head: usize,
    /// First slot not yet tried for that head.
    slot: usize,
    /// No head is left.
    dead: bool,
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
        let mut cursors: Vec<Cursor> =
            (0..order.len()).map(|at| Cursor { head: at + 1, ..Cursor::default() }).collect();
        for source in 0..order.len() {
            while self.excess[order[source] as usize] > 0 && !cursors[source].dead {
                self.one_path(arcs, source, &order, &mut cursors, meter);
            }
        }
        self.order = order;
    }

    /// Follows cursors from a source; moves one unit if a deficit is met, else leaves the source dead.
    fn one_path(
        &mut self,
        arcs: Arcs,
        source: usize,
        order: &[u32],
        cursors: &mut [Cursor],
        meter: &mut Meter,
    ) {
        let mut path = vec![Step { position: source, slot: None }];
        while let Some(step) = path.last_mut() {
            let tail = step.position;
            if self.excess[order[tail] as usize] < 0 {
                self.augment(&path, order);
                return;
            }
            match self.advance(arcs, tail, order, cursors, meter) {
                Some((head, slot)) => {
                    step.slot = slot;
                    path.push(Step { position: head, slot: None });
                }
                None => {
                    cursors[tail].dead = true;
                    path.pop();
                }
            }
        }
    }

    /// Moves a node's cursor to its next usable arc.
    fn advance(
        &self,
        arcs: Arcs,
        tail: usize,
        order: &[u32],
        cursors: &mut [Cursor],
        meter: &mut Meter,
    ) -> Option<(usize, Option<usize>)> {
        let p = order[tail] as usize;
        while cursors[tail].head < order.len() {
            let head = cursors[tail].head;
            let q = order[head] as usize;
            meter.used += 1;
            if !cursors[head].dead && self.usable(arcs, p, q) {
                if p >= self.network.columns || q >= self.network.columns {
                    return Some((head, None));
                }
                let slot = self.graph.cheapest(self.rows, p, q, cursors[tail].slot);
                meter.used += self.rows_scanned(slot, cursors[tail].slot);
                if let Some(slot) = slot {
                    cursors[tail].slot = slot;
                    return Some((head, Some(slot)));
                }
            }
            cursors[tail].head = head + 1;
            cursors[tail].slot = 0;
        }
        None
    }

    fn usable(&self, arcs: Arcs, p: usize, q: usize) -> bool {
        let cost = self.arc(p, q);
        match arcs {
            Arcs::Any => cost < V::NONE,
            Arcs::Tight => cost < V::NONE && cost.plus(self.prices[q]) == self.prices[p],
        }
    }

    /// Work of a slot search: the slots of one group at most, since the tree leads there.
    fn rows_scanned(&self, found: Option<usize>, from: usize) -> u64 {
        found.map_or(16, |slot| (slot.saturating_sub(from) as u64).min(16) + 1)
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
