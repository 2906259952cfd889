//! What a round costs at its work bound: hostile families as large as a round may be, each stopped by the bound or
//! solved, with the processor time and the work it took. `cargo bench --bench work_bound -- [WORK]` prints one line an instance.
//!
//! With AULA_SRAP_OUT=FAMILY:N:K:SEED:FILE it writes that instance for the peers instead.

#![allow(missing_docs)]
// A benchmark reads the clock, the environment and files; the crate itself must not.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::float_arithmetic)]

use aula_allocation::draw::DrawKey;
use aula_allocation::problem::{Entry, Pool, Problem, School, SchoolLayer};
use aula_allocation::{Limits, certificate, solve};

mod families;

use families::{FAMILIES, Raw, make};

/// Rows of a round as the ledger makes them: lists.
fn lists(raw: &Raw) -> Problem {
    let mut row_start = vec![0u32];
    let mut entries = Vec::new();
    for row in &raw.rows {
        entries.extend(row.iter().map(|&(pool, cost)| Entry { pool, cost }));
        row_start.push(entries.len() as u32);
    }
    with_draw(Problem::lists(pools(raw), row_start, entries).expect("a valid family"))
}

fn matrix(raw: &Raw) -> Problem {
    let mut costs = vec![-1; raw.rows.len() * raw.pools.len()];
    for (line, row) in costs.chunks_exact_mut(raw.pools.len()).zip(&raw.rows) {
        row.iter().for_each(|&(pool, cost)| line[pool as usize] = cost);
    }
    with_draw(Problem::dense(pools(raw), costs).expect("a valid family"))
}

fn pools(raw: &Raw) -> Vec<Pool> {
    raw.pools.iter().map(|&(capacity, floor)| Pool { capacity, floor }).collect()
}

fn with_draw(problem: Problem) -> Problem {
    let keys = (0..problem.students() as u64).map(|row| DrawKey::of_row(&[0; 32], row)).collect();
    problem.with_draw(keys).expect("one key a row")
}

/// A round with a waitlist, schools and few eligible pools a student, as large as `pairs` allows.
fn shared(n: u32, k: u32, width: u32) -> Problem {
    let mut raw = Raw { pools: vec![(n / k / 2 + 1, 0); k as usize], rows: Vec::new() };
    raw.pools.push((n, 0));
    for s in 0..n {
        let first = s.wrapping_mul(2_654_435_761) % (k - width);
        let cost = |p: u32| 1 + (s ^ p).wrapping_mul(0x9E37_79B9) as i32 % 5_000;
        let mut row: Vec<(u32, i32)> = (first..first + width).map(|p| (p, cost(p).abs() + 1)).collect();
        row.push((k, 20_000));
        raw.rows.push(row);
    }
    let schools = vec![School { min_placed: 0, share: n / 400, penalty: 900 }; 80];
    let layer = SchoolLayer { school_of: (0..n).map(|s| s % 80).collect(), schools };
    lists(&raw).with_schools(layer).expect("a valid layer")
}

/// Milliseconds this thread has run, from the kernel's accounting: a busy machine does not spoil them.
fn cpu_ms() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0) as f64 / 1e6
}

fn measure(name: &str, problem: &Problem, work: u64) {
    let started = cpu_ms();
    let solved = solve(problem, &Limits { work });
    let ms = cpu_ms() - started;
    let (used, end) = match &solved {
        Ok(s) => {
            certificate::check(problem, &s.assignment, &s.certificate).expect("the certificate holds");
            (s.work, format!("gap {} ppm", s.gap_ppm))
        }
        Err(error) => (work, error.to_string()),
    };
    let size = format!("{}x{}", problem.students(), problem.pools().len());
    let each = ms * 1e6 / used.max(1) as f64;
    println!(
        "{name:<18} {size:>12} {:>11} pairs {used:>12} work {ms:>9.1} ms {each:>6.2} ns/work  {end}",
        problem.pairs()
    );
}

fn main() {
    if let Ok(what) = std::env::var("AULA_SRAP_OUT") {
        let parts: Vec<&str> = what.split(':').collect();
        let number = |at: usize| parts[at].parse::<u64>().expect("FAMILY:N:K:SEED:FILE");
        let raw = make(parts[0], number(1) as u32, number(2) as u32, number(3)).expect("a family");
        std::fs::write(parts[4], srap(&raw)).expect("the file can be written");
        return;
    }
    let arguments: Vec<String> = std::env::args().filter(|a| !a.starts_with("--")).skip(1).collect();
    let work = arguments.first().and_then(|w| w.parse().ok()).unwrap_or(Limits::default().work);
    let only = arguments.get(1);
    for family in FAMILIES {
        if only.is_some_and(|name| name != family) {
            continue;
        }
        for (n, k) in [(15_000, 400), (15_000, 1_600), (100_000, 400)] {
            let raw = make(family, n, k, 1).expect("a family");
            measure(family, &lists(&raw), work);
            if k == 400 && n == 15_000 {
                measure(&format!("{family} matrix"), &matrix(&raw), work);
            }
        }
    }
    if only.is_none_or(|name| name == "shared") {
        measure("shared", &shared(100_000, 1_000, 60), work);
        measure("shared", &shared(100_000, 1_900, 400), work);
    }
}

/// The file format of the tools that measure the peers.
fn srap(raw: &Raw) -> Vec<u8> {
    let (n, k) = (raw.rows.len(), raw.pools.len());
    let mut bytes = b"SRAP0001".to_vec();
    bytes.extend((n as u32).to_le_bytes());
    bytes.extend((k as u32).to_le_bytes());
    raw.pools.iter().for_each(|p| bytes.extend(p.0.to_le_bytes()));
    raw.pools.iter().for_each(|p| bytes.extend(p.1.to_le_bytes()));
    for row in &raw.rows {
        let mut line = vec![-1i32; k];
        row.iter().for_each(|&(pool, cost)| line[pool as usize] = cost);
        line.iter().for_each(|cost| bytes.extend(cost.to_le_bytes()));
    }
    bytes
}
