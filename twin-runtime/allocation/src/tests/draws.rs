//! The lottery is even among students with identical rows, and depends on nothing but seed and handles.

use super::{dense, lists};
use crate::draw::DrawKey;
use crate::problem::{Entry, Pool, Problem, School, SchoolLayer};
use crate::{Limits, solve};

/// Twelve equal students of one school, three places and a waitlist.
fn equals(keys: Vec<DrawKey>) -> Problem {
    let pools = vec![Pool { capacity: 3, floor: 0 }, Pool { capacity: 12, floor: 0 }];
    let row = vec![Entry { pool: 0, cost: 10 }, Entry { pool: 1, cost: 50 }];
    let school = School { min_placed: 0, share: 3, penalty: 9 };
    let layer = SchoolLayer { school_of: vec![0; 12], schools: vec![school] };
    lists(pools, &vec![row; 12]).with_schools(layer).unwrap().with_draw(keys).unwrap()
}

#[test]
fn equal_students_are_served_equally_often_over_a_fixed_list_of_seeds() {
    let mut served = [0u32; 12];
    for round in 0..4_000u32 {
        let mut seed = [0u8; 32];
        seed[..4].copy_from_slice(&round.to_le_bytes());
        let keys = (0..12).map(|row| DrawKey::of_row(&seed, row)).collect();
        let solution = solve(&equals(keys), &Limits::default()).unwrap();
        for (count, &pool) in served.iter_mut().zip(&solution.assignment) {
            *count += u32::from(pool == 0);
        }
    }
    // χ² with 11 degrees of freedom, corrected for drawing 3 of 12 without replacement; 31.26 is the 0.1% point.
    let expected = 1_000i64;
    let squares: i64 = served.iter().map(|&s| (i64::from(s) - expected).pow(2)).sum();
    assert_eq!(served.iter().sum::<u32>(), 12_000);
    // Σ(O−E)²/E · (12−1)/(12−3) < 31.26, in whole numbers.
    assert!(squares * 11 * 100 < 3_126 * 9 * expected, "{served:?}");
}

#[test]
fn the_order_of_the_requests_does_not_matter() {
    let key = |handle: u64| DrawKey::of_row(&[3; 32], handle);
    let pools =
        vec![Pool { capacity: 2, floor: 0 }, Pool { capacity: 3, floor: 0 }, Pool { capacity: 9, floor: 0 }];
    let row =
        |h: u64| (0..3u32).map(|pool| Entry { pool, cost: ((h % 2) as i32 + 1) * pool as i32 }).collect();
    let solved = |order: &[u64]| {
        let rows: Vec<Vec<Entry>> = order.iter().map(|&h| row(h)).collect();
        let problem = dense(pools.clone(), &rows).with_draw(order.iter().map(|&h| key(h)).collect()).unwrap();
        let solution = solve(&problem, &Limits::default()).unwrap();
        let mut by_handle: Vec<(u64, u32)> = order.iter().copied().zip(solution.assignment).collect();
        by_handle.sort_unstable();
        (by_handle, solution.published)
    };
    let forward: Vec<u64> = (0..9).collect();
    let backward: Vec<u64> = (0..9).rev().collect();
    assert_eq!(solved(&forward), solved(&backward));
}
