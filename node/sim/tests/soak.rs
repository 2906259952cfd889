//! Hours of simulation, and what came of them as text: `scripts/sim.sh`. Not part of the gate.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_sim::{Plan, Report, World, generate, run};

/// What is added up.
#[derive(Default)]
struct Sum {
    runs: u64,
    heights: u64,
    events: u64,
    node_ms: u64,
    faults: BTreeMap<String, u64>,
    violations: Vec<String>,
    first_block_ms: u64,
    slowest_ms: u64,
    twins: u64,
    judged: u64,
}

impl Sum {
    fn add(&mut self, plan: &Plan, report: &Report) {
        self.runs += 1;
        self.heights += report.heights;
        self.events += report.events;
        self.node_ms += report.simulated_ms * u64::from(report.nodes);
        for (kind, count) in &report.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        let what = report.violations.iter().map(|violation| format!("seed {}: {violation}", report.seed));
        self.violations.extend(what);
        self.first_block_ms = self.first_block_ms.max(report.first_block_ms.unwrap_or(0));
        self.slowest_ms = self.slowest_ms.max(report.level_after_ms.unwrap_or(0));
        self.judged += u64::from(report.progress_judged);
        self.twins +=
            u64::from(plan.deviants.iter().any(|one| one.ways.contains(&aula_sim::plan::Way::Twin)));
    }

    fn told(&self, seeds: (u64, u64), wall: Duration) -> String {
        let (first, next) = seeds;
        let hours = self.node_ms as f64 / 3_600_000.0;
        let speed = hours / (wall.as_secs_f64() / 3_600.0);
        let mut text = String::new();
        let _ = writeln!(
            text,
            "| seeds | {first} to {}, {} runs, {} of them with twins |",
            next - 1,
            self.runs,
            self.twins
        );
        let _ = writeln!(
            text,
            "| simulated | {hours:.1} node-hours, {} heights, {} events |",
            self.heights, self.events
        );
        let _ = writeln!(
            text,
            "| speed | {speed:.0} node-hours an hour of two cores, bar 100, aim 1,000 ({:.0} s) |",
            wall.as_secs_f64()
        );
        let _ = writeln!(
            text,
            "| after everything is healed | a block within {:.1} s of a quorum's return (bound 10 s, 2.5 s more a bad member; 45 s where messages go on being lost), all level and going on within {:.1} s (bound 45 s), in every run |",
            self.first_block_ms as f64 / 1_000.0,
            self.slowest_ms as f64 / 1_000.0
        );
        let _ = writeln!(text, "| of these, judged for progress | {} runs |", self.judged);
        let _ = writeln!(text, "| violations | {} |", self.violations.len());
        let _ = writeln!(text, "\n| fault | times |\n|---|---|");
        for (kind, count) in &self.faults {
            let _ = writeln!(text, "| {kind} | {count} |");
        }
        for violation in &self.violations {
            let _ = writeln!(text, "\n- {violation}");
        }
        text
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The plan of a seed in a soak: sizes and lengths differ.
fn plan(seed: u64) -> Plan {
    let nodes = [4, 4, 4, 7, 4, 5, 4, 10][usize::try_from(seed % 8).unwrap_or(0)];
    let seconds = [120, 120, 300, 120, 3_600, 120, 900, 120][usize::try_from(seed % 8).unwrap_or(0)];
    generate::plan(seed, nodes, seconds)
}

#[test]
#[ignore = "takes as long as it is told to"]
fn hours_of_seeds() {
    let (first, minutes) = (number("AULA_SIM_FIRST", 1_000_000), number("AULA_SIM_MINUTES", 1));
    let (next, sum) = (AtomicU64::new(first), Mutex::new(Sum::default()));
    let (began, most) = (Instant::now(), Duration::from_secs(minutes * 60));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while began.elapsed() < most {
                    let plan = plan(next.fetch_add(1, Ordering::Relaxed));
                    let report = run(plan.clone()).expect("a plan that begins");
                    sum.lock().unwrap_or_else(PoisonError::into_inner).add(&plan, &report);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let text = sum.told((first, next.into_inner()), began.elapsed());
    println!("{text}");
    if let Ok(path) = std::env::var("AULA_SIM_REPORT") {
        std::fs::write(path, &text).expect("the report's file");
    }
    assert!(sum.violations.is_empty(), "{:#?}", sum.violations);
}

/// Scenarios of twins, `AULA_SIM_COUNT` of them from `AULA_SIM_FIRST` on or as many as `AULA_SIM_MINUTES` hold.
#[test]
#[ignore = "takes as long as it is told to"]
fn scenarios_of_twins() {
    let (first, count) = (number("AULA_SIM_FIRST", 0), number("AULA_SIM_COUNT", 1_000));
    let minutes = number("AULA_SIM_MINUTES", 24 * 60);
    let (next, sum) = (AtomicU64::new(first), Mutex::new(Sum::default()));
    let (began, most) = (Instant::now(), Duration::from_secs(minutes * 60));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while began.elapsed() < most {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        return;
                    }
                    let plan = generate::twins(seed);
                    let report = run(plan.clone()).expect("a plan that begins");
                    sum.lock().unwrap_or_else(PoisonError::into_inner).add(&plan, &report);
                }
            });
        }
    });
    let sum = sum.into_inner().unwrap_or_else(PoisonError::into_inner);
    let equivocations = sum.faults.get("equivocations seen").copied().unwrap_or(0);
    let line = format!(
        "| {} scenarios from {first} on | {} heights, {:.1} node-hours | {equivocations} equivocations seen by correct members | {} violations | {} judged for progress |",
        sum.runs,
        sum.heights,
        sum.node_ms as f64 / 3_600_000.0,
        sum.violations.len(),
        sum.judged
    );
    println!("twins {line}");
    if let Ok(path) = std::env::var("AULA_SIM_REPORT") {
        std::fs::write(path, format!("{line}\n")).expect("the report's file");
    }
    assert!(sum.violations.is_empty(), "{:#?}", sum.violations);
    assert!(sum.runs == 0 || sum.heights > 0 && equivocations > 0, "scenarios in which nothing happens");
    assert_eq!(sum.judged, sum.runs, "scenarios that end before progress is judged");
}

/// Some seeds by themselves, timed: `AULA_SIM_FIRST` and `AULA_SIM_COUNT`, of `AULA_SIM_SECONDS` and `AULA_SIM_NODES`.
#[test]
#[ignore = "a tool"]
fn some_seeds() {
    let nodes = u8::try_from(number("AULA_SIM_NODES", 4)).expect("a few nodes");
    let (first, seconds) = (number("AULA_SIM_FIRST", 0), number("AULA_SIM_SECONDS", 90));
    let logs = std::env::var("RUST_LOG").is_ok();
    if logs {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        tracing_subscriber::fmt().with_env_filter(filter).without_time().with_ansi(false).init();
    }
    for seed in first..first + number("AULA_SIM_COUNT", 1) {
        let (began, plan) = (Instant::now(), generate::plan(seed, nodes, seconds));
        if logs {
            println!("{}", plan.to_toml().expect("a plan as text"));
        }
        let report = if logs { World::new(plan).map(World::run) } else { run(plan) };
        let report = report.expect("a plan that begins");
        println!(
            "{:.2} s, {} events, level after {:?} ms: {report:?}",
            began.elapsed().as_secs_f64(),
            report.events,
            report.level_after_ms
        );
    }
}
