//! The assignment problem proper: as many students as places, one place a pool, a dense matrix.
//!
//! Pools of one place leave the pool graph nothing to share, so this path augments by rows instead (Jonker and
//! Volgenant 1987): column reduction, reduction transfer, two rounds of augmenting row reduction, then shortest
//! augmenting paths. Scans are whole-row passes over a buffer, which compile to vector code, instead of the
//! original's column lists.
//!
//! Marks of ineligible pairs take part as costs of 2^30; if one is in the answer, or a price outgrows 32 bits, this
//! path gives up and the engine decides. Prices here are v = −y: a pool's price is subtracted from its cost.
//! Without floors the least prices follow here too (`least`), so that no pool graph is built at all.

use super::engine::Meter;
use super::network::Network;
use super::problem::{INELIGIBLE, Problem, Rows};
use super::scalar::Scalar;

mod least;

pub(super) use least::least;

/// An unassigned row or column.
const NOBODY: u32 = u32::MAX;
/// Smallest value of v that keeps every sum inside 32 bits.
const LEAST: i32 = -(1 << 27);
/// Fewest pools for which this path pays.
const FEWEST_POOLS: usize = 64;

/// An optimal assignment with prices y.
pub(super) struct Matching {
    pub(super) columns: Vec<u32>,
    pub(super) prices: Vec<i64>,
}

/// Solves a square dense problem of single places; `None` when it is not one, or the engine has to decide.
pub(super) fn solve(problem: &Problem, network: &Network, meter: &mut Meter) -> Option<Matching> {
    let Rows::Dense { costs } = &problem.rows else { return None };
    let size = network.columns;
    let single = network.pools.iter().all(|p| p.capacity == 1);
    let fits = problem.largest_cost() <= i32::LIMIT && size >= FEWEST_POOLS;
    if !single || network.split() || problem.students() != size || !fits {
        return None;
    }
    let mut state = State::new(costs, size);
    state.reduce_columns(meter);
    let mut free = state.transfer_reductions(meter);
    for _ in 0..2 {
        free = state.reduce_rows(free, meter)?;
    }
    state.free =
        (0u32..).zip(&state.row_of).filter(|(_, row)| **row == NOBODY).map(|(column, _)| column).collect();
    for row in free {
        if meter.spent() {
            return None;
        }
        state.augment(row, meter)?;
    }
    let used = |(row, &column): (usize, &u32)| costs.get(row * size + column as usize) != Some(&INELIGIBLE);
    let prices = state.v.iter().map(|&v| -i64::from(v)).collect();
    state.column_of.iter().enumerate().all(used).then_some(Matching { columns: state.column_of, prices })
}

struct State<'a> {
    costs: &'a [i32],
    size: usize,
    v: Vec<i32>,
    column_of: Vec<u32>,
    row_of: Vec<u32>,
    /// Columns without a row, ascending, once the augmenting paths begin.
    free: Vec<u32>,
    /// Reduced costs of the row at hand.
    reduced: Vec<i32>,
}

impl<'a> State<'a> {
    fn new(costs: &'a [i32], size: usize) -> Self {
        let nobody = vec![NOBODY; size];
        Self {
            costs,
            size,
            v: vec![0; size],
            column_of: nobody.clone(),
            row_of: nobody,
            free: Vec::new(),
            reduced: vec![0; size],
        }
    }

