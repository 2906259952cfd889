//! The plan of a seed.
//!
//! One seed of eight has members who join and leave (`joining`), one a switch of the protocol.
//!
//! At most a third of the members (f of 3f + 1) are bad at all: deviants, or owners of disks that damage what was promised
//! to be safe. Everything else may befall anybody, everybody at once included.

use crate::chance::Chance;
use crate::network::REGIONS;
use crate::plan::{Deviant, Fault, MOST_NODES, MOST_SECONDS, Plan, Target, Upgrade, Way, What};

mod joining;

/// The last seconds of a run, in which nothing is broken, at least and at most.
const QUIET: (u64, u64) = (60, 120);

/// The plan of a seed for this many members at the beginning and seconds.
pub fn plan(seed: u64, nodes: u8, seconds: u64) -> Plan {
    let mut chance = Chance::of(seed, "plan");
    let nodes = nodes.clamp(1, MOST_NODES);
    let seconds = seconds.clamp(QUIET.0 + 30, MOST_SECONDS);
    let healed_at = seconds - (seconds / 3).clamp(QUIET.0, QUIET.1);
    let spread = if chance.below(3) == 0 { REGIONS.len() as u64 } else { chance.between(1, 3) };
    let regions = (0..nodes).map(|_| usize::try_from(chance.below(spread)).unwrap_or(0)).collect();
    let bad = bad_members(nodes, &mut chance);
    let (deviants, damaged) = split(&bad, &mut chance);
    let mut plan = Plan {
        name: format!("seed {seed}"),
        seed,
        nodes,
        seconds,
        healed_at,
        ends_level: false,
        regions,
        loss_e4: [0, 0, 20, 100, 300][usize::try_from(chance.below(5)).unwrap_or(0)],
        duplicate_e4: [0, 50, 300][usize::try_from(chance.below(3)).unwrap_or(0)],
        jitter_ms: [0, 2, 20, 150][usize::try_from(chance.below(4)).unwrap_or(0)],
        transaction_every_ms: [0, 300, 1_500, 5_000][usize::try_from(chance.below(4)).unwrap_or(0)],
        upgrade: upgrade(seed, nodes, healed_at),
        membership: None,
        charges: None,
        deviants,
        faults: Vec::new(),
    };
    lie_about_the_decided(&mut plan);
    let end = healed_at * 1_000;
    let every = chance.between(4_000, 20_000);
    let mut at_ms = 3_000 + chance.below(every);
    while at_ms + 2_000 < end {
        let most = (end - at_ms).min(chance.between(1_000, 25_000)).max(1);
        for (after_ms, what) in faults(&plan, &damaged, most, &mut chance) {
            if at_ms + after_ms + what.for_ms() <= end {
                plan.faults.push(Fault { at_ms: at_ms + after_ms, what });
            }
        }
        at_ms += 1_000 + chance.below(2 * every);
    }
    if seed % 8 == 3 {
        joining::add(&mut plan);
    }
    plan
}

/// One seed of eight begins with the first protocol, and its members vote for the next one while things break; one of them
/// runs the older program.
fn upgrade(seed: u64, nodes: u8, healed_at: u64) -> Option<Upgrade> {
    let older = u8::try_from(seed / 8 % u64::from(nodes)).unwrap_or(0);
    (seed % 8 == 7).then(|| Upgrade { at_ms: healed_at * 1_000 / 4, blocks: 12, older: vec![older] })
}

/// Seconds of a scenario of twins, and how long of it the members are dealt into groups. It ends once all have gone on after that, which
/// takes a few seconds; there is time until the bound for it.
const TWINS_SECONDS: (u64, u64) = (66, 20);

