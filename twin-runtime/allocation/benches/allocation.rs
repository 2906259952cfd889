//! Solving and checking rounds. With AULA_SRAP_DIR set, every `.srap` file of that directory is measured (the
//! peers' script reads the same files); without it, a small built-in round, so that the benchmark always runs.

#![allow(missing_docs)]
// A benchmark reads files and the environment; the crate itself must not.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use aula_allocation::draw::DrawKey;
use aula_allocation::problem::{Pool, Problem};
use aula_allocation::{Limits, certificate, solve, srap};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::path::PathBuf;

/// 2,000 students, 60 pools with 5% slack, costs 1..=10,000.
fn built_in() -> Problem {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as i32
    };
    let pools = vec![Pool { capacity: 35, floor: 0 }; 60];
    let costs = (0..2_000 * 60).map(|_| 1 + next() % 10_000).collect();
    let keys = (0..2_000).map(|row| DrawKey::of_row(&[0; 32], row)).collect();
    Problem::dense(pools, costs).and_then(|p| p.with_draw(keys)).expect("the built-in round is valid")
}

fn rounds() -> Vec<(String, Problem)> {
    let Ok(directory) = std::env::var("AULA_SRAP_DIR") else {
        return vec![("built_in_2000_60".to_owned(), built_in())];
    };
    let listed = std::fs::read_dir(directory).expect("AULA_SRAP_DIR is a directory");
    let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "srap"));
    files.sort();
    let read = |path: PathBuf| {
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = std::fs::read(&path).expect("the file can be read");
        (name, srap::parse(&bytes).expect("the file is an instance"))
    };
    files.into_iter().map(read).collect()
}

fn allocation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("allocation");
    group.sample_size(10);
    for (name, problem) in rounds() {
        let limits = Limits { work: u64::MAX };
        let solution = solve(&problem, &limits).expect("the instance is feasible");
        group.bench_function(format!("solve/{name}"), |b| b.iter(|| black_box(solve(&problem, &limits))));
        group.bench_function(format!("check/{name}"), |b| {
            b.iter(|| certificate::check(&problem, &solution.assignment, &solution.certificate));
        });
    }
    group.finish();
}

criterion_group!(benches, allocation);
criterion_main!(benches);
