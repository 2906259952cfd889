//! Passes over one row, written so that they compile to vector code: nothing here branches on a single pair.

use super::super::{INELIGIBLE, Problem, Rows};
use crate::draw::DrawKey;
use crate::lanes::widest;

/// Pairs tested at once for tightness: one bit each.
const BLOCK: usize = 64;
/// Up to this many candidates of a block are looked at one by one.
const FEW: u32 = 8;
/// Second-stage prices are compared rounded down to multiples of 2^10, which fit 32 bits up to [`DRAW_PRICE`].
const COARSE: u32 = 10;
/// Largest second-stage price, in absolute value, for which the coarse comparison is valid.
const DRAW_PRICE: i64 = 1 << 38;

/// The prices of both stages as the search for a better ticket reads them; the last pool's are set a row.
pub(super) struct DrawPrices {
    cost: Vec<i32>,
    draw: Vec<i64>,
    coarse: Vec<i32>,
}

impl DrawPrices {
    /// `None` when a price is too large for the 32-bit passes. `cost` prices are small already.
    pub(super) fn new(cost: &[i64], draw: &[i64], schools: &[i64]) -> Option<Self> {
        let fits = draw.iter().chain(schools).all(|p| p.abs() <= DRAW_PRICE);
        let coarse = draw.iter().map(|&p| (p >> COARSE) as i32).collect();
        fits.then(|| Self { cost: cost.iter().map(|&p| p as i32).collect(), draw: draw.to_vec(), coarse })
    }

    /// Sets the last pool's prices to those of a row.
    pub(super) fn set_last(&mut self, cost: i64, draw: i64) {
        let (a, b, c) = (self.cost.last_mut(), self.draw.last_mut(), self.coarse.last_mut());
        a.into_iter().for_each(|last| *last = cost as i32);
        b.into_iter().for_each(|last| *last = draw);
        c.into_iter().for_each(|last| *last = (draw >> COARSE) as i32);
    }

    /// Whether a pair of the row that is tight (its cost + price is `least`) has ticket + price below `held`.
    pub(super) fn better(&self, line: &[i32], least: i32, held: i64, key: DrawKey) -> bool {
        let bound = (held >> COARSE) as i32;
        widest(
            #[inline(always)]
            || self.search(line, least, held, bound, key),
        )
    }

    #[inline(always)]
    fn search(&self, line: &[i32], least: i32, held: i64, bound: i32, key: DrawKey) -> bool {
        let prices = self.cost.chunks(BLOCK).zip(self.coarse.chunks(BLOCK)).zip(self.draw.chunks(BLOCK));
        let blocks = line.chunks(BLOCK).zip(prices);
        let mut start = 0u32;
        // A loop, not a closure: a closure here is left out of line and with it out of the wide code.
        for (costs, ((prices, coarse), draw)) in blocks {
            let found = match count_candidates(costs, prices, coarse, least, bound) {
                0 => false,
                1..=FEW => {
                    let hits = candidates(costs, prices, coarse, least, bound);
                    better_of(hits, start, costs, draw, held, key)
                }
                _ => better_of_all(start, costs, prices, draw, least, held, key),
            };
            if found {
                return true;
            }
            start = start.saturating_add(BLOCK as u32);
        }
        false
    }
}

/// Whether one of the candidates has ticket + price below `held`.
#[inline(always)]
fn better_of(mut hits: u64, start: u32, costs: &[i32], draw: &[i64], held: i64, key: DrawKey) -> bool {
    let mut found = false;
    while hits != 0 {
        let at = hits.trailing_zeros();
        hits &= hits - 1;
        let price = draw.get(at as usize).copied().unwrap_or(0);
        // The mark of an ineligible pair may look tight; only a hit pays for telling them apart.
        found |=
            i64::from(key.ticket(start + at)) + price < held && costs.get(at as usize) != Some(&INELIGIBLE);
    }
    found
}

