//! The least optimal prices of a square of single places without floors.
//!
//! As in `prices`, the least price of a pool is its price less the shortest chain of moves that frees a place
//! elsewhere. Here each pool holds one student, so the arcs out of a pool are that student's row itself.

use super::{Matching, position};
use crate::engine::Meter;
use crate::network::Network;
use crate::problem::{Problem, Rows};
use crate::scalar::Scalar;

/// Least optimal price of each pool; `None` where a floor asks for the general search.
///
/// Every value stays inside 32 bits: prices of a [`Matching`] span at most 2^27, distances never exceed the price they
/// start from, and costs are below 2^26 or the mark 2^30 of an ineligible pair, which therefore never wins.
pub(crate) fn least(
    problem: &Problem,
    network: &Network,
    matching: &Matching,
    meter: &mut Meter,
) -> Option<Vec<i64>> {
    let Rows::Dense { costs } = &problem.rows else { return None };
    if network.pools.iter().any(|pool| pool.floor > 0) {
        return None;
    }
    let size = network.columns;
    let mut student_of = vec![0usize; size];
    matching.columns.iter().enumerate().for_each(|(s, &column)| student_of[column as usize] = s);
    // Every pool is full, so all prices may be shifted until the lowest is zero.
    let lowest = matching.prices.iter().copied().min().unwrap_or(0);
    let prices: Vec<i32> = matching.prices.iter().map(|y| (y - lowest) as i32).collect();
    let mut chain = vec![0i32; size];
    let (mut key, mut open) = (prices.clone(), prices.clone());
    let mut near = key.iter().copied().min().unwrap_or(i32::INF);
    while near < i32::NONE {
        let node = position(&key, near);
        chain[node] = near;
        (key[node], open[node]) = (i32::INF, i32::SHUT);
        let line = &costs[student_of[node] * size..][..size];
        let base = near.wrapping_sub(prices[node]).wrapping_sub(line[node]);
        near = i32::INF;
        for ((to, &cost), &price) in key.iter_mut().zip(line).zip(&open) {
            *to = (*to).min(base.wrapping_add(cost).wrapping_add(price));
            near = near.min(*to);
        }
        meter.used += size as u64;
    }
    Some(prices.iter().zip(&chain).map(|(&price, &chain)| i64::from(price) - i64::from(chain)).collect())
}
