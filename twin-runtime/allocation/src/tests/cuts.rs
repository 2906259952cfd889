//! An infeasible problem is refused with a minimum cut: the students it names can be counted.

use super::tiny;
use crate::problem::{Problem, School};
use crate::{Cut, Limits, SolveError, solve};

/// Students of each school.
fn sizes(problem: &Problem) -> Vec<i64> {
    let Some(layer) = problem.schools() else { return Vec::new() };
    let size = |at: usize| layer.school_of.iter().filter(|&&s| s as usize == at).count() as i64;
    (0..layer.schools.len()).map(size).collect()
}

/// Most students each school may have on the waitlist: its size less its guarantee.
fn waits(problem: &Problem) -> Vec<i64> {
    let schools: &[School] = problem.schools().map_or(&[], |layer| &layer.schools);
    schools.iter().zip(sizes(problem)).map(|(school, size)| size - i64::from(school.min_placed)).collect()
}

/// Eligible pairs of a student inside the cut: a waitlist entry lies with the student's school, if there are schools.
fn inside(problem: &Problem, student: usize, pools: &[u32], schools: &[u32]) -> usize {
    let school = problem.schools().map(|layer| layer.school_of[student]);
    let within = |pool: u32| match school {
        Some(school) if problem.waitlist_pool() == Some(pool) => schools.contains(&school),
        _ => pools.contains(&pool),
    };
    problem.row(student).filter(|e| within(e.pool)).count()
}

#[test]
fn a_reported_cut_counts_exactly_the_students_or_places_missing() {
    let (mut plain, mut with_schools, mut guarantees) = (0, 0, 0);
    for seed in 0..30_000 {
        let problem = tiny(seed);
        let Err(SolveError::Infeasible(cut)) = solve(&problem, &Limits::default()) else { continue };
        let (pools, schools, short) = match &cut {
            Cut::Crowded { pools, schools, short } | Cut::Starved { pools, schools, short } => {
                (pools, schools, *short as i64)
            }
        };
        let waits = waits(&problem);
        if waits.iter().any(|&w| w < 0) {
            // More guaranteed than there are students: the missing ones are named, and nothing else.
            let missing: i64 = waits.iter().map(|&w| (-w).max(0)).sum();
            let named: Vec<u32> = (0u32..).zip(&waits).filter(|(_, w)| **w < 0).map(|(at, _)| at).collect();
            assert_eq!((short, schools), (missing, &named), "seed {seed}");
            guarantees += 1;
            continue;
        }
        let waitlist = problem.waitlist_pool().filter(|_| problem.schools().is_some());
        let waitlist_named = waitlist.is_some_and(|pool| pools.contains(&pool));
        let here = |named: bool| {
            let of = (0u32..).zip(&waits).filter(move |(at, _)| schools.contains(at) == named);
            of.map(|(_, w)| w).sum::<i64>()
        };
        let students = 0..problem.students();
        match &cut {
            Cut::Crowded { .. } => {
                let confined =
                    students.filter(|&s| inside(&problem, s, pools, schools) == problem.row(s).count());
                let places: i64 =
                    pools.iter().map(|&p| i64::from(problem.pools()[p as usize].capacity)).sum();
                // A school named without the waitlist may still send there whom its guarantee does not keep.
                let waiting = if waitlist_named { 0 } else { here(true) };
                assert_eq!(confined.count() as i64, places + waiting + short, "seed {seed} {cut:?}");
            }
            Cut::Starved { .. } => {
                let able = students.filter(|&s| inside(&problem, s, pools, schools) > 0).count() as i64;
                let floors: i64 = pools.iter().map(|&p| i64::from(problem.pools()[p as usize].floor)).sum();
                // The waitlist's own floor is served by the other schools as far as their guarantees let it.
                let waiting = if waitlist_named { here(false) } else { 0 };
                assert_eq!(able + waiting + short, floors, "seed {seed} {cut:?}");
            }
        }
        if problem.schools().is_some() { with_schools += 1 } else { plain += 1 }
    }
    assert!(plain > 1_000 && with_schools > 1_000 && guarantees > 300, "{plain} {with_schools} {guarantees}");
}

#[test]
fn a_cut_is_told_in_words() {
    let crowded = Cut::Crowded { pools: vec![3], schools: vec![], short: 2 };
    assert_eq!(crowded.to_string(), "pool 3: 2 places too few for the students who can go nowhere else");
    let starved = Cut::Starved { pools: vec![1, 4], schools: vec![0], short: 5 };
    assert_eq!(
        starved.to_string(),
        "pools 1, 4: the floors need 5 students more than can go there under the guarantees of school 0"
    );
    let promised = Cut::Starved { pools: vec![], schools: vec![2, 3], short: 1 };
    assert_eq!(promised.to_string(), "the guarantees of schools 2, 3 need 1 students more than there are");
}
