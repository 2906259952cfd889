//! A few hundred seeds hold every property; a seed replays to the same trace; the named plans hold.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use aula_sim::{Plan, Report, generate, run};

/// Seeds of the gate, of 90 simulated seconds each.
const SEEDS: u64 = 160;
const SECONDS: u64 = 90;

fn named(file: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans").join(file);
    Plan::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Runs many plans on two threads, each plan by itself.
fn all(count: u64, plan: impl Fn(u64) -> Plan + Sync) -> Vec<Report> {
    let (next, reports) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return;
                    }
                    let report = run(plan(number)).expect("a plan that begins");
                    reports.lock().unwrap_or_else(PoisonError::into_inner).push(report);
                }
            });
        }
    });
    reports.into_inner().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_few_hundred_seeds_hold_every_property() {
    let nodes = |seed: u64| if seed % 6 == 5 { 7 } else { 4 };
    let reports = all(SEEDS, |seed| generate::plan(seed, nodes(seed), SECONDS));
    assert_eq!(reports.len() as u64, SEEDS);
    let bad: Vec<_> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    // A simulation in which nothing happens would hold everything.
    let heights: u64 = reports.iter().map(|report| report.heights).sum();
    assert!(heights > SEEDS * SECONDS / 3, "{heights} heights");
    let kinds = ["kill", "power-cut", "partition", "dropped", "duplicated", "flipped bits"];
    let lies = ["lie equivocate", "lie sync", "lie height"];
    for kind in kinds.into_iter().chain(lies) {
        let count: u64 = reports.iter().filter_map(|report| report.faults.get(kind)).sum();
        assert!(count > 0, "no {kind}");
    }
    assert!(reports.iter().all(|report| report.level_after_ms.is_some() && report.progress_judged));
    // It came. Whether within its bound is looked at where no message is lost, and is among the violations there.
    assert!(reports.iter().all(|report| report.first_block_ms.is_some()));
    let switched = |report: &&Report| report.faults.contains_key("switches of the protocol");
    assert!(reports.iter().filter(switched).count() > 10, "too few seeds cross a switch of the protocol");
    let all = |kind: &str| reports.iter().filter_map(|report| report.faults.get(kind)).sum::<u64>();
    let (joined, left) = (all("members let in"), all("members removed"));
    assert!(joined > 10 && left > 5, "{joined} members join and {left} leave: too few");
}

#[test]
fn a_few_hundred_scenarios_of_twins_hold_every_property() {
    let reports = all(150, generate::twins);
    let bad: Vec<_> = reports.iter().filter(|report| !report.violations.is_empty()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let seen = |kind: &str| reports.iter().filter_map(|report| report.faults.get(kind)).sum::<u64>();
    assert!(seen("equivocations seen") > 0 && seen("partition") > 150 && seen("hide-precommits") > 50);
    assert!(reports.iter().map(|report| report.heights).sum::<u64>() > 150 * 5);
    assert!(reports.iter().all(|report| report.progress_judged && report.level_after_ms.is_some()));
    // As soon as it was seen that they go on, and no later.
    let early = reports.iter().filter(|report| report.simulated_ms < 40_000).count();
    assert!(early > 100, "{early} of 150 ended before their time");
}

#[test]
fn a_run_that_is_too_short_says_that_progress_was_not_judged() {
    let plan = generate::plan(1, 4, SECONDS);
    let short = Plan { seconds: plan.healed_at + 40, ..plan.clone() };
    assert_eq!([short, plan].map(|plan| run(plan).unwrap().progress_judged), [false, true]);
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_one_another() {
    for seed in [3, 11] {
        let runs: Vec<Report> = (0..2).map(|_| run(generate::plan(seed, 4, SECONDS)).unwrap()).collect();
        assert_eq!(runs[0], runs[1]);
        assert_ne!(runs[0].trace_sha256, run(generate::plan(seed + 1, 4, SECONDS)).unwrap().trace_sha256);
    }
}

#[test]
fn every_named_plan_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans");
    let mut plans = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        plans.push(Plan::parse(&text).unwrap());
    }
    assert!(!plans.is_empty());
    for plan in plans {
        let report = run(plan.clone()).unwrap();
        assert_eq!(report.violations, Vec::<String>::new(), "{}", plan.name);
        assert!(report.progress_judged, "{}: too short", plan.name);
        let count = |what: &str| report.faults.get(what).copied().unwrap_or(0);
        if let Some(upgrade) = &plan.upgrade {
            assert_eq!(count("switches of the protocol"), 1, "{}: {report:?}", plan.name);
            assert_eq!(count("programs replaced"), upgrade.older.len() as u64, "{}", plan.name);
        }
        if let Some(membership) = &plan.membership {
            let joins = membership.changes.iter().filter(|change| change.joins).count() as u64;
            let leaves = membership.changes.len() as u64 - joins;
            assert_eq!((count("members let in"), count("members removed")), (joins, leaves), "{}", plan.name);
        }
    }
}

#[test]
fn a_member_without_its_log_precommits_nil_in_a_round_that_it_had_left() {
    let report = run(named("a-round-that-was-left.toml")).unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(report.faults.get("late precommits for nil").is_some_and(|times| *times > 0), "{report:?}");
}

#[test]
fn decided_blocks_that_are_false_are_refused_and_asked_for_again() {
    let report = run(named("answers-that-lie.toml")).unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    let count = |what: &str| report.faults.get(what).copied().unwrap_or(0);
    assert!(count("lie sync") > 0 && count("answers refused") > 0, "{report:?}");
    assert!(report.level_after_ms.is_some(), "{report:?}");
}

#[test]
fn a_height_that_nobody_has_reached_holds_nobody_up() {
    let report = run(named("heights-that-lie.toml")).unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    assert!(report.faults.get("lie height").is_some_and(|times| *times > 20), "{report:?}");
    assert!(report.level_after_ms.is_some(), "{report:?}");
}

#[test]
fn three_of_four_that_lost_their_logs_go_on_where_nothing_was_locked() {
    let report = run(named("three-logs-lost-and-nothing-locked.toml")).unwrap();
    assert_eq!(report.violations, Vec::<String>::new());
    assert_eq!(report.faults.get("damaged logs"), Some(&3), "{report:?}");
    assert!(report.level_after_ms.is_some(), "{report:?}");
}

#[test]
fn a_block_within_10_s_of_the_return_of_a_quorum_that_was_away_for_an_hour() {
    let plan = named("an-hour-without-a-quorum.toml");
    let returned = plan.faults.iter().map(|fault| fault.at_ms + fault.what.for_ms()).max();
    assert_eq!(returned, Some(plan.healed_at * 1_000));
    let report = run(plan).unwrap();
    let (first, level) = (report.first_block_ms, report.level_after_ms);
    println!("a block {first:?} ms after the return, all level {level:?} ms");
    assert!(first.is_some_and(|after| after < 10_000), "{report:?}");
    assert!(level.is_some_and(|after| after < 10_000), "{report:?}");
}

#[test]
#[cfg(not(feature = "planted"))]
fn nothing_can_be_planted_in_what_is_shipped() {
    const { assert!(!aula_consensus::planted::CAN_BE) };
}
