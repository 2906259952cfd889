//! Members who join and leave a seed's consortium, in the first half of the time in which things break.
//!
//! What was planned for the founders stays as it is; a newcomer is dealt into the groups of its partitions. No set has fewer than
//! four members, or a third of them bad.

use std::collections::BTreeSet;

use crate::chance::Chance;
use crate::network::REGIONS;
use crate::plan::{Fault, MOST_NODES, Membership, Plan, SetChange, What, may_decide};

/// Changes of a run at most.
const CHANGES: u64 = 4;

/// Adds a newcomer or two, and who leaves, where the consortium is large enough for it and no larger than may be.
pub(super) fn add(plan: &mut Plan) {
    let mut chance = Chance::of(plan.seed, "membership");
    let founders = plan.nodes;
    let newcomers = if chance.below(2) == 0 { 1 } else { 2 };
    if founders < 4 || founders.saturating_add(newcomers) > MOST_NODES {
        return;
    }
    plan.nodes = founders + newcomers;
    for member in founders..plan.nodes {
        let region = usize::try_from(chance.below(REGIONS.len() as u64)).unwrap_or(0);
        plan.regions.push(region);
        deal(member, &mut plan.faults, &mut chance);
        plan.faults.extend(down(member, plan.healed_at * 1_000, &mut chance));
    }
    let changes = changes(plan, founders, &mut chance);
    plan.membership = Some(Membership { founders, changes });
}

/// A newcomer is in a group of every partition.
fn deal(member: u8, faults: &mut [Fault], chance: &mut Chance) {
    for fault in faults {
        if let What::Partition { groups, .. } = &mut fault.what {
            let at = usize::try_from(chance.below(groups.len() as u64)).unwrap_or(0);
            if let Some(group) = groups.get_mut(at) {
                group.push(member);
            }
        }
    }
}

/// A newcomer's process ends once, or its power is cut, about when it is let in.
fn down(member: u8, end_ms: u64, chance: &mut Chance) -> Option<Fault> {
    let (at_ms, for_ms) = (chance.between(2_000, end_ms * 2 / 3), chance.between(500, 6_000));
    let what = match chance.below(3) {
        0 => return None,
        1 => What::Kill { member, for_ms },
        _ => What::PowerCut { members: vec![member], for_ms },
    };
    (at_ms + for_ms <= end_ms).then_some(Fault { at_ms, what })
}

fn changes(plan: &Plan, founders: u8, chance: &mut Chance) -> Vec<SetChange> {
    let bad = plan.bad_members();
    let (mut set, mut next): (BTreeSet<u8>, u8) = ((0..founders).collect(), founders);
    let half_ms = plan.healed_at * 1_000 / 2;
    let mut changes = Vec::new();
    for nth in 1..=CHANGES {
        let at_ms = half_ms * nth / (CHANGES + 1) + chance.below(half_ms / (CHANGES + 1));
        let leaves = |member: &u8| {
            let mut without = set.clone();
            without.remove(member) && may_decide(&without, &bad)
        };
        let leaving: Vec<u8> = set.iter().copied().filter(leaves).collect();
        let joins = next < plan.nodes && (leaving.is_empty() || chance.below(2) == 0);
        let member = if joins { Some(next) } else { chance.one(&leaving).copied() };
        let Some(member) = member else { break };
        if joins {
            set.insert(member);
            next += 1;
        } else {
            set.remove(&member);
        }
        changes.push(SetChange { at_ms, member, joins });
    }
    // Who was not let in by then is at the end.
    let last_ms = changes.last().map_or(half_ms, |change: &SetChange| change.at_ms);
    changes.extend((next..plan.nodes).map(|member| SetChange { at_ms: last_ms, member, joins: true }));
    changes
}

#[cfg(test)]
mod tests {
    use crate::generate::plan;

    #[test]
    fn one_seed_of_eight_has_members_who_join_and_some_have_members_who_leave() {
        let (mut joined, mut left) = (0, 0);
        for seed in 0..400 {
            let plan = plan(seed, if seed % 3 == 0 { 7 } else { 4 }, 120);
            plan.check().unwrap();
            let Some(membership) = &plan.membership else { continue };
            assert_eq!(seed % 8, 3);
            assert!(plan.nodes > membership.founders && membership.changes.iter().any(|change| change.joins));
            joined += 1;
            left += u32::from(membership.changes.iter().any(|change| !change.joins));
        }
        assert!(joined == 50 && left > 10, "{joined} {left}");
        assert_eq!(plan(3, 2, 120).membership, None, "too few to leave any");
    }
}