/// A scenario in the manner of Bano et al., "Twins: BFT Systems Made Robust" (OPODIS 2021): one member of four runs twice
/// under one key, and all are dealt into groups again and again, for about a round each, at times with precommits that reach
/// one member only. What must hold is safety, and that they go on
/// afterwards.
pub fn twins(seed: u64) -> Plan {
    let mut chance = Chance::of(seed, "twins");
    let nodes = 4u8;
    let twin = u8::try_from(chance.below(u64::from(nodes))).unwrap_or(0);
    let (seconds, healed_at) = TWINS_SECONDS;
    let mut faults = Vec::new();
    let mut at_ms = 1_500 + chance.below(1_000);
    loop {
        let for_ms = chance.between(200, 3_500);
        if at_ms + for_ms > healed_at * 1_000 {
            break;
        }
        let what = match chance.below(4) {
            0 => {
                let except = u8::try_from(chance.below(u64::from(nodes))).unwrap_or(0);
                What::HidePrecommits { except, for_ms }
            }
            1 => {
                let from = u8::try_from(chance.below(u64::from(nodes))).unwrap_or(0);
                What::OneWay { from, to: (from + 1) % nodes, for_ms }
            }
            _ => What::Partition { groups: groups(nodes, &mut chance), for_ms },
        };
        faults.push(Fault { at_ms, what });
        // Now one after another, now two at once.
        at_ms += if chance.below(3) == 0 { for_ms / 2 } else { for_ms + chance.below(400) };
    }
    Plan {
        name: format!("twins {seed}"),
        seed,
        nodes,
        seconds,
        healed_at,
        ends_level: true,
        regions: vec![0; usize::from(nodes)],
        loss_e4: 0,
        duplicate_e4: 0,
        jitter_ms: [0, 5, 100][usize::try_from(chance.below(3)).unwrap_or(0)],
        transaction_every_ms: 0,
        upgrade: None,
        membership: None,
        charges: None,
        deviants: vec![Deviant { member: twin, ways: vec![Way::Twin] }],
        faults,
    }
}

fn bad_members(nodes: u8, chance: &mut Chance) -> Vec<u8> {
    let most = u64::from(nodes.saturating_sub(1) / 3);
    let mut members: Vec<u8> = (0..nodes).collect();
    let count = chance.between(0, most);
    (0..count)
        .filter_map(|_| {
            let at = usize::try_from(chance.below(members.len() as u64)).ok()?;
            Some(members.remove(at))
        })
        .collect()
}

/// Which of the bad are deviants, and whose disks damage.
fn split(bad: &[u8], chance: &mut Chance) -> (Vec<Deviant>, Vec<u8>) {
    let (mut deviants, mut damaged) = (Vec::new(), Vec::new());
    for member in bad {
        match chance.below(3) {
            0 => damaged.push(*member),
            1 => deviants.push(Deviant { member: *member, ways: vec![Way::Twin] }),
            _ => {
                let mut ways: Vec<Way> = Way::LIES.into_iter().filter(|_| chance.below(3) == 0).collect();
                if ways.is_empty() {
                    ways.extend(chance.one(&Way::LIES).copied());
                }
                deviants.push(Deviant { member: *member, ways });
            }
        }
    }
    (deviants, damaged)
}

/// Some deviants lie about what is decided, too. Drawn apart, so that the other plans are what they were.
fn lie_about_the_decided(plan: &mut Plan) {
    let mut chance = Chance::of(plan.seed, "lies about the decided");
    for deviant in plan.deviants.iter_mut().filter(|one| !one.ways.contains(&Way::Twin)) {
        deviant.ways.extend(Way::OF_SYNC.into_iter().filter(|_| chance.below(2) == 0));
    }
}

