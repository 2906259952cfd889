use aula_allocation::certificate::check;
use aula_allocation::problem::{Entry, Pool, School, SchoolLayer};
use aula_allocation::{Limits, Solution, solve};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

/// A random round of 3 to 5 pools and a waitlist, some pools with a floor, half of them with a fair share.
fn problem(rng: &mut StdRng) -> Problem {
    let (students, pools) = (rng.gen_range(6..24usize), rng.gen_range(3..6u32));
    let mut places: Vec<Pool> = (0..pools)
        .map(|_| {
            let capacity = rng.gen_range(1..4);
            Pool { capacity, floor: if rng.gen_bool(0.4) { rng.gen_range(0..=capacity.min(2)) } else { 0 } }
        })
        .collect();
    places.push(Pool { capacity: students as u32, floor: 0 });
    // A pool that must be full and that only its own two students may have: nobody else could ever ask for it.
    let scarce = rng.gen_bool(0.3);
    if scarce {
        places[0] = Pool { capacity: 2, floor: 2 };
    }
    let (mut starts, mut entries) = (vec![0u32], Vec::new());
    for student in 0..students {
        let may = |pool: &u32| if scarce && *pool == 0 { student < 2 } else { rng.gen_bool(0.7) };
        let row = (0..pools).filter(may).collect::<Vec<u32>>();
        entries.extend(row.into_iter().map(|pool| Entry { pool, cost: rng.gen_range(0..9) }));
        if rng.gen_bool(0.9) || entries.len() as u32 == *starts.last().unwrap() {
            entries.push(Entry { pool: pools, cost: rng.gen_range(8..20) });
        }
        starts.push(entries.len() as u32);
    }
    let problem = Problem::lists(places, starts, entries).unwrap().with_waitlist();
    if rng.gen_bool(0.5) {
        return problem;
    }
    let school_of = (0..students).map(|_| rng.gen_range(0..3)).collect();
    let terms = |_| School { min_placed: 0, share: rng.gen_range(0..4), penalty: rng.gen_range(0..12) };
    problem.with_schools(SchoolLayer { school_of, schools: (0..3).map(terms).collect() }).unwrap()
}

fn solved() -> impl Iterator<Item = (Problem, Solution)> {
    let mut rng = StdRng::seed_from_u64(0x1EA57);
    let mut next = move || {
        let problem = problem(&mut rng);
        let solution = solve(&problem, &Limits::default()).ok()?;
        Some((problem, solution))
    };
    std::iter::from_fn(move || Some(next())).flatten().take(400)
}

fn of(problem: &Problem, solution: &Solution, prices: &Prices) -> Reached {
    reached(problem, &solution.assignment, prices)
}

#[test]
fn the_optimizers_prices_are_least_exactly_where_it_publishes_them() {
    let (mut published, mut withheld) = (0, 0);
    for (problem, solution) in solved() {
        let found = of(&problem, &solution, &solution.certificate.prices);
        for (node, price) in solution.published.iter().enumerate() {
            assert_eq!(found.bounded[node], price.is_some(), "{problem:?} {solution:?}");
            assert_eq!(found.least[node], price.is_some(), "{problem:?} {solution:?}");
            if price.is_some() { published += 1 } else { withheld += 1 }
        }
        let schools = problem.pools().len()..found.bounded.len();
        assert!(schools.into_iter().all(|node| found.least[node] == found.bounded[node]));
    }
    assert!(published > 1_000 && withheld > 20, "{published} published, {withheld} withheld");
}

/// Other optimal prices exist, pass as a proof of the optimum, and are not the least ones.
#[test]
fn other_optimal_prices_are_found_not_to_be_least() {
    let mut found = 0;
    for (problem, solution) in solved() {
        for pool in 0..problem.pools().len() {
            let mut certificate = solution.certificate.clone();
            certificate.prices.pools[pool] += 1;
            if check(&problem, &solution.assignment, &certificate).is_ok() {
                let raised = of(&problem, &solution, &certificate.prices);
                assert!(!raised.least[pool] || !raised.bounded[pool]);
                found += usize::from(raised.bounded[pool]);
            }
        }
    }
    assert!(found > 50, "{found} other optimal prices");
}