/// The same for every tight pair of the block, without a branch: cheaper than a mask of many candidates.
#[inline(always)]
fn better_of_all(
    start: u32,
    costs: &[i32],
    prices: &[i32],
    draw: &[i64],
    least: i32,
    held: i64,
    key: DrawKey,
) -> bool {
    let pools = start..start.saturating_add(BLOCK as u32);
    let pairs = pools.zip(costs.iter().zip(prices).zip(draw));
    pairs.fold(false, |any, (pool, ((&cost, &price), &draw))| {
        let tight = (cost.wrapping_add(price) == least) & (cost != INELIGIBLE);
        any | (tight & (i64::from(key.ticket(pool)).wrapping_add(draw) < held))
    })
}

/// How many pairs of the block are candidates: most blocks have none, and a mask costs more than the question.
#[inline(always)]
fn count_candidates(costs: &[i32], prices: &[i32], coarse: &[i32], least: i32, bound: i32) -> u32 {
    let pairs = costs.iter().zip(prices).zip(coarse);
    let hit = |count: u32, ((&cost, &price), &coarse): ((&i32, &i32), &i32)| {
        count.wrapping_add(u32::from((cost.wrapping_add(price) == least) & (coarse <= bound)))
    };
    pairs.fold(0, hit)
}

/// One bit a pair: tight, and priced so that its ticket could matter (a ticket is never negative).
#[inline(always)]
fn candidates(costs: &[i32], prices: &[i32], coarse: &[i32], least: i32, bound: i32) -> u64 {
    let mut flags = [0u8; BLOCK];
    for (((flag, &cost), &price), &coarse) in flags.iter_mut().zip(costs).zip(prices).zip(coarse) {
        *flag = u8::from(cost.wrapping_add(price) == least) & u8::from(coarse <= bound);
    }
    let eights = flags.chunks_exact(8).rev();
    eights.fold(0, |mask, eight| {
        let bytes = eight.iter().rev().fold(0u64, |bytes, &flag| (bytes << 8) | u64::from(flag));
        // Eight bytes of 0 or 1 to eight bits: byte i lands on bit 56 + i.
        (mask << 8) | (bytes.wrapping_mul(0x0102_0408_1020_4080) >> 56)
    })
}

/// Least priced cost and largest plain cost of a row.
pub(super) fn best_and_worst(problem: &Problem, student: usize, prices: &[i64]) -> (i64, i64) {
    problem.row(student).fold((i64::MAX, 0), |(best, worst), e| {
        let cost = i64::from(e.cost);
        let price = prices.get(e.pool as usize).copied().unwrap_or(0);
        (best.min(cost + price), worst.max(cost))
    })
}

/// Least priced cost of a dense row whose marks cannot be the least.
pub(super) fn best_plain(problem: &Problem, student: usize, prices: &[i32]) -> i64 {
    let Rows::Dense { costs } = &problem.rows else { return i64::MAX };
    let line = costs.get(student * prices.len()..(student + 1) * prices.len()).unwrap_or(&[]);
    i64::from(widest(
        #[inline(always)]
        || line.iter().zip(prices).fold(i32::MAX, |best, (&c, &y)| best.min(c.wrapping_add(y))),
    ))
}

/// The same for small prices, as one branch-free pass over a dense row.
pub(super) fn best_and_worst_narrow(problem: &Problem, student: usize, prices: &[i32]) -> (i64, i64) {
    match &problem.rows {
        Rows::Dense { costs } => {
            let width = prices.len();
            let line = costs.get(student * width..(student + 1) * width).unwrap_or(&[]);
            let (mut best, mut worst) = (i32::MAX, 0i32);
            for (&cost, &price) in line.iter().zip(prices) {
                let open = cost != INELIGIBLE;
                best = best.min(if open { cost.wrapping_add(price) } else { i32::MAX });
                worst = worst.max(if open { cost } else { 0 });
            }
            (i64::from(best), i64::from(worst))
        }
        Rows::Lists { .. } => {
            let (mut best, mut worst) = (i32::MAX, 0i32);
            for e in problem.row(student) {
                let price = prices.get(e.pool as usize).copied().unwrap_or(0);
                best = best.min(e.cost.wrapping_add(price));
                worst = worst.max(e.cost);
            }
            (i64::from(best), i64::from(worst))
        }
    }
}
