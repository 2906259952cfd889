//! Bugs that are planted on purpose are found, each by a named plan, a scenario of twins or a seed. Needs the feature `planted`. The
//! gate plants each bug where PLANTED.md says that it was found; `scripts/sim.sh planted` looks for all of them anew, and lists them.
#![cfg(feature = "planted")]

use std::path::Path;

use aula_consensus::planted::{Bug, plant};
use aula_sim::{Plan, Report, generate, run};

/// Seeds that are looked through for each bug, but for those that `AULA_SIM_COUNT` says; from `AULA_SIM_FIRST` on.
const SEEDS: u64 = 2_000;
const SECONDS: u64 = 120;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn text(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a file")
}

/// Where a bug is looked for: the plan that somebody made for it, then scenarios of twins and seeds in turn.
fn places(bug: Bug, seeds: std::ops::Range<u64>) -> impl Iterator<Item = String> {
    let made = match bug {
        Bug::NoGuard => Some("a-log-and-a-chain-lost-in-mid-height.toml"),
        Bug::WrongProposer => Some("in-anothers-name.toml"),
        Bug::LatePrecommit => Some("a-round-that-was-left.toml"),
        Bug::NoFsync | Bug::ForgetLock => None,
    };
    let made = made.into_iter().map(|file| format!("plan {file}"));
    made.chain(seeds.flat_map(|seed| [format!("twins {seed}"), format!("seed {seed}")]))
}

/// The plan of a place.
fn plan(place: &str) -> Plan {
    let (kind, name) = place.split_once(' ').expect("a kind of place and its name");
    let seed = || name.parse::<u64>().expect("a seed");
    match kind {
        "plan" => Plan::parse(&text(&format!("plans/{name}"))).expect("a plan"),
        "twins" => generate::twins(seed()),
        "seed" => generate::plan(seed(), 4, SECONDS),
        other => panic!("{other} is not a kind of place"),
    }
}

/// What a place gives with a bug in everything that this process does.
fn with(bug: Bug, place: &str) -> Report {
    plant(Some(bug));
    let report = run(plan(place)).expect("a plan that begins");
    plant(None);
    report
}

fn assert_holds_without(place: &str) {
    let healthy = run(plan(place)).expect("a plan that begins");
    assert_eq!(healthy.violations, Vec::<String>::new(), "{place} without a bug");
}

#[test]
fn every_planted_bug_is_found_where_it_is_listed() {
    let list = text("PLANTED.md");
    let rows: Vec<Vec<&str>> = list.lines().map(|row| row.split('|').map(str::trim).collect()).collect();
    for (name, bug) in Bug::ALL {
        let row = rows.iter().find(|row| row.get(1) == Some(&name));
        let place = row.and_then(|row| row.get(2)).unwrap_or_else(|| panic!("{name} is not listed"));
        let found = with(bug, place).violations;
        assert!(!found.is_empty(), "{name} is not found by {place} any more: ./scripts/sim.sh planted");
        println!("{name}: {}", found[0]);
        assert_holds_without(place);
    }
}

#[test]
#[ignore = "looks for places; it plants in the whole process, so nothing may run beside it"]
fn every_planted_bug_is_found() {
    let first = number("AULA_SIM_FIRST", 0);
    let seeds = first..first + number("AULA_SIM_COUNT", SEEDS);
    let only = std::env::var("AULA_SIM_BUG").ok();
    let mut missed = Vec::new();
    for (name, bug) in Bug::ALL.into_iter().filter(|(name, _)| only.as_ref().is_none_or(|only| only == name))
    {
        let found = places(bug, seeds.clone()).find_map(|place| {
            let violation = with(bug, &place).violations.first().cloned();
            violation.map(|violation| (place, violation))
        });
        match found {
            Some((place, violation)) => {
                println!("planted {name}: found by {place}: {violation}");
                assert_holds_without(&place);
            }
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found in {seeds:?}: {missed:?}");
}
