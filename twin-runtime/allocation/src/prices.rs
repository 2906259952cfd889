//! The least optimal prices: unique, so published figures do not depend on the implementation.
//!
//! Optimal prices form a lattice (Shapley and Shubik 1971; Topkis 1998; L♮-convexity, Murota 2003), and the least
//! vector is a shortest-path problem on the residual graph of any optimal assignment: the least price of p is minus
//! the cheapest chain of moves that brings a student into p from a pool that may give one up. A pool whose floor is
//! zero may always give its bound up (price ≥ 0). A node no chain reaches has no least price (its floor cannot be
//! raised): it is published as `None`, and the certificate holds the greatest value that is at most 0 and fits the
//! others, which is unique again.

use super::engine::{Engine, Meter};
use super::rows::RowSource;
use super::scalar::Scalar;

const FAR: i64 = i64::MAX / 4;

/// Least prices by node, the idle node's being zero.
pub(super) struct LeastPrices {
    /// Price of each node.
    pub(super) values: Vec<i64>,
    /// Whether a least price exists, by node.
    pub(super) bounded: Vec<bool>,
}

/// Turns an optimal engine's prices into the least ones.
pub(super) fn least<V: Scalar, R: RowSource<V>>(engine: &mut Engine<V, R>, meter: &mut Meter) -> LeastPrices {
    let nodes = engine.network.nodes();
    let base = engine.prices[engine.network.idle()];
    for node in 0..nodes {
        let price = engine.prices[node].minus(base);
        // Without a floor the bound "load ≥ 0" is the students' own, so a negative price says nothing.
        let free = engine.network.pool(node).is_some_and(|p| p.floor == 0);
        engine.prices[node] = if free { price.max(V::ZERO) } else { price };
    }
    let distance = engine.chains_from_idle(meter);
    let bounded: Vec<bool> = distance.iter().map(|&d| d < V::NONE).collect();
    let prices: Vec<i64> = engine.prices.iter().map(|p| p.wide()).collect();
    let mut values: Vec<i64> = prices.iter().zip(&distance).map(|(p, d)| p - d.wide()).collect();
    if bounded.contains(&false) {
        greatest_elsewhere(engine, &prices, &bounded, &mut values, meter);
    }
    LeastPrices { values, bounded }
}

/// Cost of the arc p → q for prices: floors of zero count as room to give up.
fn arc<V: Scalar, R: RowSource<V>>(engine: &Engine<V, R>, p: usize, q: usize) -> Option<i64> {
    if p == engine.network.idle() && engine.network.pool(q).is_some_and(|pool| pool.floor == 0) {
        return Some(0);
    }
    let cost = engine.arc(p, q);
    (cost < V::NONE).then(|| cost.wide())
}

/// Greatest values at the unbounded nodes that are at most 0 and fit the values of the bounded ones.
fn greatest_elsewhere<V: Scalar, R: RowSource<V>>(
    engine: &Engine<V, R>,
    prices: &[i64],
    bounded: &[bool],
    values: &mut [i64],
    meter: &mut Meter,
) {
    let nodes = prices.len();
    let mut open: Vec<usize> = (0..nodes).filter(|&v| !bounded[v]).collect();
    // Slack of each node over its own price: Dijkstra with these as first keys settles the least slack first.
    let mut slack: Vec<i64> = vec![FAR; nodes];
    for &node in &open {
        let exits = (0..nodes).filter(|&q| bounded[q]);
        let least = exits.filter_map(|q| arc(engine, node, q).map(|cost| cost + values[q])).min();
        slack[node] = least.map_or(0, |v| v.min(0)) - prices[node];
        meter.used += nodes as u64;
    }
    while let Some(at) = (0..open.len()).min_by_key(|&i| (slack[open[i]], open[i])) {
        let node = open.swap_remove(at);
        values[node] = prices[node] + slack[node];
        meter.used += open.len() as u64;
        for &tail in &open {
            if let Some(cost) = arc(engine, tail, node) {
                slack[tail] = slack[tail].min(values[node] + cost - prices[tail]);
            }
        }
    }
}
