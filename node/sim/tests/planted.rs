//! Bugs that are planted on purpose are found, each by a seed that is named here. Needs the feature `planted`:
//! `scripts/sim.sh planted`.
#![cfg(feature = "planted")]

use aula_consensus::planted::{Bug, plant};
use aula_sim::{generate, run};

/// Seeds that are looked through for each bug, but for those that `AULA_SIM_COUNT` says.
const SEEDS: u64 = 2_000;
const SECONDS: u64 = 120;

#[test]
fn every_planted_bug_is_found() {
    let seeds = std::env::var("AULA_SIM_COUNT").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    let mut missed = Vec::new();
    for (name, bug) in Bug::ALL {
        plant(Some(bug));
        let found = (0..seeds).find_map(|seed| {
            let report = run(generate::plan(seed, 4, SECONDS)).expect("a plan that begins");
            report.violations.first().cloned().map(|violation| (seed, violation))
        });
        plant(None);
        match found {
            Some((seed, violation)) => {
                println!("planted {name}: found by seed {seed}: {violation}");
                let healthy = run(generate::plan(seed, 4, SECONDS)).expect("a plan that begins");
                assert_eq!(healthy.violations, Vec::<String>::new(), "seed {seed} without the bug");
            }
            None => missed.push(name),
        }
    }
    assert!(missed.is_empty(), "not found in {seeds} seeds: {missed:?}");
}
