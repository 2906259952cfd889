//! Why one student got their place: read off the prices in O(k), in words exactly as strong as they are true.
//!
//! With proved prices every student sits at a place of least cost + price. A preferred place was therefore dearer
//! by at least what it would have been better; that is a statement about *these prices*, not about what another
//! row would have brought. The exact answer to "what if" is [`counterfactual`]: the round solved again with that
//! row changed, with a certificate of its own.
//!
//! Absent: names and identities; the caller supplies how a pool is called.

use super::certificate::Prices;
use super::problem::{Entry, Problem, ProblemError};
use super::solver::{Limits, Solution, SolveError, solve};
use thiserror::Error;

/// The weight each need band would give, for "a band of at least".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weights {
    /// The weight that the row's costs carry, at least 1.
    pub own: u32,
    /// Weight by band, ascending.
    pub by_band: Vec<u32>,
}

/// A place the student would have preferred, or one as good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// Pool index.
    pub pool: u32,
    /// How much better its weighted cost is than that of the place given; 0 or more.
    pub better_by: i64,
    /// How much higher its price is than that of the place given.
    pub dearer_by: i64,
    /// Lowest band at which, at these prices, it would not lose against the place given; `None` when no band
    /// suffices or no weights were given. Necessary, not sufficient.
    pub band_needed: Option<u8>,
}

/// Whether the place given is the best at the prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No place has a lower cost + price.
    Best,
    /// The round is proved only within a gap, and this row is off its best by this much.
    OffBy(i64),
}

/// One student's row, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Pool given.
    pub pool: u32,
    /// Weighted cost of that place.
    pub cost: i64,
    /// Price of that place for this student, the school's share included.
    pub price: i64,
    /// Whether it is the best at the prices.
    pub standing: Standing,
    /// Places with a lower cost, cheapest first, then those equal in cost + price (the lottery chose among them).
    pub preferred: Vec<Alternative>,
}

/// Why a row cannot be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ExplainError {
    /// The student, or the place given, is not in the problem.
    #[error("student {0} has no such place")]
    NoSuchPlace(u32),
    /// The prices are not this problem's.
    #[error("the prices do not fit the problem")]
    Prices,
}

/// Explains the place `pool` given to `student` at `prices` (those of a checked certificate).
///
/// # Errors
/// See [`ExplainError`].
pub fn explain(
    problem: &Problem,
    prices: &Prices,
    student: u32,
    pool: u32,
    weights: Option<&Weights>,
) -> Result<Explanation, ExplainError> {
    let schools = problem.schools().map_or(0, |layer| layer.schools.len());
    if prices.pools.len() != problem.pools().len() || prices.schools.len() != schools {
        return Err(ExplainError::Prices);
    }
    let cost =
        problem.cost(student as usize, pool).map(i64::from).ok_or(ExplainError::NoSuchPlace(student))?;
    let price = row_price(problem, prices, student, pool);
    let own = (cost, price);
    let priced = |e: &Entry| i64::from(e.cost).saturating_add(row_price(problem, prices, student, e.pool));
    let least = problem.row(student as usize).map(|e| priced(&e)).min().unwrap_or(0);
    let held = cost.saturating_add(price);
    let others = problem.row(student as usize).filter(|e| e.pool != pool);
    let wanted = others.filter(|e| i64::from(e.cost) < cost || priced(e) == held);
    let mut preferred: Vec<Alternative> =
        wanted.map(|e| alternative(own, &e, row_price(problem, prices, student, e.pool), weights)).collect();
    preferred.sort_by_key(|a| (std::cmp::Reverse(a.better_by), a.pool));
    let standing = if held == least { Standing::Best } else { Standing::OffBy(held.saturating_sub(least)) };
    Ok(Explanation { pool, cost, price, standing, preferred })
}

/// Price of a pool for one student: the school's price is added at the waitlist.
fn row_price(problem: &Problem, prices: &Prices, student: u32, pool: u32) -> i64 {
    let base = prices.pools.get(pool as usize).copied().unwrap_or(0);
    let layer = problem.schools().filter(|_| problem.waitlist_pool() == Some(pool));
    let school = layer.and_then(|l| l.school_of.get(student as usize));
    base.saturating_add(school.and_then(|&s| prices.schools.get(s as usize)).copied().unwrap_or(0))
}

fn alternative(own: (i64, i64), entry: &Entry, price: i64, weights: Option<&Weights>) -> Alternative {
    let better_by = own.0.saturating_sub(i64::from(entry.cost));
    let dearer_by = price.saturating_sub(own.1);
    let band_needed = weights.and_then(|w| {
        let plain = i128::from(better_by) / i128::from(w.own.max(1));
        let enough = |weight: u32| plain * i128::from(weight) >= i128::from(dearer_by);
        (0u8..).zip(&w.by_band).find(|(_, weight)| enough(**weight)).map(|(band, _)| band)
    });
    Alternative { pool: entry.pool, better_by, dearer_by, band_needed }
}