/// One thing that happens, or a few that belong together, each so many milliseconds after the first.
fn faults(plan: &Plan, damaged: &[u8], for_ms: u64, chance: &mut Chance) -> Vec<(u64, What)> {
    let member = u8::try_from(chance.below(u64::from(plan.nodes))).unwrap_or(0);
    let once = |what: What| vec![(0, what)];
    match chance.below(14) {
        0 | 1 => once(What::Kill { member, for_ms }),
        2 => once(What::PowerCut { members: some(plan.nodes, chance), for_ms: for_ms.min(10_000) }),
        3 | 4 => once(What::Partition { groups: groups(plan.nodes, chance), for_ms }),
        5 => {
            let nodes = u64::from(plan.nodes);
            let to = u8::try_from((u64::from(member) + 1 + chance.below(nodes)) % nodes).unwrap_or(0);
            once(What::OneWay { from: member, to, for_ms })
        }
        6 => hidden_decision(plan.nodes, member, for_ms, chance),
        7 => once(What::Loss { loss_e4: u32::try_from(chance.between(500, 4_000)).unwrap_or(0), for_ms }),
        8 => once(What::Slow { by_ms: chance.between(50, 1_500), for_ms }),
        9 => once(What::DiskFull { member, for_ms }),
        10 => once(What::DiskSlow { member, sync_ms: chance.between(5, 400), for_ms }),
        11 => {
            let by = i64::try_from(chance.between(100, 7_200_000)).unwrap_or(0);
            once(What::Clock { member, by_ms: if chance.below(2) == 0 { by } else { -by }, for_ms })
        }
        _ => match chance.one(damaged).copied() {
            None => once(What::Kill { member, for_ms: for_ms.min(3_000) }),
            Some(member) => {
                let file = [Target::Log, Target::Guard, Target::Chain]
                    [usize::try_from(chance.below(3)).unwrap_or(0)];
                once(match chance.below(3) {
                    0 => What::DiskLies { member, for_ms },
                    1 => What::BitFlip { member, file },
                    _ => What::FileLost { member, file },
                })
            }
        },
    }
}

/// One member alone learns of a decision and is cut off, and the others lose their processes: what is locked must hold.
fn hidden_decision(nodes: u8, except: u8, for_ms: u64, chance: &mut Chance) -> Vec<(u64, What)> {
    let others: Vec<u8> = (0..nodes).filter(|member| *member != except).collect();
    let hides = 1_500 + chance.below(3_000);
    let apart = What::Partition { groups: vec![others.clone(), vec![except]], for_ms };
    let mut all = vec![(0, What::HidePrecommits { except, for_ms: hides }), (hides, apart)];
    for member in others {
        if chance.below(3) > 0 {
            let down = What::PowerCut { members: vec![member], for_ms: 200 + chance.below(1_500) };
            all.push((hides.saturating_sub(500) + chance.below(800), down));
        }
    }
    all
}

fn some(nodes: u8, chance: &mut Chance) -> Vec<u8> {
    if chance.below(3) == 0 {
        return (0..nodes).collect();
    }
    let some: Vec<u8> = (0..nodes).filter(|_| chance.below(2) == 0).collect();
    if some.is_empty() { vec![0] } else { some }
}

fn groups(nodes: u8, chance: &mut Chance) -> Vec<Vec<u8>> {
    let count = chance.between(2, 3);
    let mut groups = vec![Vec::new(); usize::try_from(count).unwrap_or(2)];
    for member in 0..nodes {
        let at = usize::try_from(chance.below(count)).unwrap_or(0);
        groups[at].push(member);
    }
    groups.retain(|group| !group.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_gives_a_plan_that_can_be_run_and_read_again() {
        for seed in 0..300 {
            for (nodes, seconds) in [(1, 90), (4, 120), (7, 3_600), (200, 90)] {
                let plan = plan(seed, nodes, seconds);
                plan.check().unwrap();
                assert_eq!(Plan::parse(&plan.to_toml().unwrap()).unwrap(), plan);
            }
        }
    }

    #[test]
    fn every_scenario_of_twins_can_be_run_and_deals_them_into_groups() {
        for seed in 0..300 {
            let plan = twins(seed);
            plan.check().unwrap();
            assert!(plan.faults.len() >= 4, "seed {seed}: {} faults", plan.faults.len());
        }
    }

    #[test]
    fn no_more_than_a_third_is_bad() {
        for seed in 0..300 {
            let plan = plan(seed, 7, 600);
            let damaged = plan.faults.iter().filter(|fault| fault.what.damages());
            let mut bad: Vec<u8> = damaged
                .filter_map(|fault| match fault.what {
                    What::DiskLies { member, .. }
                    | What::BitFlip { member, .. }
                    | What::FileLost { member, .. } => Some(member),
                    _ => None,
                })
                .chain(plan.deviants.iter().map(|deviant| deviant.member))
                .collect();
            bad.sort_unstable();
            bad.dedup();
            assert!(bad.len() <= 2, "seed {seed}: {bad:?}");
        }
    }
}
