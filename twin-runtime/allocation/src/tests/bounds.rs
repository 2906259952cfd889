//! Work limits, widths and sizes: whatever is asked, an answer is proved or refused, and nothing panics.

use super::{Stream, dense, lists, random, tiny};
use crate::certificate::{DrawVerdict, check};
use crate::problem::{Entry, MAX_COST, Pool, Problem};
use crate::{Limits, MAX_GAP_PPM, SolveError, solve};
use proptest::prelude::*;

#[test]
fn out_of_work_gives_a_proved_gap_or_a_refusal_and_stays_near_the_limit() {
    let (mut proved, mut within, mut refused) = (0, 0, 0);
    for seed in 0..60 {
        let mut r = Stream(40_000 + seed);
        let pools = (0..20).map(|_| Pool { capacity: 21, floor: 0 }).collect();
        let row = |r: &mut Stream| {
            (0..20)
                .map(|pool| Entry { pool, cost: (pool * 20) as i32 + r.below(200) as i32 })
                .collect::<Vec<_>>()
        };
        let rows: Vec<Vec<Entry>> = (0..400).map(|_| row(&mut r)).collect();
        let problem = dense(pools, &rows);
        for passes in [8, 9, 10, 11, 12, 14, 16, 24, 48] {
            let work = passes * problem.pairs() as u64;
            match solve(&problem, &Limits { work }) {
                Ok(solution) => {
                    let verdict = check(&problem, &solution.assignment, &solution.certificate).unwrap();
                    assert_eq!(verdict.gap_ppm, solution.gap_ppm);
                    assert!(solution.gap_ppm <= MAX_GAP_PPM && solution.work < 2 * work);
                    if solution.optimal() { proved += 1 } else { within += 1 }
                }
                Err(SolveError::Gap(gap)) => {
                    assert!(gap > MAX_GAP_PPM);
                    refused += 1;
                }
                Err(SolveError::OutOfWork(used)) => {
                    assert!(used < 2 * work);
                    refused += 1;
                }
                Err(other) => panic!("seed {seed}: {other}"),
            }
        }
    }
    assert!(proved > 50 && within > 0 && refused > 10, "{proved} {within} {refused}");
}

#[test]
fn an_unproved_round_has_no_lottery_and_publishes_no_price() {
    let mut seen = 0;
    for seed in 0..40 {
        let mut r = Stream(seed);
        let problem = random(&mut r, 300, 12);
        for passes in 8..40 {
            let Ok(s) = solve(&problem, &Limits { work: passes * problem.pairs() as u64 }) else { continue };
            if s.optimal() {
                continue;
            }
            assert!(s.certificate.draw.is_none() && s.published.iter().all(Option::is_none));
            let verdict = check(&problem, &s.assignment, &s.certificate).unwrap();
            assert_eq!(verdict.draw, DrawVerdict::NoLottery);
            seen += 1;
        }
    }
    assert!(seen > 0, "{seen}");
}

#[test]
fn a_repair_that_turns_out_optimal_is_proved_lottery_and_all() {
    // Found by fuzzing: out of work, repaired, no gap, and yet without the lottery's proof.
    let mut drawn = 0;
    for seed in 0..8_000 {
        let problem = tiny(seed);
        for passes in [8, 9, 11, 14] {
            let Ok(s) = solve(&problem, &Limits { work: passes * problem.pairs() as u64 }) else { continue };
            check(&problem, &s.assignment, &s.certificate).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
            drawn += u32::from(s.optimal() && s.certificate.draw.is_some());
        }
    }
    assert!(drawn > 100, "{drawn}");
}

#[test]
fn no_work_at_all_is_refused_at_once() {
    let refused = solve(&tiny(1), &Limits { work: 0 });
    assert_eq!(refused, Err(SolveError::OutOfWork(0)));
}

#[test]
fn costs_beyond_the_narrow_kernel_give_the_same_answer_scaled() {
    // Long chains raise prices far above the single costs, and MAX_COST does not fit the 32-bit kernel.
    for factor in [1, 1_000, MAX_COST / 60] {
        let pools = vec![Pool { capacity: 1, floor: 0 }; 30];
        let rows: Vec<Vec<Entry>> = (0..30u32)
            .map(|s| {
                (0..30u32)
                    .map(|pool| Entry { pool, cost: (s.abs_diff(pool) * 2 + s % 2) as i32 * factor })
                    .collect()
            })
            .collect();
        let problem = lists(pools, &rows);
        let solution = solve(&problem, &Limits::default()).unwrap();
        assert_eq!(solution.objective, 15 * i64::from(factor));
        check(&problem, &solution.assignment, &solution.certificate).unwrap();
    }
}

#[test]
fn squares_of_single_places_agree_between_matrix_and_lists() {
    // The matrix takes the capacity-one path, the lists the engine.
    for seed in 0..40 {
        let mut r = Stream(seed);
        let size = 64 + r.below(40) as usize;
        let most = [2, 50, 10_000][r.below(3) as usize];
        // Without any floor the path finds the least prices by itself.
        let floors = 1 + seed % 2;
        let pools: Vec<Pool> =
            (0..size).map(|_| Pool { capacity: 1, floor: r.below(floors) as u32 }).collect();
        let rows: Vec<Vec<Entry>> = (0..size)
            .map(|_| {
                let row = (0..size as u32).map(|pool| Entry { pool, cost: r.below(most) as i32 });
                row.filter(|e| e.pool == 0 || e.cost % 7 != 1).collect()
            })
            .collect();
        let (matrix, listed) = (dense(pools.clone(), &rows), lists(pools, &rows));
        let (a, b) =
            (solve(&matrix, &Limits::default()).unwrap(), solve(&listed, &Limits::default()).unwrap());
        assert_eq!((a.objective, &a.published), (b.objective, &b.published), "seed {seed}");
        check(&listed, &a.assignment, &a.certificate).unwrap();
        check(&matrix, &b.assignment, &b.certificate).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_accepted_problem_is_answered_with_a_proof_or_a_reason(
        capacities in proptest::collection::vec((0u32..6, 0u32..4), 1..7),
        costs in proptest::collection::vec(-1i32..2_000, 1..160),
        work in 0u64..200_000,
    ) {
        let pools: Vec<Pool> =
            capacities.iter().map(|&(c, f)| Pool { capacity: c, floor: f.min(c) }).collect();
        let whole = costs.len() - costs.len() % pools.len();
        if let Ok(problem) = Problem::dense(pools, costs[..whole].to_vec()) {
            match solve(&problem, &Limits { work }) {
                Ok(s) => {
                    let verdict = check(&problem, &s.assignment, &s.certificate);
                    prop_assert_eq!(verdict.map(|v| (v.objective, v.gap_ppm)), Ok((s.objective, s.gap_ppm)));
                }
                Err(refused) => prop_assert!(refused.code() > 0),
            }
        }
    }
}
