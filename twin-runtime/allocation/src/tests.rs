//! Brute force against the solver on thousands of tiny instances, with every feature on.

use super::certificate::{self, DrawVerdict};
use super::draw::DrawKey;
use super::problem::{Entry, Pool, Problem, School, SchoolLayer};
use super::{Limits, SolveError, solve};

mod bounds;
mod cuts;
mod draws;
mod hostile;

/// SplitMix64, so that a failing case is its number.
pub(super) struct Stream(pub(super) u64);

impl Stream {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// A tiny random problem; many are tight, tied or infeasible on purpose.
pub(super) fn tiny(seed: u64) -> Problem {
    let mut r = Stream(seed);
    let k = 1 + r.below(4) as usize;
    let n = 1 + r.below(6) as usize;
    random(&mut r, n, k)
}

/// A random problem of a given size.
pub(super) fn random(r: &mut Stream, n: usize, k: usize) -> Problem {
    let most_cost = [1, 3, 10, 1000, 1 << 29][r.below(5) as usize];
    let density = 40 + r.below(61);
    let generous = r.below(2);
    let per_pool = (n / k) as u64 + 1;
    let pools: Vec<Pool> = (0..k)
        .map(|_| {
            let capacity = r.below(per_pool + 1 + generous * per_pool) as u32;
            let floor = if r.below(3) == 0 { r.below(u64::from(capacity) + 1) as u32 } else { 0 };
            Pool { capacity, floor }
        })
        .collect();
    let mut rows: Vec<Vec<Entry>> = Vec::new();
    for _ in 0..n {
        let mut row: Vec<Entry> = Vec::new();
        for pool in 0..k as u32 {
            if r.below(100) < density {
                row.push(Entry { pool, cost: r.below(most_cost + 1) as i32 });
            }
        }
        if row.is_empty() {
            row.push(Entry { pool: r.below(k as u64) as u32, cost: r.below(most_cost + 1) as i32 });
        }
        rows.push(row);
    }
    let mut problem = if r.below(2) == 0 { dense(pools, &rows) } else { lists(pools, &rows) };
    if r.below(2) == 0 {
        let m = 1 + r.below(3);
        let school_of = (0..n).map(|_| r.below(m) as u32).collect();
        let schools = (0..m)
            .map(|_| School {
                min_placed: if r.below(2) == 0 { r.below(3) as u32 } else { 0 },
                share: r.below(n as u64 + 1) as u32,
                penalty: r.below(most_cost + 1) as i32,
            })
            .collect();
        problem = problem.with_schools(SchoolLayer { school_of, schools }).unwrap();
    }
    if r.below(2) == 0 {
        let seed = [r.below(256) as u8; 32];
        problem = problem.with_draw((0..n as u64).map(|row| DrawKey::of_row(&seed, row)).collect()).unwrap();
    }
    problem
}

pub(super) fn dense(pools: Vec<Pool>, rows: &[Vec<Entry>]) -> Problem {
    let mut costs = vec![-1; pools.len() * rows.len()];
    for (s, row) in rows.iter().enumerate() {
        row.iter().for_each(|e| costs[s * pools.len() + e.pool as usize] = e.cost);
    }
    Problem::dense(pools, costs).unwrap()
}

pub(super) fn lists(pools: Vec<Pool>, rows: &[Vec<Entry>]) -> Problem {
    let mut row_start = vec![0u32];
    rows.iter().for_each(|row| row_start.push(row_start.last().unwrap() + row.len() as u32));
    Problem::lists(pools, row_start, rows.concat()).unwrap()
}

/// Cost of an assignment with penalties; `None` when a bound is broken.
fn value(problem: &Problem, assignment: &[u32]) -> Option<i64> {
    let mut load = vec![0u32; problem.pools().len()];
    let mut total = 0;
    for (s, &p) in assignment.iter().enumerate() {
        total += i64::from(problem.cost(s, p)?);
        load[p as usize] += 1;
    }
    if problem.pools().iter().zip(&load).any(|(p, &l)| l > p.capacity || l < p.floor) {
        return None;
    }
    if let Some(layer) = problem.schools() {
        let mut placed = vec![0u32; layer.schools.len()];
        for (s, &p) in assignment.iter().enumerate() {
            if Some(p) != problem.waitlist_pool() {
                placed[layer.school_of[s] as usize] += 1;
            }
        }
        for (school, &placed) in layer.schools.iter().zip(&placed) {
            if placed < school.min_placed {
                return None;
            }
            total += i64::from(school.penalty) * i64::from(placed.saturating_sub(school.share));
        }
    }
    Some(total)
}

/// Least cost and least ticket sum among the least-cost assignments, by enumeration.
fn brute(problem: &Problem) -> Option<(i64, i64)> {
    let (n, k) = (problem.students(), problem.pools().len() as u32);
    let mut best: Option<(i64, i64)> = None;
    let mut assignment = vec![0u32; n];
    loop {
        if let Some(cost) = value(problem, &assignment) {
            let tickets = problem.draw().map_or(0, |keys| {
                keys.iter().zip(&assignment).map(|(key, &p)| i64::from(key.ticket(p))).sum()
            });
            best = Some(best.map_or((cost, tickets), |b| b.min((cost, tickets))));
        }
        let Some(at) = assignment.iter().position(|&p| p + 1 < k) else { return best };
        assignment[..at].fill(0);
        assignment[at] += 1;
    }
}

#[test]
fn solver_agrees_with_enumeration_and_its_certificate_passes() {
    let (mut feasible, mut drawn, mut layered, mut everything) = (0, 0, 0, 0);
    for seed in 0..40_000 {
        let problem = tiny(seed);
        match (brute(&problem), solve(&problem, &Limits::default())) {
            (None, Err(SolveError::Infeasible(_))) => {}
            (Some((cost, tickets)), Ok(solution)) => {
                assert_eq!(solution.objective, cost, "seed {seed}");
                assert!(solution.optimal(), "seed {seed}");
                let verdict = certificate::check(&problem, &solution.assignment, &solution.certificate)
                    .unwrap_or_else(|e| panic!("seed {seed}: {e}"));
                assert_eq!(
                    (verdict.objective, verdict.dual, verdict.gap_ppm),
                    (cost, cost, 0),
                    "seed {seed}"
                );
                if problem.draw().is_some() {
                    assert_eq!(verdict.draw, DrawVerdict::Proved { ticket_sum: tickets }, "seed {seed}");
                    drawn += 1;
                }
                feasible += 1;
                layered += u32::from(problem.schools().is_some());
                everything += u32::from(every_feature_is_on(&problem));
            }
            (expected, found) => panic!("seed {seed}: {expected:?} by enumeration, {found:?} by the solver"),
        }
    }
    let counts = [feasible, drawn, layered, everything];
    assert!(counts.iter().zip([5_000, 2_000, 2_000, 300]).all(|(n, least)| *n > least), "{counts:?}");
}

/// A floor, a mandate, a waitlist that others may use, a share or a guarantee of a school, and a lottery, all at once.
fn every_feature_is_on(problem: &Problem) -> bool {
    let Some((layer, waitlist)) = problem.schools().zip(problem.waitlist_pool()) else { return false };
    let mandates = (0..problem.students()).filter(|&s| problem.cost(s, waitlist).is_none()).count();
    problem.draw().is_some()
        && problem.pools().iter().any(|p| p.floor > 0)
        && (1..problem.students()).contains(&mandates)
        && layer.schools.iter().any(|s| s.min_placed > 0 || s.penalty > 0)
}

#[test]
fn dense_and_listed_rows_give_the_same_drawn_assignment() {
    for seed in 0..300 {
        let mut r = Stream(seed);
        let problem = random(&mut r, 60, 7);
        let keys: Vec<DrawKey> = (0..60).map(|row| DrawKey::of_row(&[9; 32], row)).collect();
        let rows: Vec<Vec<Entry>> = (0..60).map(|s| problem.row(s).collect()).collect();
        let a = dense(problem.pools().to_vec(), &rows).with_draw(keys.clone()).unwrap();
        let b = lists(problem.pools().to_vec(), &rows).with_draw(keys).unwrap();
        match (solve(&a, &Limits::default()), solve(&b, &Limits::default())) {
            (Ok(a), Ok(b)) => {
                assert_eq!(a.assignment, b.assignment, "seed {seed}");
                assert_eq!(a.published, b.published, "seed {seed}");
            }
            (a, b) => assert_eq!(a.is_ok(), b.is_ok(), "seed {seed}"),
        }
    }
}

#[test]
fn the_same_problem_gives_the_same_bytes_twice() {
    let problem = random(&mut Stream(5), 200, 9);
    let again = problem.clone();
    assert_eq!(solve(&problem, &Limits::default()), solve(&again, &Limits::default()));
}

#[test]
fn larger_random_problems_are_proved_too() {
    let mut solved = 0;
    for seed in 0..400 {
        let mut r = Stream(1_000_000 + seed);
        let (n, k) = (50 + r.below(400) as usize, 2 + r.below(12) as usize);
        let problem = random(&mut r, n, k);
        if let Ok(solution) = solve(&problem, &Limits::default()) {
            certificate::check(&problem, &solution.assignment, &solution.certificate)
                .unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            solved += 1;
        }
    }
    assert!(solved > 50, "{solved}");
}

/// Optimal value with one pool's bounds changed.
fn altered(problem: &Problem, pool: usize, capacity: i64, floor: i64) -> Option<i64> {
    let mut pools = problem.pools().to_vec();
    pools[pool].capacity = u32::try_from(i64::from(pools[pool].capacity) + capacity).ok()?;
    pools[pool].floor = u32::try_from(i64::from(pools[pool].floor) + floor).ok()?;
    if pools[pool].floor > pools[pool].capacity {
        return None;
    }
    let rows: Vec<Vec<Entry>> = (0..problem.students()).map(|s| problem.row(s).collect()).collect();
    let mut other = lists(pools, &rows);
    if let Some(layer) = problem.schools() {
        other = other.with_schools(layer.clone()).unwrap();
    }
    brute(&other).map(|b| b.0)
}

#[test]
fn published_prices_are_what_one_more_place_saves_and_one_more_guarantee_costs() {
    let (mut positive, mut negative, mut none) = (0, 0, 0);
    for seed in 0..6_000 {
        let problem = tiny(seed);
        let Ok(solution) = solve(&problem, &Limits::default()) else { continue };
        for (pool, price) in solution.published.iter().enumerate() {
            let more = altered(&problem, pool, 1, 0).unwrap();
            // A guarantee counts beyond the students who are there anyway, so it is raised from the load.
            let bounds = problem.pools()[pool];
            match price {
                Some(price) => {
                    assert_eq!(solution.objective - more, (*price).max(0), "seed {seed} pool {pool}");
                    if bounds.floor > 0 && bounds.floor < bounds.capacity {
                        let raised = altered(&problem, pool, 0, 1);
                        if *price < 0 {
                            assert_eq!(
                                raised.unwrap() - solution.objective,
                                -price,
                                "seed {seed} pool {pool}"
                            );
                            negative += 1;
                        }
                    }
                    positive += u32::from(*price > 0);
                }
                None => {
                    assert_eq!(altered(&problem, pool, 1, 1), None, "seed {seed} pool {pool}");
                    none += 1;
                }
            }
        }
    }
    assert!(positive > 500 && negative > 50 && none > 50, "{positive} {negative} {none}");
}
