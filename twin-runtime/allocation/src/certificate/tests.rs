//! Whatever is moved in a proved round, the check notices.

use super::{Certificate, CertificateError, DrawVerdict, check};
use crate::problem::{Entry, Pool, Problem};
use crate::tests::{Stream, dense, random, tiny};
use crate::{Limits, Solution, solve};
use borsh::BorshDeserialize;

/// Solved tiny problems with seeds.
fn solved(seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Problem, Solution)> {
    seeds.filter_map(|seed| {
        let problem = tiny(seed);
        let solution = solve(&problem, &Limits::default()).ok()?;
        Some((seed, problem, solution))
    })
}

#[test]
fn moving_one_student_fails_unless_the_place_is_as_good() {
    let mut refused = 0;
    for (seed, problem, solution) in solved(0..3_000) {
        for s in 0..problem.students() {
            for p in (0..problem.pools().len() as u32).filter(|&p| p != solution.assignment[s]) {
                let mut moved = solution.assignment.clone();
                moved[s] = p;
                match check(&problem, &moved, &solution.certificate) {
                    Err(_) => refused += 1,
                    // A move that changes no sum is another optimum; with a lottery there is none but equal draws.
                    Ok(verdict) => {
                        assert_eq!(verdict.objective, solution.objective, "seed {seed}");
                        assert_eq!(verdict.draw, DrawVerdict::NoLottery, "seed {seed}");
                    }
                }
            }
        }
    }
    assert!(refused > 1_000, "{refused}");
}

#[test]
fn moving_one_price_by_one_changes_the_bound_or_stays_a_proof() {
    let mut refused = 0;
    for (seed, problem, solution) in solved(0..2_000) {
        for pool in 0..problem.pools().len() {
            for step in [-1, 1] {
                let mut other = solution.certificate.clone();
                other.prices.pools[pool] += step;
                match check(&problem, &solution.assignment, &other) {
                    Err(_) => refused += 1,
                    Ok(verdict) => assert_eq!(verdict.dual, solution.dual, "seed {seed}"),
                }
            }
        }
    }
    assert!(refused > 3_000, "{refused}");
}

/// Three students, two pools, no other optimum and no slack anywhere: every single change must fail.
fn rigid() -> (Problem, Solution) {
    let pools = vec![Pool { capacity: 1, floor: 0 }, Pool { capacity: 2, floor: 2 }];
    let row = |a, b| vec![Entry { pool: 0, cost: a }, Entry { pool: 1, cost: b }];
    let problem = dense(pools, &[row(1, 9), row(1, 5), row(2, 4)]);
    let solution = solve(&problem, &Limits::default()).unwrap();
    assert_eq!(solution.assignment, [0, 1, 1]);
    (problem, solution)
}

#[test]
fn claimed_sums_and_gap_must_be_the_recomputed_ones() {
    let (problem, solution) = rigid();
    let claim = |change: fn(&mut Certificate)| {
        let mut other = solution.certificate.clone();
        change(&mut other);
        check(&problem, &solution.assignment, &other).unwrap_err()
    };
    assert_eq!(claim(|c| c.objective += 1), CertificateError::Objective(1));
    assert_eq!(claim(|c| c.dual -= 1), CertificateError::Dual(1));
    assert_eq!(claim(|c| c.gap_ppm += 1), CertificateError::Dual(1));
    assert_eq!(claim(|c| c.prices.pools[0] = super::MAX_PRICE + 1), CertificateError::PriceRange);
    assert_eq!(claim(|c| c.prices.pools.truncate(1)), CertificateError::Length);
    assert_eq!(claim(|c| c.prices.schools.push(0)), CertificateError::Length);
}

