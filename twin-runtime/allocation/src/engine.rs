//! The exact engine: primal-dual augmentation on the graph of the pools.
//!
//! Every student first takes the best column at the given prices, which makes every reduced cost
//! rc(p, q) = cost of moving p → q + y_q − y_p non-negative; what is left are excesses and deficits at the nodes.
//! A phase (Ford and Fulkerson 1957; Edmonds and Karp 1972; Dinic 1970) runs Dijkstra from all excesses until the
//! settled deficits cover half of the excess, raises the prices of the settled nodes by what they are nearer, and
//! sends a blocking flow over tight arcs in settling order. When no excess is left the assignment is optimal and
//! the prices prove it; when no deficit can be reached, the reached nodes are a minimum cut.
//!
//! Invariants between phases: rc ≥ 0 on every arc with room; Σ excess = 0; loads, idle units and school flows agree
//! with the students' columns. Work is counted, never time.

use super::network::Network;
use super::pool_graph::PoolGraph;
use super::rows::RowSource;
use super::scalar::Scalar;

mod blocking;
mod reach;
mod sparse;

/// Why the engine stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// No excess is left (or no more than was asked for).
    Done,
    /// No deficit can be reached from what is in excess.
    Infeasible,
    /// A price or distance left the kernel's width.
    Width,
    /// The work is used up.
    OutOfWork,
}

/// How arcs are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arcs {
    /// Exact: prices decide.
    Tight,
    /// Repair: any arc with room, in breadth-first order.
    Any,
}

/// Work allowed and used, in entries scanned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    pub(super) used: u64,
    pub(super) limit: u64,
}

impl Meter {
    /// Whether the limit is passed.
    pub(super) fn spent(&self) -> bool {
        self.used > self.limit
    }
}

/// The state of one solution process.
pub(super) struct Engine<'a, V, R> {
    rows: &'a R,
    pub(super) network: Network,
    pub(super) graph: PoolGraph<V>,
    /// Price of each node.
    pub(super) prices: Vec<V>,
    /// Students of each column.
    pub(super) load: Vec<i64>,
    /// Idle units at each pool's node.
    pub(super) idle: Vec<i64>,
    /// Waitlisted units of each school.
    pub(super) flow: Vec<i64>,
    excess: Vec<i64>,
    /// Settled nodes of the last search, in order, with distances.
    order: Vec<u32>,
    distance: Vec<V>,
}

impl<'a, V: Scalar, R: RowSource<V>> Engine<'a, V, R> {
    /// Places `students` at their best columns under `prices` and computes what is out of balance.
    pub(super) fn start(
        rows: &'a R,
        network: Network,
        students: &[u32],
        prices: Vec<V>,
        meter: &mut Meter,
    ) -> Self {
        let mut graph = PoolGraph::new(network.columns, rows);
        let mut load = vec![0i64; network.columns];
        let mut spare: Vec<i64> =
            (0..network.columns).map(|c| network.pool(c).map_or(0, |p| i64::from(p.capacity))).collect();
        if network.split() {
            spare[network.plain..].fill(i64::from(network.pools[network.plain].capacity));
        }
        for &student in students {
            let (column, own) = rows.choose(student, &prices, &spare);
            graph.arrive(column, student, own);
            load[column] += 1;
            spare[column] -= 1;
            meter.used += rows.entries(student);
        }
        meter.used += graph.settle(rows);
        Self::balanced(rows, network, graph, prices, load)
    }

    /// Takes over an optimal assignment found elsewhere, student s in `columns[s]`, with prices that prove it.
    pub(super) fn resume(
        rows: &'a R,
        network: Network,
        columns: &[u32],
        prices: Vec<V>,
        meter: &mut Meter,
    ) -> Self {
        let mut graph = PoolGraph::new(network.columns, rows);
        let mut load = vec![0i64; network.columns];
        for (student, &column) in (0u32..).zip(columns) {
            graph.arrive(column as usize, student, rows.cost(student, column as usize));
            load[column as usize] += 1;
        }
        meter.used += graph.settle(rows);
        Self::balanced(rows, network, graph, prices, load)
    }

