//! The bounds around the pools, as arcs of a small network.
//!
//! Nodes: the columns; with schools one more for the waitlist pool; last, the *idle* node, which holds the places
//! nobody takes. A pool's capacity is met exactly by students plus idle units, so capacities are balances and floors
//! are the capacities (capacity − floor) of the idle node's arcs. A school's column leads to the waitlist node by a
//! convex arc of slope −penalty up to its knee and 0 beyond.

use super::problem::{Pool, Problem};

/// A school's convex arc to the waitlist: `low..=high` units, −`penalty` each up to `knee`, then free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Convex {
    pub(super) low: i64,
    pub(super) high: i64,
    pub(super) knee: i64,
    pub(super) penalty: i64,
}

impl Convex {
    /// Cost of one more unit at flow `units`.
    pub(super) fn next(&self, units: i64) -> i64 {
        if units < self.knee { -self.penalty } else { 0 }
    }

    /// Cost saved by one unit less at flow `units`.
    pub(super) fn previous(&self, units: i64) -> i64 {
        if units <= self.knee { -self.penalty } else { 0 }
    }

    /// The flows that are best when each unit is paid `price`.
    pub(super) fn best(&self, price: i64) -> (i64, i64) {
        let knee = self.knee.clamp(self.low, self.high);
        let from = match price {
            p if p <= -self.penalty => self.low,
            p if p <= 0 => knee,
            _ => self.high,
        };
        let to = match price {
            p if p < -self.penalty => self.low,
            p if p < 0 => knee,
            _ => self.high,
        };
        (from, to)
    }
}

/// Bounds of all nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    /// Columns whose node is a pool; the rest are schools' columns.
    pub(super) plain: usize,
    /// Number of columns.
    pub(super) columns: usize,
    /// Bounds of the pools: nodes `0..plain`, then the waitlist's when schools split it.
    pub(super) pools: Vec<Pool>,
    /// The schools' arcs, by column − `plain`.
    pub(super) schools: Vec<Convex>,
    /// Students to be placed.
    pub(super) students: i64,
}

impl Network {
    /// The network of a problem.
    pub(super) fn of(problem: &Problem) -> Self {
        let pools = problem.pools().to_vec();
        let students = problem.students() as i64;
        let Some(layer) = problem.schools() else {
            let count = pools.len();
            return Self { plain: count, columns: count, pools, schools: Vec::new(), students };
        };
        let mut sizes = vec![0i64; layer.schools.len()];
        layer.school_of.iter().for_each(|&s| sizes[s as usize] += 1);
        let convex = |(school, &size): (&super::problem::School, &i64)| Convex {
            low: 0,
            high: size - i64::from(school.min_placed),
            knee: (size - i64::from(school.share)).max(0),
            penalty: i64::from(school.penalty),
        };
        let schools: Vec<Convex> = layer.schools.iter().zip(&sizes).map(convex).collect();
        let plain = pools.len() - 1;
        Self { plain, columns: plain + schools.len(), pools, schools, students }
    }

    /// Number of nodes.
    pub(super) fn nodes(&self) -> usize {
        self.columns + usize::from(self.split()) + 1
    }

    /// Whether schools split the waitlist into columns.
    pub(super) fn split(&self) -> bool {
        !self.schools.is_empty()
    }

    /// The idle node.
    pub(super) fn idle(&self) -> usize {
        self.nodes() - 1
    }

    /// The node of the waitlist pool (its own column without schools).
    pub(super) fn last_pool(&self) -> usize {
        if self.split() { self.columns } else { self.columns - 1 }
    }

    /// The pool whose bounds act at a node.
    pub(super) fn pool(&self, node: usize) -> Option<Pool> {
        if node < self.plain {
            self.pools.get(node).copied()
        } else if self.split() && node == self.columns {
            self.pools.last().copied()
        } else {
            None
        }
    }

    /// The network scaled to `part` of the students, capacities by largest remainder: for prices from a sample.
    pub(super) fn scaled(&self, part: i64) -> Self {
        let whole = self.students.max(1);
        let down = |x: i64| x * part / whole;
        let total: i64 = self.pools.iter().map(|p| i64::from(p.capacity)).sum();
        let mut pools: Vec<Pool> = self
            .pools
            .iter()
            .map(|p| Pool {
                capacity: down(i64::from(p.capacity)) as u32,
                floor: down(i64::from(p.floor)) as u32,
            })
            .collect();
        let given: i64 = pools.iter().map(|p| i64::from(p.capacity)).sum();
        let missing = ((total * part + whole - 1) / whole - given).max(0) as usize;
        let mut order: Vec<usize> = (0..pools.len()).collect();
        order.sort_by_key(|&p| (-(i64::from(self.pools[p].capacity) * part % whole), p));
        order.iter().take(missing).for_each(|&p| pools[p].capacity += 1);
        let schools = self.schools.iter().map(|s| Convex {
            low: down(s.low),
            high: (s.high * part + whole - 1) / whole,
            knee: down(s.knee),
            penalty: s.penalty,
        });
        Self { schools: schools.collect(), pools, students: part, ..*self }
    }
}
