//! Bugs that are planted on purpose are found, each by a named plan, a scenario of twins or a seed, which is printed. Needs the
//! feature `planted`: `scripts/sim.sh planted`.
#![cfg(feature = "planted")]

use std::path::Path;

use aula_consensus::planted::{Bug, plant};
use aula_sim::{Plan, generate, run};

/// Seeds that are looked through for each bug, but for those that `AULA_SIM_COUNT` says; from `AULA_SIM_FIRST` on.
const SEEDS: u64 = 2_000;
const SECONDS: u64 = 120;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn named(file: &str) -> Plan {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plans").join(file);
    Plan::parse(&std::fs::read_to_string(path).expect("a plan's file")).expect("a plan")
}

/// Where a bug is looked for: the plan that somebody made for it, then scenarios of twins and seeds in turn.
fn places(bug: Bug, seeds: std::ops::Range<u64>) -> impl Iterator<Item = (String, Plan)> {
    let made = match bug {
        Bug::NoGuard => Some("a-log-and-a-chain-lost-in-mid-height.toml"),
        Bug::WrongProposer => Some("in-anothers-name.toml"),
        Bug::LatePrecommit => Some("a-round-that-was-left.toml"),
        Bug::NoFsync | Bug::ForgetLock => None,
    };
    let made = made.into_iter().map(|file| (format!("plan {file}"), named(file)));
    made.chain(seeds.flat_map(|seed| {
        [
            (format!("twins {seed}"), generate::twins(seed)),
            (format!("seed {seed}"), generate::plan(seed, 4, SECONDS)),
        ]
    }))
}

#[test]
fn every_planted_bug_is_found() {
    let first = number("AULA_SIM_FIRST", 0);
    let seeds = first..first + number("AULA_SIM_COUNT", SEEDS);
    let only = std::env::var("AULA_SIM_BUG").ok();
    let mut missed = Vec::new();
    for (name, bug) in Bug::ALL.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
    {
        plant(Some(bug));
        let found = places(bug, seeds.clone()).find_map(|(place, plan)| {
            let report = run(plan.clone()).expect("a plan that begins");
            report.violations.first().cloned().map(|violation| (place, plan, violation))
        });
        plant(None);
        match found {
            Some((place, plan, violation)) => {
                println!("planted {name}: found by {place}: {violation}");
                let healthy = run(plan).expect("a plan that begins");
                assert_eq!(healthy.violations, Vec::<String>::new(), "{place} without the bug");
            }
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found in {seeds:?}: {missed:?}");
}