impl Explanation {
    /// The explanation in words; `name` says how a pool is called.
    pub fn words(&self, name: impl Fn(u32) -> String) -> String {
        let mut lines = vec![match self.standing {
            Standing::Best => format!("{} is the best place at these prices.", name(self.pool)),
            Standing::OffBy(by) => format!(
                "{} is within the round's proven gap, but off the best place at these prices by {by}.",
                name(self.pool)
            ),
        }];
        for a in &self.preferred {
            if a.better_by == a.dearer_by {
                lines.push(format!("{} is as good at these prices; the lottery chose.", name(a.pool)));
                continue;
            }
            let mut line = format!(
                "{} would have been better by {} and cleared at {} more",
                name(a.pool),
                a.better_by,
                a.dearer_by
            );
            if let Some(band) = a.band_needed {
                line += &format!(
                    "; at these prices a band of at least {band} would be needed (necessary, not sufficient)"
                );
            }
            lines.push(line + ".");
        }
        lines.join(" ")
    }
}

/// Why there is no counterfactual.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CounterfactualError {
    /// The changed row is not valid.
    #[error("the changed row is not valid")]
    Row(#[from] ProblemError),
    /// The changed round has no solution within its limits.
    #[error("the changed round has no solution")]
    Solve(#[from] SolveError),
}

/// The round solved again with one row changed: the problem it proves, and the solution with its certificate.
///
/// # Errors
/// See [`CounterfactualError`].
pub fn counterfactual(
    problem: &Problem,
    student: usize,
    row: &[Entry],
    limits: &Limits,
) -> Result<(Problem, Solution), CounterfactualError> {
    let changed = problem.with_row(student, row)?;
    let solution = solve(&changed, limits)?;
    Ok((changed, solution))
}

#[cfg(test)]
mod tests {
    use super::super::certificate::check;
    use super::super::problem::Pool;
    use super::super::tests::{dense, tiny};
    use super::*;

    #[test]
    fn every_proved_row_is_best_and_no_preferred_place_wins_at_the_prices() {
        for seed in 0..2_000 {
            let problem = tiny(seed);
            let Ok(solution) = solve(&problem, &Limits::default()) else { continue };
            for (student, &pool) in (0u32..).zip(&solution.assignment) {
                let why = explain(&problem, &solution.certificate.prices, student, pool, None).unwrap();
                assert_eq!(why.standing, Standing::Best, "seed {seed}");
                assert!(why.preferred.iter().all(|a| a.better_by <= a.dearer_by), "seed {seed}");
                let cheaper = problem.row(student as usize).filter(|e| i64::from(e.cost) < why.cost).count();
                assert!(why.preferred.len() >= cheaper, "seed {seed}");
            }
        }
    }

    #[test]
    fn words_name_the_margin_the_price_and_the_band() {
        // One place at pool 0 (weights 100 and 300), the other student waits at pool 1.
        let pools = vec![Pool { capacity: 1, floor: 0 }, Pool { capacity: 2, floor: 0 }];
        let row = |w: i32| vec![Entry { pool: 0, cost: w }, Entry { pool: 1, cost: 4 * w }];
        let problem = dense(pools, &[row(100), row(300)]).with_waitlist();
        let solution = solve(&problem, &Limits::default()).unwrap();
        assert_eq!(solution.assignment, [1, 0]);
        assert_eq!(solution.published, [Some(300), Some(0)]);
        let weights = Weights { own: 100, by_band: vec![99, 100, 101] };
        let why = explain(&problem, &solution.certificate.prices, 0, 1, Some(&weights)).unwrap();
        let words = why.words(|pool| format!("pool {pool}"));
        assert_eq!(
            words,
            "pool 1 is the best place at these prices. pool 0 is as good at these prices; the lottery chose."
        );
        let dearer = Prices { pools: vec![303, 0], schools: Vec::new() };
        let words = explain(&problem, &dearer, 0, 1, Some(&weights)).unwrap().words(|p| format!("pool {p}"));
        assert!(words.ends_with(
            "pool 0 would have been better by 300 and cleared at 303 more; at these prices a band of at least 2 \
             would be needed (necessary, not sufficient)."
        ));
    }

    #[test]
    fn a_counterfactual_carries_its_own_proof_and_changes_only_its_row() {
        for seed in 0..500 {
            let problem = tiny(seed);
            let row: Vec<Entry> = problem.row(0).map(|e| Entry { cost: e.cost / 2, ..e }).collect();
            let Ok((changed, solution)) = counterfactual(&problem, 0, &row, &Limits::default()) else {
                continue;
            };
            check(&changed, &solution.assignment, &solution.certificate).unwrap();
            assert_eq!(changed.row(0).collect::<Vec<_>>(), row);
            for s in 1..problem.students() {
                assert_eq!(changed.row(s).collect::<Vec<_>>(), problem.row(s).collect::<Vec<_>>());
            }
        }
    }
}
