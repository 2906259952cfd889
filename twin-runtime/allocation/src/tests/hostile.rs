//! Instances made to be hard end within the work bound, with a proof or a refusal, whatever the bound is.

use super::{dense, lists};
use crate::certificate::check;
use crate::draw::DrawKey;
use crate::problem::{Entry, Pool, Problem};
use crate::{Limits, MAX_GAP_PPM, SolveError, solve};
use proptest::prelude::*;

#[path = "../../benches/families/mod.rs"]
#[allow(dead_code, clippy::indexing_slicing)]
mod families;

/// Work may pass its limit by what one phase scans: a search, a blocking flow and a rebuilding of the pool graph.
fn slack(problem: &Problem) -> u64 {
    let pools = problem.pools().len() as u64 + 2;
    4 * problem.pairs() as u64 + 8 * pools * pools
}

fn problem(family: &str, n: u32, k: u32, seed: u64, matrix: bool) -> Problem {
    let raw = families::make(family, n, k, seed).unwrap();
    let pools = raw.pools.iter().map(|&(capacity, floor)| Pool { capacity, floor }).collect();
    let entry = |&(pool, cost): &(u32, i32)| Entry { pool, cost };
    let rows: Vec<Vec<Entry>> = raw.rows.iter().map(|row| row.iter().map(entry).collect()).collect();
    let keys = (0..u64::from(n)).map(|row| DrawKey::of_row(&[1; 32], row)).collect();
    let problem = if matrix { dense(pools, &rows) } else { lists(pools, &rows) };
    problem.with_draw(keys).unwrap()
}

/// Solves within `work`; true when the optimum is proved.
fn ends_within(problem: &Problem, work: u64) -> bool {
    match solve(problem, &Limits { work }) {
        Ok(s) => {
            let verdict = check(problem, &s.assignment, &s.certificate).unwrap();
            assert_eq!((verdict.objective, verdict.gap_ppm), (s.objective, s.gap_ppm));
            assert!(s.gap_ppm <= MAX_GAP_PPM);
            assert!(s.work <= work + slack(problem), "{} of {work}", s.work);
            s.optimal()
        }
        Err(SolveError::OutOfWork(used) | SolveError::DrawOutOfWork(used)) => {
            assert!(used <= work + slack(problem), "{used} of {work}");
            false
        }
        Err(SolveError::Gap(gap)) => {
            assert!(gap > MAX_GAP_PPM);
            false
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn hard_families_are_solved_and_proved_as_matrix_and_as_lists() {
    for family in families::FAMILIES {
        for seed in 0..3 {
            let (a, b) = (problem(family, 240, 24, seed, true), problem(family, 240, 24, seed, false));
            let solved = |p: &Problem| solve(p, &Limits::default()).unwrap();
            let (x, y) = (solved(&a), solved(&b));
            assert!(x.optimal(), "{family}");
            assert_eq!((&x.assignment, &x.published), (&y.assignment, &y.published), "{family} {seed}");
            check(&a, &x.assignment, &x.certificate).unwrap();
        }
    }
}

#[test]
fn hard_squares_of_single_places_are_solved_and_proved() {
    for family in ["product", "near_equal", "ladder", "equal", "staircase"] {
        let (a, b) = (problem(family, 80, 80, 1, true), problem(family, 80, 80, 1, false));
        let solved = |p: &Problem| solve(p, &Limits::default()).unwrap();
        let (x, y) = (solved(&a), solved(&b));
        assert_eq!((&x.assignment, &x.published), (&y.assignment, &y.published), "{family}");
        check(&a, &x.assignment, &x.certificate).unwrap();
    }
}

#[test]
fn at_any_bound_a_hard_instance_ends_within_it() {
    let (mut proved, mut stopped) = (0, 0);
    for family in families::FAMILIES {
        for matrix in [true, false] {
            let problem = problem(family, 600, 40, 5, matrix);
            for passes in [8, 9, 10, 12, 16, 24, 40, 80] {
                let done = ends_within(&problem, passes * problem.pairs() as u64);
                proved += u32::from(done);
                stopped += u32::from(!done);
            }
        }
    }
    assert!(proved > 10 && stopped > 10, "{proved} {stopped}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_family_size_seed_or_bound_escapes(
        family in 0usize..families::FAMILIES.len(),
        n in 2u32..260,
        k in 2u32..40,
        seed in any::<u64>(),
        passes in 8u64..60,
        matrix in any::<bool>(),
    ) {
        prop_assume!(n >= k);
        let problem = problem(families::FAMILIES[family], n, k, seed, matrix);
        ends_within(&problem, passes * problem.pairs() as u64);
    }
}