    fn balanced(rows: &'a R, network: Network, graph: PoolGraph<V>, prices: Vec<V>, load: Vec<i64>) -> Self {
        let nodes = network.nodes();
        let mut engine = Self {
            rows,
            idle: vec![0; nodes],
            flow: vec![0; network.schools.len()],
            excess: vec![0; nodes],
            order: Vec::new(),
            distance: vec![V::INF; nodes],
            network,
            graph,
            prices,
            load,
        };
        engine.balance();
        engine
    }

    /// Sets school flows and idle units to what the prices ask for, nearest to the loads, and derives the excess.
    fn balance(&mut self) {
        let (idle_node, last) = (self.network.idle(), self.network.last_pool());
        let mut arriving: Vec<i64> = vec![0; self.network.nodes()];
        arriving[..self.network.plain].copy_from_slice(&self.load[..self.network.plain]);
        for (at, school) in self.network.schools.iter().enumerate() {
            let column = self.network.plain + at;
            let price = self.prices[column].wide() - self.prices[last].wide();
            let (low, high) = school.best(price);
            self.flow[at] = self.load[column].clamp(low, high);
            self.excess[column] = self.load[column] - self.flow[at];
            arriving[last] += self.flow[at];
        }
        let (mut places, mut parked) = (0, 0);
        for node in 0..self.network.nodes() {
            let Some(pool) = self.network.pool(node) else { continue };
            let (capacity, floor) = (i64::from(pool.capacity), i64::from(pool.floor));
            self.idle[node] = match self.prices[node].cmp(&self.prices[idle_node]) {
                std::cmp::Ordering::Less => capacity - floor,
                std::cmp::Ordering::Equal => (capacity - arriving[node]).clamp(0, capacity - floor),
                std::cmp::Ordering::Greater => 0,
            };
            self.excess[node] = arriving[node] + self.idle[node] - capacity;
            (places, parked) = (places + capacity, parked + self.idle[node]);
        }
        self.excess[idle_node] = places - self.network.students - parked;
    }

    /// Total excess still to be moved.
    pub(super) fn excess(&self) -> i64 {
        self.excess.iter().filter(|e| **e > 0).sum()
    }

    /// Runs phases until at most `tolerated` units are out of balance, or something stops it.
    pub(super) fn run(&mut self, arcs: Arcs, tolerated: i64, meter: &mut Meter) -> Stop {
        loop {
            let total = self.excess();
            if total <= tolerated {
                return Stop::Done;
            }
            if meter.spent() {
                return Stop::OutOfWork;
            }
            let found = match arcs {
                Arcs::Tight => self.reach_nearest(total, meter),
                Arcs::Any => self.reach_any(meter),
            };
            match found {
                reach::Found::Nothing => return Stop::Infeasible,
                reach::Found::TooFar => return Stop::Width,
                reach::Found::Deficits => {}
            }
            self.send_blocking_flow(arcs, meter);
            meter.used += self.graph.settle(self.rows);
        }
    }

    /// Nodes the last search settled.
    pub(super) fn reached(&self) -> &[u32] {
        &self.order
    }

    /// Cost of the arc p → q with room, [`Scalar::INF`] without; student moves included.
    pub(super) fn arc(&self, p: usize, q: usize) -> V {
        let (columns, plain) = (self.network.columns, self.network.plain);
        if p < columns && q < columns {
            return self.graph.row(p)[q];
        }
        let idle = self.network.idle();
        if q == idle {
            return if self.idle[p] > 0 { V::ZERO } else { V::INF };
        }
        if p == idle {
            return match self.network.pool(q) {
                Some(pool) if self.idle[q] < i64::from(pool.capacity - pool.floor) => V::ZERO,
                _ => V::INF,
            };
        }
        if q == columns && (plain..columns).contains(&p) {
            let (school, units) = (&self.network.schools[p - plain], self.flow[p - plain]);
            return if units < school.high { V::from_i64(school.next(units)) } else { V::INF };
        }
        if p == columns && (plain..columns).contains(&q) {
            let (school, units) = (&self.network.schools[q - plain], self.flow[q - plain]);
            return if units > school.low { V::from_i64(-school.previous(units)) } else { V::INF };
        }
        V::INF
    }
}
