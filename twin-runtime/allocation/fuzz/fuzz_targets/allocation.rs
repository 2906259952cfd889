//! Whatever problem the bytes describe: no panic, no overflow, and a valid certificate whenever there is a result; rows
//! as lists and as a matrix agree.

#![no_main]

use aula_allocation::draw::DrawKey;
use aula_allocation::problem::{Entry, MAX_COST, Pool, Problem, School, SchoolLayer};
use aula_allocation::{Limits, MAX_GAP_PPM, SolveError, certificate, solve};
use libfuzzer_sys::fuzz_target;

/// Numbers from the input; zeros when it is used up.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u32 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        u32::from(*first)
    }

    fn below(&mut self, n: u32) -> u32 {
        self.byte() % n.max(1)
    }

    /// Small, large or extreme costs.
    fn cost(&mut self) -> i32 {
        match self.byte() {
            byte @ 0..=99 => byte as i32,
            byte @ 100..=199 => ((byte << 8) | self.byte()) as i32,
            byte @ 200..=239 => (((byte << 8) | self.byte()) << 12) as i32,
            _ => MAX_COST - self.byte() as i32,
        }
    }
}

/// The same problem with rows as lists and as a matrix.
fn problems(input: &mut Bytes) -> Option<[Problem; 2]> {
    let (k, n) = (1 + input.below(12), input.below(40));
    let pools: Vec<Pool> = (0..k)
        .map(|_| {
            let capacity = input.below(2 + 2 * n / k);
            Pool { capacity, floor: if input.below(4) == 0 { input.below(capacity + 1) } else { 0 } }
        })
        .collect();
    let density = 1 + input.below(4);
    let (mut row_start, mut entries) = (vec![0u32], Vec::new());
    let mut costs = vec![-1; (n * k) as usize];
    for student in 0..n {
        for pool in 0..k {
            if input.below(4) < density {
                let cost = input.cost();
                entries.push(Entry { pool, cost });
                costs[(student * k + pool) as usize] = cost;
            }
        }
        row_start.push(entries.len() as u32);
    }
    let mut both =
        [Problem::lists(pools.clone(), row_start, entries).ok()?, Problem::dense(pools, costs).ok()?];
    if input.below(2) == 1 {
        let m = 1 + input.below(4);
        let school_of = (0..n).map(|_| input.below(m)).collect();
        let schools = (0..m).map(|_| School {
            min_placed: input.below(3),
            share: input.below(n + 1),
            penalty: input.cost(),
        });
        let layer = SchoolLayer { school_of, schools: schools.collect() };
        both = both.map(|problem| problem.with_schools(layer.clone()).expect("a valid layer"));
    }
    if input.below(2) == 1 {
        let seed = [input.byte() as u8; 32];
        let keys: Vec<DrawKey> = (0..u64::from(n)).map(|row| DrawKey::of_row(&seed, row)).collect();
        both = both.map(|problem| problem.with_draw(keys.clone()).expect("one key a row"));
    }
    Some(both)
}

fuzz_target!(|data: &[u8]| {
    let mut input = Bytes(data);
    let work = if input.below(4) == 0 { u64::from(input.byte()) << 6 } else { 1 << 32 };
    let Some(both) = problems(&mut input) else { return };
    let solved = both.each_ref().map(|problem| solve(problem, &Limits { work }));
    for (problem, solution) in both.iter().zip(&solved) {
        match solution {
            Ok(s) => {
                let verdict = certificate::check(problem, &s.assignment, &s.certificate).expect("it holds");
                assert_eq!((verdict.objective, verdict.dual), (s.objective, s.dual));
                assert!(s.gap_ppm <= MAX_GAP_PPM && s.dual <= s.objective);
            }
            Err(SolveError::Range) => panic!("a value left its range"),
            Err(_) => {}
        }
    }
    if let [Ok(a), Ok(b)] = &solved
        && a.optimal()
        && b.optimal()
    {
        assert_eq!((a.objective, &a.published), (b.objective, &b.published));
        let sum = |s: &aula_allocation::Solution| s.certificate.draw.as_ref().map(|d| d.ticket_sum);
        assert_eq!(sum(a), sum(b));
    }
});