    fn row(&self, row: usize) -> &'a [i32] {
        &self.costs[row * self.size..][..self.size]
    }

    /// v = the least cost of each column; a row takes the last column whose minimum it is.
    fn reduce_columns(&mut self, meter: &mut Meter) {
        let mut holder = vec![0u32; self.size];
        self.v.fill(i32::MAX);
        for row in 0..self.size {
            let line = self.row(row);
            for ((v, holder), &cost) in self.v.iter_mut().zip(&mut holder).zip(line) {
                *holder = if cost < *v { row as u32 } else { *holder };
                *v = cost.min(*v);
            }
        }
        meter.used += (self.size * self.size) as u64;
        for column in (0..self.size).rev() {
            let row = holder[column] as usize;
            if self.column_of[row] == NOBODY {
                self.assign(row, column);
            }
        }
    }

    fn assign(&mut self, row: usize, column: usize) {
        self.column_of[row] = column as u32;
        self.row_of[column] = row as u32;
    }

    /// Least and second least reduced cost of a row, with their columns.
    fn two_least(&mut self, row: usize) -> ((usize, i32), (usize, i32)) {
        let line = &self.costs[row * self.size..][..self.size];
        let mut least = i32::MAX;
        for ((to, &cost), &v) in self.reduced.iter_mut().zip(line).zip(&self.v) {
            *to = cost.wrapping_sub(v);
            least = least.min(*to);
        }
        let first = position(&self.reduced, least);
        self.reduced[first] = i32::MAX;
        let second = self.reduced.iter().fold(i32::MAX, |m, &r| m.min(r));
        ((first, least), (position(&self.reduced, second), second))
    }

    /// Lowers the price of each assigned row's column by the row's second best; returns the free rows.
    fn transfer_reductions(&mut self, meter: &mut Meter) -> Vec<usize> {
        for row in 0..self.size {
            let column = self.column_of[row] as usize;
            if self.column_of[row] == NOBODY {
                continue;
            }
            let line = self.row(row);
            // Two passes about the own column: without a condition inside they compile to vector code.
            let least = |costs: &[i32], v: &[i32]| {
                costs.iter().zip(v).fold(i32::MAX, |best, (&cost, &v)| best.min(cost.wrapping_sub(v)))
            };
            let best = least(&line[..column], &self.v).min(least(&line[column + 1..], &self.v[column + 1..]));
            self.v[column] =
                self.v[column].wrapping_sub(best.wrapping_sub(line[column].wrapping_sub(self.v[column])));
            meter.used += self.size as u64;
        }
        (0..self.size).filter(|&row| self.column_of[row] == NOBODY).collect()
    }

    /// One round of augmenting row reduction: a free row bids for its best column, whose row bids next.
    fn reduce_rows(&mut self, free: Vec<usize>, meter: &mut Meter) -> Option<Vec<usize>> {
        let mut left = Vec::new();
        // A chain of bids ends; the allowance only bounds it where ties would make it long.
        let mut allowance = 8 * self.size;
        for start in free {
            let mut row = start;
            loop {
                let ((mut column, least), (other, second)) = self.two_least(row);
                meter.used += self.size as u64;
                let mut holder = self.row_of[column];
                let gain = second.wrapping_sub(least);
                if gain > 0 {
                    self.v[column] = self.v[column].wrapping_sub(gain);
                    if self.v[column] < LEAST {
                        return None;
                    }
                } else if holder != NOBODY {
                    column = other;
                    holder = self.row_of[column];
                }
                self.assign(row, column);
                if holder == NOBODY {
                    break;
                }
                self.column_of[holder as usize] = NOBODY;
                allowance = allowance.saturating_sub(1);
                if gain <= 0 || allowance == 0 {
                    left.push(holder as usize);
                    break;
                }
                row = holder as usize;
            }
        }
        Some(left)
    }

    /// Shortest augmenting path from a free row; `None` when a price leaves its range.
    fn augment(&mut self, start: usize, meter: &mut Meter) -> Option<()> {
        // Settled columns keep their distance in `settled`; a shut price keeps them out of the running minimum.
        let mut distance = vec![i32::MAX; self.size];
        let mut from = vec![start as u32; self.size];
        let mut negated: Vec<i32> = self.v.iter().map(|&v| v.wrapping_neg()).collect();
        let mut settled: Vec<(usize, i32, u32)> = Vec::new();
        let (mut row, mut base) = (start, 0i32);
        loop {
            let line = &self.costs[row * self.size..][..self.size];
            let mut least = i32::MAX;
            for (((to, from), &cost), &v) in distance.iter_mut().zip(&mut from).zip(line).zip(&negated) {
                let reached = base.wrapping_add(cost).wrapping_add(v);
                *from = if reached < *to { row as u32 } else { *from };
                *to = reached.min(*to);
                least = least.min(*to);
            }
            meter.used += self.size as u64;
            let column = self.nearest(&distance, least);
            if least > -LEAST {
                return None;
            }
            if self.row_of[column] == NOBODY {
                settled.iter().for_each(|&(column, _, row)| from[column] = row);
                return self.apply(column, least, &settled, &from);
            }
            settled.push((column, least, from[column]));
            distance[column] = i32::MAX;
            // Any later value through this column stays above every open one.
            negated[column] = <i32 as Scalar>::SHUT;
            row = self.row_of[column] as usize;
            base = least.wrapping_sub(self.costs[row * self.size + column].wrapping_sub(self.v[column]));
        }
    }

    /// A column at the least distance, a free one if there is one. Free columns are few by now, so they are asked
    /// one by one.
    fn nearest(&self, distance: &[i32], least: i32) -> usize {
        let free = self.free.iter().map(|&column| column as usize).find(|&column| distance[column] == least);
        free.unwrap_or_else(|| position(distance, least))
    }

    /// Prices of the settled columns, then the path back to the free row.
    fn apply(&mut self, end: usize, far: i32, settled: &[(usize, i32, u32)], from: &[u32]) -> Option<()> {
        for &(column, near, _) in settled {
            self.v[column] = self.v[column].wrapping_add(near.wrapping_sub(far));
            if self.v[column] < LEAST {
                return None;
            }
        }
        self.free.retain(|&free| free as usize != end);
        let mut column = end;
        loop {
            let row = from[column] as usize;
            let next = self.column_of[row];
            self.assign(row, column);
            if next == NOBODY {
                return Some(());
            }
            column = next as usize;
        }
    }
}

/// Index of the first value equal to `sought`, which is present.
fn position(values: &[i32], sought: i32) -> usize {
    const BLOCK: usize = 32;
    let hit = |block: &[i32]| block.iter().fold(false, |any, &v| any | (v == sought));
    let start = values.chunks(BLOCK).position(hit).unwrap_or(0) * BLOCK;
    start + values[start..].iter().position(|&v| v == sought).unwrap_or(0)
}
