//! What prices prove when the work ran out: a lower bound, the worst possible cost, and the gap between them.
//!
//! gap_ppm = ⌈10^6·(objective − dual)/(U − dual)⌉ with U = Σ worst eligible cost + Σ penalty·max(0, n − share).

use super::network::Network;
use super::problem::Problem;
use super::rows::Columns;

/// Largest gap a round may carry, in parts per million; above it the last decision stands.
pub const MAX_GAP_PPM: u32 = 3_000;

/// Lower bound and worst cost of a problem at given node prices (idle node at zero).
pub(super) struct Bound {
    pub(super) dual: i128,
    pub(super) worst: i128,
}

/// Evaluates the dual function. One pass over the pairs.
pub(super) fn bound(problem: &Problem, network: &Network, prices: &[i64]) -> Bound {
    let columns = Columns::of(problem);
    let (mut dual, mut worst) = (0i128, 0i128);
    for student in 0..problem.students() {
        let (mut least, mut most) = (i64::MAX, 0);
        for entry in problem.row(student) {
            let column = columns.column(student as u32, entry.pool);
            least = least.min(i64::from(entry.cost) + prices[column]);
            most = most.max(i64::from(entry.cost));
        }
        dual += i128::from(least);
        worst += i128::from(most);
    }
    for (node, &price) in prices.iter().enumerate() {
        let Some(pool) = network.pool(node) else { continue };
        dual -= i128::from(price) * i128::from(if price > 0 { pool.capacity } else { pool.floor });
    }
    for (at, school) in network.schools.iter().enumerate() {
        let price = prices[network.plain + at] - prices[network.last_pool()];
        let (units, _) = school.best(price);
        let penalty = |w: i64| i128::from(school.penalty) * i128::from((school.knee - w).max(0));
        dual += penalty(units) - i128::from(price) * i128::from(units);
        worst += penalty(0);
    }
    Bound { dual, worst }
}

/// The gap in parts per million, rounded up.
pub(super) fn gap_ppm(objective: i128, bound: &Bound) -> u32 {
    let room = bound.worst - bound.dual;
    if room <= 0 {
        return 0;
    }
    let parts = ((objective - bound.dual) * 1_000_000 + room - 1) / room;
    u32::try_from(parts).unwrap_or(u32::MAX)
}