#[test]
fn one_place_more_or_less_in_a_priced_pool_fails() {
    let (problem, solution) = rigid();
    let rows: Vec<Vec<Entry>> = (0..3).map(|s| problem.row(s).collect()).collect();
    for (capacity, floor) in [(1u32, 2u32), (3, 3)] {
        let mut pools = problem.pools().to_vec();
        pools[1] = Pool { capacity: capacity.max(floor), floor };
        if capacity == 1 {
            pools[1] = Pool { capacity, floor: 1 };
        }
        let other = dense(pools, &rows);
        let refused = check(&other, &solution.assignment, &solution.certificate).unwrap_err();
        assert_eq!(refused, CertificateError::PoolLoad(1));
    }
    let mut pools = problem.pools().to_vec();
    pools[0].capacity = 2;
    let other = dense(pools, &rows);
    let found = check(&other, &solution.assignment, &solution.certificate);
    assert_eq!(found.is_err(), solution.certificate.prices.pools[0] > 0);
}

#[test]
fn a_mandate_withdrawn_from_the_waitlist_fails() {
    let pools = vec![Pool { capacity: 1, floor: 0 }, Pool { capacity: 2, floor: 0 }];
    let row = |a, b| vec![Entry { pool: 0, cost: a }, Entry { pool: 1, cost: b }];
    let problem = dense(pools.clone(), &[row(1, 5), row(2, 5)]).with_waitlist();
    let solution = solve(&problem, &Limits::default()).unwrap();
    assert_eq!(solution.assignment, [0, 1]);
    let mandated = dense(pools, &[row(1, 5), vec![Entry { pool: 0, cost: 2 }]]).with_waitlist();
    let refused = check(&mandated, &solution.assignment, &solution.certificate).unwrap_err();
    assert_eq!(refused, CertificateError::NotEligible(1));
}

#[test]
fn a_lottery_proof_is_due_exactly_when_there_is_a_lottery() {
    let mut seen = [0; 2];
    for (_, problem, solution) in solved(0..500) {
        let mut other = solution.certificate.clone();
        if problem.draw().is_some() {
            other.draw = None;
            seen[0] += 1;
        } else {
            let prices = other.prices.clone();
            other.draw = Some(super::DrawProof { ticket_sum: 0, prices });
            seen[1] += 1;
        }
        assert_eq!(check(&problem, &solution.assignment, &other), Err(CertificateError::Draw));
    }
    assert!(seen.iter().all(|&n| n > 20), "{seen:?}");
}

#[test]
fn another_tickets_sum_fails() {
    let found = solved(0..2_000).filter(|(_, p, _)| p.draw().is_some());
    for (seed, problem, solution) in found {
        let mut other = solution.certificate.clone();
        if let Some(draw) = other.draw.as_mut() {
            draw.ticket_sum += 1;
        }
        let refused = check(&problem, &solution.assignment, &other);
        assert_eq!(refused, Err(CertificateError::Objective(2)), "seed {seed}");
    }
}

#[test]
fn bytes_round_trip_start_with_the_version_and_refuse_a_tail() {
    for (_, _, solution) in solved(0..200) {
        let bytes = borsh::to_vec(&solution.certificate).unwrap();
        assert_eq!(bytes[0], super::CERTIFICATE_VERSION);
        assert_eq!(Certificate::try_from_slice(&bytes).unwrap(), solution.certificate);
        let tail = [bytes.as_slice(), &[0]].concat();
        assert!(Certificate::try_from_slice(&tail).is_err());
        let mut newer = bytes.clone();
        newer[0] += 1;
        assert!(Certificate::try_from_slice(&newer).is_err());
    }
}

#[test]
fn hostile_certificates_are_refused_without_panic() {
    let problem = random(&mut Stream(77), 40, 5);
    let mut r = Stream(3);
    for _ in 0..2_000 {
        let wild = |r: &mut Stream| (r.next() as i64) >> r.below(40);
        let prices = |r: &mut Stream| super::Prices {
            pools: (0..r.below(7)).map(|_| wild(r)).collect(),
            schools: (0..r.below(3)).map(|_| wild(r)).collect(),
        };
        let certificate = Certificate {
            objective: wild(&mut r),
            dual: wild(&mut r),
            gap_ppm: r.next() as u32 >> r.below(32),
            prices: prices(&mut r),
            draw: Some(super::DrawProof { ticket_sum: wild(&mut r), prices: prices(&mut r) }),
        };
        let assignment: Vec<u32> = (0..40).map(|_| r.below(6) as u32).collect();
        assert!(check(&problem, &assignment, &certificate).is_err());
    }
}
