//! The second stage: among the assignments of least cost, the one the draw prefers.
//!
//! By complementary slackness the optimal assignments are exactly those that use only arcs tight under an optimal
//! (y, μ) and keep every bound that these prices bind: a positive price keeps a pool full, a negative one keeps it
//! at its floor, and a school's price keeps its waitlisted number on one segment. On that face the engine minimises
//! Σ of tickets. A student with one tight arc is fixed and leaves the problem.

use super::draw::DrawKey;
use super::engine::{Arcs, Meter, Stop};
use super::lanes::widest;
use super::levels;
use super::network::{Convex, Network};
use super::problem::{INELIGIBLE, Problem, Rows};
use super::rows::{Columns, RowSource};
use super::scalar::Scalar;

/// The tight arcs of the students that have more than one.
struct TightRows {
    /// Row of the problem, by local index.
    students: Vec<u32>,
    row_start: Vec<u32>,
    /// 16 bits hold any: there are at most `MAX_POOLS` + `MAX_SCHOOLS` columns, 2^13.
    columns: Vec<u16>,
    tickets: Vec<u32>,
    count: usize,
}

impl TightRows {
    #[inline(always)]
    fn row(&self, student: u32) -> (&[u16], &[u32]) {
        let at = student as usize;
        let range = self.row_start[at] as usize..self.row_start[at + 1] as usize;
        (&self.columns[range.clone()], &self.tickets[range])
    }
}

impl TightRows {
    /// Renumbers the columns to those in play; returns the old number of each. The last pool and the schools' columns
    /// always stay, since bounds tie them together.
    fn compact(&mut self, network: &Network) -> Vec<u32> {
        let mut used = vec![false; network.columns];
        self.columns.iter().for_each(|&c| used[c as usize] = true);
        used[network.plain.min(network.columns - 1)..].fill(true);
        let kept: Vec<u32> = (0..network.columns as u32).filter(|&c| used[c as usize]).collect();
        let mut renamed = vec![0u16; network.columns];
        (0u16..).zip(&kept).for_each(|(new, &old)| renamed[old as usize] = new);
        self.columns.iter_mut().for_each(|c| *c = renamed[*c as usize]);
        self.count = kept.len();
        kept
    }
}

impl RowSource<i64> for TightRows {
    fn cost(&self, student: u32, column: usize) -> i64 {
        let (columns, tickets) = self.row(student);
        columns.binary_search(&(column as u16)).map_or(i64::INF, |at| i64::from(tickets[at]))
    }

    #[inline(always)]
    fn relax(&self, student: u32, own: i64, out: &mut [i64]) {
        let (columns, tickets) = self.row(student);
        for (&column, &ticket) in columns.iter().zip(tickets) {
            let to = &mut out[column as usize];
            *to = (*to).min(i64::from(ticket) - own);
        }
    }

    fn choose(&self, student: u32, prices: &[i64], spare: &[i64]) -> (usize, i64) {
        let (columns, tickets) = self.row(student);
        let mut chosen = (0, 0);
        let mut key = (i64::INF, i64::MAX);
        for (&column, &ticket) in columns.iter().zip(tickets) {
            let next = (i64::from(ticket) + prices[column as usize], -spare[column as usize]);
            if next < key {
                (chosen, key) = ((column as usize, i64::from(ticket)), next);
            }
        }
        chosen
    }

    fn entries(&self, student: u32) -> u64 {
        self.row(student).0.len() as u64
    }

    fn total(&self) -> usize {
        self.columns.len()
    }

    fn group(&self) -> usize {
        let mean = (self.columns.len() / self.students.len().max(1)).max(1);
        (2 * self.count / mean).clamp(16, 256)
    }
}

/// The drawn assignment and the prices that prove it.
pub(super) struct Drawn {
    pub(super) ticket_sum: i64,
    /// Prices by node, the idle node's being zero.
    pub(super) prices: Vec<i64>,
}

/// Redraws `columns` (the column of each student) among the optimal assignments; `None` when the work ran out.
pub(super) fn draw(
    problem: &Problem,
    keys: &[DrawKey],
    network: &Network,
    prices: &[i64],
    columns: &mut [u32],
    meter: &mut Meter,
) -> Option<Drawn> {
    let mut rows = tight_rows(problem, keys, network, prices, columns, meter);
    let fixed = fixed_loads(network, columns, &rows);
    let whole = face(network, prices, &fixed, rows.students.len());
    let kept = rows.compact(&whole);
    let face = narrowed(&whole, &kept);
    let everyone: Vec<u32> = (0..rows.students.len() as u32).collect();
    let (mut engine, mut stop) = levels::descend(&rows, &face, &everyone, meter);
    if stop == Stop::Done {
        stop = engine.run(Arcs::Tight, 0, meter);
    }
    if stop != Stop::Done {
        return None;
    }
    for column in 0..face.columns {
        for &local in engine.graph.students(column) {
            columns[rows.students[local as usize] as usize] = kept[column];
        }
    }
    let view = Columns::of(problem);
    let ticket = |(&column, key): (&u32, &DrawKey)| i64::from(key.ticket(view.pool(column as usize)));
    let ticket_sum = columns.iter().zip(keys).map(ticket).sum();
    // Pools out of play cost nothing: nobody can come or go.
    let narrow = without_void_bounds(&face, &engine.prices);
    let mut prices = vec![0; network.nodes()];
    kept.iter().zip(&narrow).for_each(|(&column, &price)| prices[column as usize] = price);
    prices[network.last_pool()] = narrow[face.last_pool()];
    Some(Drawn { ticket_sum, prices })
}

