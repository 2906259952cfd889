//! How the solver reads rows: the problem's own storage, or the short lists of the lottery's tight arcs.
//!
//! The solver works on *columns*. Without schools a column is a pool. With schools, the waitlist (the last pool)
//! splits into one column a school, so a student's waitlist entry lies in the column of their school: columns are
//! `pools − 1 + schools` then, and a row still has at most as many entries as pools.

use super::lanes::widest;
use super::problem::{Entry, Problem, Rows};
use super::scalar::Scalar;

/// Rows as the kernel reads them.
pub(super) trait RowSource<V: Scalar> {
    /// Cost of a student at a column, [`Scalar::INF`] when there is no such entry.
    fn cost(&self, student: u32, column: usize) -> V;
    /// `out[q] = min(out[q], cost(student, q) − own)` over the row.
    fn relax(&self, student: u32, own: V, out: &mut [V]);
    /// The column of least cost + price; among equals the one with most `spare`, then the lowest.
    fn choose(&self, student: u32, prices: &[V], spare: &[i64]) -> (usize, V);
    /// Entries scanned by one pass over the row: its price in work.
    fn entries(&self, student: u32) -> u64;
    /// Entries of all rows.
    fn total(&self) -> usize;
    /// How many students of one pool share one vector of minima.
    fn group(&self) -> usize;
}

/// Where the waitlist entries of a student lie.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pools: usize,
    school_of: Option<&'a [u32]>,
    count: usize,
}

impl<'a> Columns<'a> {
    /// The columns of a problem.
    pub(super) fn of(problem: &'a Problem) -> Self {
        let pools = problem.pools().len();
        let layer = problem.schools();
        let count = layer.map_or(pools, |l| pools - 1 + l.schools.len());
        Self { pools, school_of: layer.map(|l| l.school_of.as_slice()), count }
    }

    /// The column of a student's entry at the last pool.
    #[inline(always)]
    pub(super) fn last(&self, student: u32) -> usize {
        self.pools - 1 + self.school_of.map_or(0, |s| s[student as usize] as usize)
    }

    /// The column of a student's entry at a pool.
    #[inline(always)]
    pub(super) fn column(&self, student: u32, pool: u32) -> usize {
        if pool as usize + 1 == self.pools { self.last(student) } else { pool as usize }
    }

    /// The pool of a column.
    pub(super) fn pool(&self, column: usize) -> u32 {
        column.min(self.pools - 1) as u32
    }
}

/// Pairs looked at together where few of them are sought.
const BLOCK: usize = 32;

/// A dense matrix.
pub(super) struct DenseRows<'a> {
    costs: &'a [i32],
    columns: Columns<'a>,
}

impl<'a> DenseRows<'a> {
    /// Wraps a row-major matrix.
    pub(super) fn new(costs: &'a [i32], columns: Columns<'a>) -> Self {
        Self { costs, columns }
    }

    #[inline(always)]
    fn row(&self, student: u32) -> (&[i32], i32) {
        let width = self.columns.pools;
        let line = &self.costs[student as usize * width..][..width];
        (&line[..width - 1], line[width - 1])
    }
}

