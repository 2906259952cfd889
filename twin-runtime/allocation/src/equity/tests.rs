//! The figures on rounds small enough to count by hand, and what they conserve on random ones.

use super::*;
use crate::problem::{Entry, Pool, SchoolLayer};
use crate::tests::{Stream, dense};

fn person(band: u8, school: u32, weight: u32) -> Person {
    Person { band, school, district: school / 2, weight }
}

/// Two places at pool 0, the rest wait at pool 1.
fn two_places(students: usize) -> Problem {
    let pools = vec![Pool { capacity: 2, floor: 0 }, Pool { capacity: students as u32, floor: 0 }];
    let row = vec![Entry { pool: 0, cost: 100 }, Entry { pool: 1, cost: 300 }];
    dense(pools, &vec![row; students]).with_waitlist()
}

#[test]
fn figures_of_a_round_counted_by_hand() {
    let problem = two_places(4);
    let people = [person(0, 0, 100), person(1, 0, 200), person(0, 1, 100), person(9, 1, 300)];
    let report = report(&problem, &[0, 0, 1, 1], &people, None).unwrap();
    assert_eq!((report.students, report.mandates, report.mandates_met), (4, 0, Met::All));
    // School 0: 2 places on weight 300; school 1: none on 400. |2·400 − 0·300| / (2·700).
    assert_eq!(report.gini_ppm, 571_428);
    assert_eq!(report.schools[0].placed_per_weighted_pupil_e6, 666_666);
    assert_eq!(report.schools[1].placed_per_weighted_pupil_e6, 0);
    // Pool 0 holds weights 100 and 200: only the student of weight 300 is passed over by a lighter one.
    assert_eq!(report.justified_envy_pairs, 1);
    assert_eq!(report.bottom_decile_utility_e4, Some(0));
    let counts = |cell: &Cell| (cell.group, cell.students, cell.first_choice, cell.waitlisted);
    assert_eq!(report.by_school.iter().map(counts).collect::<Vec<_>>(), [(0, 2, 2, 0), (1, 2, 0, 2)]);
    assert_eq!(report.by_district.iter().map(counts).collect::<Vec<_>>(), [(0, 4, 2, 2)]);
    assert_eq!(
        report.by_band.iter().map(counts).collect::<Vec<_>>(),
        [(0, 2, 1, 1), (1, 1, 1, 0), (9, 1, 0, 1)]
    );
}

#[test]
fn an_even_allocation_has_no_inequality() {
    let problem = two_places(4);
    let people = [person(0, 0, 100), person(0, 0, 100), person(0, 1, 100), person(0, 1, 100)];
    let report = report(&problem, &[0, 1, 0, 1], &people, None).unwrap();
    assert_eq!((report.gini_ppm, report.justified_envy_pairs), (0, 0));
}

#[test]
fn fairness_costs_what_the_weights_moved() {
    // One place; the heavier student gains less from it, unweighted, but more in weighted cost.
    let pools = vec![Pool { capacity: 1, floor: 0 }, Pool { capacity: 2, floor: 0 }];
    let row = |w: i32, a: i32, b: i32| vec![Entry { pool: 0, cost: w * a }, Entry { pool: 1, cost: w * b }];
    let problem = dense(pools, &[row(100, 1, 10), row(300, 2, 8)]).with_waitlist();
    let solution = solve(&problem, &Limits::default()).unwrap();
    assert_eq!(solution.assignment, [1, 0]);
    let people = [person(0, 0, 100), person(9, 0, 300)];
    let price = |plain: Option<&Plain>| {
        Ok(report(&problem, &solution.assignment, &people, plain)?.price_of_fairness_ppm)
    };
    let solved = plain(&problem, &people, 1_000_000).unwrap();
    // Unweighted 12 against 9.
    assert_eq!(price(Some(&solved)), Ok(Some(333_333)));
    assert_eq!(plain(&problem, &people, 0), None);
    assert_eq!(price(None), Ok(None));
    // Not the least: the round itself as its own comparison, and a bound that the prices do not prove.
    let own = Plain { assignment: solution.assignment.clone(), ..solved.clone() };
    assert_eq!(price(Some(&own)), Err(EquityError::Plain));
    let mut boast = solved.clone();
    boast.certificate.objective -= 1;
    assert_eq!(price(Some(&boast)), Err(EquityError::Plain));
    let mut short = solved;
    short.assignment.pop();
    assert_eq!(price(Some(&short)), Err(EquityError::Plain));
}

/// Two optimal rounds at equity 0 that differ in cost and penalty, not in their sum: the price is that of the sum.
#[test]
fn penalties_count_so_that_the_price_does_not_depend_on_which_optimum_is_found() {
    // One place and the waitlist: placing costs 1 and a penalty of 4 beyond the share of 0, waiting costs 5.
    let pools = vec![Pool { capacity: 1, floor: 0 }, Pool { capacity: 1, floor: 0 }];
    let row = vec![Entry { pool: 0, cost: 100 }, Entry { pool: 1, cost: 500 }];
    let school = School { min_placed: 0, share: 0, penalty: 4 };
    let layer = SchoolLayer { school_of: vec![0], schools: vec![school] };
    let problem = dense(pools, &[row]).with_schools(layer).unwrap();
    let people = [person(0, 0, 100)];
    let solved = plain(&problem, &people, 1_000_000).unwrap();
    assert_eq!(solved.certificate.objective, 5);
    for assignment in [[0], [1]] {
        let both = Plain { assignment: assignment.to_vec(), ..solved.clone() };
        let report = report(&problem, &assignment, &people, Some(&both)).unwrap();
        assert_eq!(report.price_of_fairness_ppm, Some(0));
    }
}

#[test]
fn every_grouping_counts_every_student_once() {
    for seed in 0..300 {
        let mut r = Stream(seed);
        let n = 2 + r.below(200) as usize;
        let problem = two_places(n);
        let people: Vec<Person> =
            (0..n).map(|_| person(r.below(10) as u8, r.below(1 + seed % 9) as u32, 100)).collect();
        let mut assignment = vec![1; n];
        assignment[0] = 0;
        let report = report(&problem, &assignment, &people, None).unwrap();
        for cells in [&report.by_band, &report.by_school, &report.by_district] {
            let sums = cells
                .iter()
                .fold([0; 3], |[n, f, w], c| [n + c.students, f + c.first_choice, w + c.waitlisted]);
            assert_eq!(sums, [n as u64, 1, n as u64 - 1], "seed {seed}");
            assert!(cells.windows(2).all(|pair| pair[0].group < pair[1].group), "seed {seed}");
        }
    }
}