/// Prices relative to the idle node, none of them charged to a bound that only the fixed students' absence made.
fn without_void_bounds(face: &Network, prices: &[i64]) -> Vec<i64> {
    let base = prices[face.idle()];
    let mut prices: Vec<i64> = prices.iter().map(|p| p - base).collect();
    for (node, price) in prices.iter_mut().enumerate() {
        if face.pool(node).is_some_and(|p| p.floor == 0) {
            *price = (*price).max(0);
        }
    }
    let last = prices[face.last_pool()];
    for (school, price) in face.schools.iter().zip(&mut prices[face.plain..]) {
        if school.low == 0 {
            *price = (*price).max(last);
        }
    }
    prices
}

/// Collects the tight arcs of every student with at least two.
fn tight_rows(
    problem: &Problem,
    keys: &[DrawKey],
    network: &Network,
    prices: &[i64],
    assigned: &[u32],
    meter: &mut Meter,
) -> TightRows {
    let view = Columns::of(problem);
    let mut rows = TightRows {
        students: Vec::new(),
        row_start: vec![0],
        columns: Vec::new(),
        tickets: Vec::new(),
        count: network.columns,
    };
    let mut scan = TightScan::new(problem, prices);
    let mut tight = Vec::new();
    for (student, (&column, key)) in (0u32..).zip(assigned.iter().zip(keys)) {
        tight.clear();
        scan.collect(student, column as usize, view.last(student), &mut tight);
        if tight.len() < 2 {
            continue;
        }
        rows.students.push(student);
        for &pool in &tight {
            rows.columns.push(view.column(student, pool) as u16);
            rows.tickets.push(key.ticket(pool));
        }
        rows.row_start.push(rows.columns.len() as u32);
    }
    meter.used += problem.pairs() as u64 + rows.columns.len() as u64;
    rows
}

/// Finds the pools of a row whose priced cost equals that of the assigned one.
struct TightScan<'a> {
    problem: &'a Problem,
    prices: &'a [i64],
    narrow: Option<Vec<i32>>,
}

impl<'a> TightScan<'a> {
    fn new(problem: &'a Problem, prices: &'a [i64]) -> Self {
        let small = prices.iter().all(|p| p.abs() < 1 << 28);
        let narrow = small.then(|| prices.iter().map(|&p| p as i32).collect());
        Self { problem, prices, narrow }
    }

    fn collect(&mut self, student: u32, column: usize, last: usize, tight: &mut Vec<u32>) {
        let pools = self.problem.pools().len();
        let at = student as usize;
        let own = self.problem.cost(at, column.min(pools - 1) as u32).map_or(0, i64::from);
        let least = own + self.prices[column];
        match (&self.problem.rows, &self.narrow) {
            (Rows::Dense { costs }, Some(narrow)) => {
                let line = &costs[at * pools..][..pools];
                let least = least as i32;
                let body = line[..pools - 1].iter().zip(narrow);
                let equal = body.clone();
                let count = widest(
                    #[inline(always)]
                    || equal.fold(0u32, |n, (&c, &y)| n.wrapping_add(u32::from(c.wrapping_add(y) == least))),
                );
                let end =
                    line[pools - 1] != INELIGIBLE && line[pools - 1].wrapping_add(narrow[last]) == least;
                if count + u32::from(end) < 2 {
                    return;
                }
                let hits = (0u32..)
                    .zip(body)
                    .filter(|(_, (c, y))| **c != INELIGIBLE && c.wrapping_add(**y) == least);
                tight.extend(hits.map(|(p, _)| p));
                tight.extend(end.then_some(pools as u32 - 1));
            }
            _ => {
                let price = |pool: u32| {
                    if pool as usize + 1 == pools { self.prices[last] } else { self.prices[pool as usize] }
                };
                let row = self.problem.row(at).filter(|e| i64::from(e.cost) + price(e.pool) == least);
                tight.extend(row.map(|e| e.pool));
            }
        }
    }
}

/// The network of the columns kept.
fn narrowed(network: &Network, kept: &[u32]) -> Network {
    let plain = kept.iter().filter(|&&c| (c as usize) < network.plain).count();
    let mut pools: Vec<_> = kept[..plain].iter().map(|&c| network.pools[c as usize]).collect();
    if network.split() {
        pools.extend(network.pools.last());
    }
    Network { plain, columns: kept.len(), pools, ..network.clone() }
}

/// Students of each column that the second stage cannot move.
fn fixed_loads(network: &Network, columns: &[u32], rows: &TightRows) -> Vec<i64> {
    let mut fixed = vec![0i64; network.columns];
    columns.iter().for_each(|&c| fixed[c as usize] += 1);
    rows.students.iter().for_each(|&s| fixed[columns[s as usize] as usize] -= 1);
    fixed
}

/// The network of the optimal face, less the fixed students.
fn face(network: &Network, prices: &[i64], fixed: &[i64], students: usize) -> Network {
    let mut face = Network { students: students as i64, ..network.clone() };
    let last = network.last_pool();
    let waitlisted: i64 = fixed[network.plain..].iter().sum();
    for (at, pool) in face.pools.iter_mut().enumerate() {
        let node = if at < network.plain { at } else { last };
        match prices[node] {
            1.. => pool.floor = pool.capacity,
            0 => {}
            _ => pool.capacity = pool.floor,
        }
        let taken = if at < network.plain { fixed[at] } else { waitlisted };
        pool.capacity = (i64::from(pool.capacity) - taken).max(0) as u32;
        pool.floor = (i64::from(pool.floor) - taken).max(0) as u32;
    }
    for (at, school) in face.schools.iter_mut().enumerate() {
        let (low, high) = school.best(prices[network.plain + at] - prices[last]);
        let taken = fixed[network.plain + at];
        let low = (low - taken).max(0);
        *school = Convex { low, high: (high - taken).max(low), knee: low, penalty: 0 };
    }
    face
}