impl<V: Scalar> RowSource<V> for DenseRows<'_> {
    fn cost(&self, student: u32, column: usize) -> V {
        let (line, last) = self.row(student);
        match line.get(column) {
            Some(&cost) => V::from_cost(cost),
            None if column == self.columns.last(student) => V::from_cost(last),
            None => V::INF,
        }
    }

    #[inline(always)]
    fn relax(&self, student: u32, own: V, out: &mut [V]) {
        let (line, last) = self.row(student);
        for (to, &cost) in out.iter_mut().zip(line) {
            *to = (*to).min(V::from_cost(cost).minus(own));
        }
        let at = &mut out[self.columns.last(student)];
        *at = (*at).min(V::from_cost(last).minus(own));
    }

    fn choose(&self, student: u32, prices: &[V], spare: &[i64]) -> (usize, V) {
        let (line, last) = self.row(student);
        let last_column = self.columns.last(student);
        let end = V::from_cost(last).plus(prices[last_column]);
        widest(
            #[inline(always)]
            || {
                let best = line
                    .iter()
                    .zip(prices)
                    .fold(end, |best, (&c, &price)| best.min(V::from_cost(c).plus(price)));
                let hit = |cost: i32, price: V| V::from_cost(cost).plus(price) == best;
                let mut chosen = (last_column, last);
                let mut room = if end == best { spare[last_column] } else { i64::MIN };
                let blocks = line.chunks(BLOCK).zip(prices[..line.len()].chunks(BLOCK)).enumerate();
                // Descending, so that among equal room the lowest column wins.
                for (block, (costs, prices)) in blocks.rev() {
                    let pairs = costs.iter().zip(prices);
                    if !pairs.clone().fold(false, |any, (&c, &y)| any | hit(c, y)) {
                        continue;
                    }
                    for (at, (&cost, &price)) in pairs.enumerate().rev() {
                        let column = block * BLOCK + at;
                        if hit(cost, price) && spare[column] >= room {
                            (chosen, room) = ((column, cost), spare[column]);
                        }
                    }
                }
                (chosen.0, V::from_cost(chosen.1))
            },
        )
    }

    fn entries(&self, _student: u32) -> u64 {
        self.columns.pools as u64
    }

    fn total(&self) -> usize {
        self.costs.len()
    }

    fn group(&self) -> usize {
        8
    }
}

/// The problem's own lists.
pub(super) struct ListRows<'a> {
    row_start: &'a [u32],
    entries: &'a [Entry],
    columns: Columns<'a>,
}

impl<'a> ListRows<'a> {
    /// Wraps compressed rows.
    pub(super) fn new(row_start: &'a [u32], entries: &'a [Entry], columns: Columns<'a>) -> Self {
        Self { row_start, entries, columns }
    }

    #[inline(always)]
    fn row(&self, student: u32) -> &[Entry] {
        let at = student as usize;
        &self.entries[self.row_start[at] as usize..self.row_start[at + 1] as usize]
    }
}

impl<V: Scalar> RowSource<V> for ListRows<'_> {
    fn cost(&self, student: u32, column: usize) -> V {
        let pool = self.columns.pool(column);
        if self.columns.column(student, pool) != column {
            return V::INF;
        }
        let line = self.row(student);
        line.binary_search_by_key(&pool, |e| e.pool).map_or(V::INF, |at| V::from_cost(line[at].cost))
    }

    #[inline(always)]
    fn relax(&self, student: u32, own: V, out: &mut [V]) {
        for entry in self.row(student) {
            let to = &mut out[self.columns.column(student, entry.pool)];
            *to = (*to).min(V::from_cost(entry.cost).minus(own));
        }
    }

    fn choose(&self, student: u32, prices: &[V], spare: &[i64]) -> (usize, V) {
        let mut chosen = (0, V::ZERO);
        let mut key = (V::INF, i64::MAX);
        for entry in self.row(student) {
            let column = self.columns.column(student, entry.pool);
            let cost = V::from_cost(entry.cost);
            let next = (cost.plus(prices[column]), -spare[column]);
            if next < key {
                (chosen, key) = ((column, cost), next);
            }
        }
        chosen
    }

    fn entries(&self, student: u32) -> u64 {
        self.row(student).len() as u64
    }

    fn total(&self) -> usize {
        self.entries.len()
    }

    fn group(&self) -> usize {
        let mean = (self.entries.len() / (self.row_start.len() - 1).max(1)).max(1);
        (2 * self.columns.count / mean).clamp(16, 256)
    }
}

/// The problem's rows in the kernel's terms.
pub(super) enum ProblemRows<'a> {
    /// A matrix.
    Dense(DenseRows<'a>),
    /// Each student's own pools and costs, ascending by pool.
    Lists(ListRows<'a>),
}

impl<'a> ProblemRows<'a> {
    /// The rows of a problem.
    pub(super) fn of(problem: &'a Problem) -> Self {
        let columns = Columns::of(problem);
        match &problem.rows {
            Rows::Dense { costs } => Self::Dense(DenseRows::new(costs, columns)),
            Rows::Lists { row_start, entries } => Self::Lists(ListRows::new(row_start, entries, columns)),
        }
    }
}
