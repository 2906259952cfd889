use super::chance::{Chance, mix};
use super::*;

fn graph(n: u16, edges: &[(u16, u16)]) -> SkillGraph {
    let name = |k: u16| format!("k{k}");
    let edges: Vec<_> = edges.iter().map(|(a, b)| (name(*a), name(*b))).collect();
    SkillGraph::new((0..n).map(name).collect(), &edges).unwrap()
}

/// A random graph, edges upwards only, and a random learner.
fn random(n: u16, seed: u64) -> (SkillGraph, Vec<Option<Proportion>>) {
    let mut chance = Chance(mix(seed));
    let mut edges = Vec::new();
    for to in 1..n {
        for from in 0..to {
            if chance.e4() < 2_000 {
                edges.push((from, to));
            }
        }
    }
    let mastery = (0..n).map(|_| (chance.e4() < 8_000).then(|| Proportion::clamped(chance.e4()))).collect();
    (graph(n, &edges), mastery)
}

/// Exact dynamic programming: the best expected gain over all policies, e4 times 10,000 for each block.
fn exact(game: &Game, learner: &Learner, blocks: u32) -> i128 {
    if blocks == 0 {
        return 0;
    }
    actions(learner).into_iter().map(|skill| exact_of(game, learner, skill, blocks)).max().unwrap_or(0)
}

fn exact_of(game: &Game, learner: &Learner, skill: u16, blocks: u32) -> i128 {
    let p = i128::from(learner.right_e4(game, skill));
    let response = |right: bool, chance: i128| {
        let mut next = learner.clone();
        let gain = next.practise(game, skill, right) - i64::from(game.params.block_cost_e4);
        chance * (i128::from(gain) * 10_000_i128.pow(blocks - 1) + exact(game, &next, blocks - 1))
    };
    response(true, p) + response(false, 10_000 - p)
}

fn actions(learner: &Learner) -> Vec<u16> {
    let (mut list, mut bound) = (Vec::new(), i64::MAX);
    while let Some((key, skill)) = learner.best_below(bound) {
        list.push(skill);
        bound = key;
    }
    list
}

#[test]
fn the_first_action_equals_exact_dynamic_programming() {
    for (n, seed) in [(3, 1), (5, 2), (8, 3), (10, 4), (12, 5), (12, 6), (12, 7), (12, 8)] {
        let (graph, mastery) = random(n, seed);
        let params = PlanParams { blocks: 4, right_gain: 300, wrong_gain: 150, ..PlanParams::reference() };
        let plan = Plan::new(&graph, &mastery, params).unwrap();
        let tree = plan.search(40_000, seed).unwrap();
        let Some(first) = tree.alternatives().first().copied() else { continue };
        assert!(tree.is_exact());
        let best = exact(&plan.game, &plan.start, 4);
        let chosen = exact_of(&plan.game, &plan.start, first.skill, 4);
        // A value rounds to a millionth of e4 in each block: nothing else may part the two.
        assert!(best - chosen <= 10_000_i128.pow(4) / 100_000, "seed {seed}: {chosen} of {best}");
        assert!(best / 10_000_i128.pow(4) - i128::from(first.gain_e4) <= 1, "seed {seed}: {first:?}");
    }
}

#[test]
fn the_search_alone_comes_close_to_exact_dynamic_programming() {
    for (n, seed) in [(5, 2), (8, 3), (10, 4), (12, 5), (12, 6), (12, 7), (12, 8)] {
        let (graph, mastery) = random(n, seed);
        let params = PlanParams { blocks: 4, right_gain: 300, wrong_gain: 150, ..PlanParams::reference() };
        let plan = Plan::new(&graph, &mastery, params).unwrap();
        let mut tree = plan.search(40_000, seed).unwrap();
        tree.exact = None;
        let Some(first) = tree.alternatives().first().copied() else { continue };
        let best = exact(&plan.game, &plan.start, 4);
        let chosen = exact_of(&plan.game, &plan.start, first.skill, 4);
        assert!(chosen * 500 >= best * 499, "seed {seed}: {chosen} of {best}");
    }
}

#[test]
fn the_rules_of_exact_planning_are_those_of_the_learner() {
    for seed in 1..12 {
        let (graph, mastery) = random(6, seed);
        let params = PlanParams { blocks: 6, ..PlanParams::reference() };
        let plan = Plan::new(&graph, &mastery, params).unwrap();
        let Some(solved) = exact::Exact::solve(&plan.game, &plan.start, 40_000) else { continue };
        let (mut learner, mut chance, mut stand) =
            (plan.start.clone(), Chance(seed), solved.start().unwrap());
        for _ in 0..6 {
            let chosen = solved.choose(&stand);
            let open = actions(&learner);
            assert_eq!(chosen.is_none(), open.is_empty(), "seed {seed}");
            let Some(skill) = chosen else { break };
            assert!(open.contains(&skill));
            let right = chance.e4() < 5_000;
            learner.practise(&plan.game, skill, right);
            stand = solved.after(&plan.game, &stand, skill, right);
        }
    }
}

#[test]
fn ten_hours_over_three_skills_are_known_exactly_and_no_policy_gains_more() {
    let graph = graph(3, &[(0, 1)]);
    for seed in 1..6_u64 {
        let start = |k: u64| Some(Proportion::clamped(4_000 + ((seed * 7 + k * 3) % 9 * 500) as i64));
        let plan = Plan::new(&graph, &[start(0), start(1), start(2)], PlanParams::reference()).unwrap();
        let mut tree = plan.search(10_000, seed).unwrap();
        assert!(tree.is_exact(), "seed {seed}");
        let (known, value) = (plan.expected_gain_e4(&tree, 500, 1), tree.alternatives()[0].gain_e4);
        // The value counts what blocks cost, at most one e4 for each of 60.
        assert!((known - value - 30).abs() < 300, "seed {seed}: walked {known}, valued {value}");
        tree.exact = None;
        let searched = plan.expected_gain_e4(&tree, 500, 1);
        assert!(known * 100 >= searched * 99, "seed {seed}: {known} against {searched}");
    }
}

#[test]
fn too_many_states_or_skills_are_left_to_the_search() {
    let (graph, mastery) = random(12, 5);
    let plan = Plan::new(&graph, &mastery, PlanParams::reference()).unwrap();
    assert!(!plan.search(100, 1).unwrap().is_exact());
    let (graph, mastery) = random(60, 5);
    let params = PlanParams { blocks: 1, ..PlanParams::reference() };
    assert!(!Plan::new(&graph, &mastery, params).unwrap().search(100, 1).unwrap().is_exact());
}

#[test]
fn one_seed_one_tree_and_visits_sum_to_the_trajectories() {
    let (graph, mastery) = random(60, 9);
    let plan = Plan::new(&graph, &mastery, PlanParams::reference()).unwrap();
    let (one, two) = (plan.search(3_000, 5).unwrap(), plan.search(3_000, 5).unwrap());
    assert_eq!(one.digest(), two.digest());
    assert_ne!(one.digest(), plan.search(3_000, 6).unwrap().digest());
    assert_eq!(one.alternatives().iter().map(|a| a.visits).sum::<u32>(), 3_000);
    let hex: String = one.digest().iter().take(8).map(|b| format!("{b:02x}")).collect();
    assert_eq!(hex, "b99b8c5218b2e312");
}

#[test]
fn a_path_opens_each_gate_before_it_walks_through() {
    for seed in 20..40 {
        let (graph, mastery) = random(80, seed);
        let plan = Plan::new(&graph, &mastery, PlanParams::reference()).unwrap();
        let tree = plan.search(500, seed).unwrap();
        let path = plan.path(&tree);
        for (at, skill) in path.iter().enumerate() {
            assert!(mastery[usize::from(*skill)].is_none_or(|m| m.e4() <= 8_500));
            for p in graph.prerequisites(*skill) {
                let given = mastery[usize::from(*p)].is_some_and(|m| m.e4() > 8_500);
                assert!(given || path[..at].contains(p), "{p} before {skill} in {path:?}");
            }
        }
    }
}

#[test]
fn transfer_and_priors_open_no_gate() {
    let graph = graph(2, &[(0, 1)]);
    let params = PlanParams { prior: Proportion::MAX, transfer: Proportion::MAX, ..PlanParams::reference() };
    let plan = Plan::new(&graph, &[None, None], params).unwrap();
    assert_eq!(plan.next_block_gain_e4(1), None, "a prior of 1 must not open the gate of 0");
    let mut learner = plan.start.clone();
    let mut blocks = 0;
    while learner.expected_gain_e4(&plan.game, 1).is_none() {
        learner.practise(&plan.game, 0, true);
        blocks += 1;
    }
    assert!(blocks >= 1);
    assert!(learner.right_e4(&plan.game, 1) <= 8_500, "transfer stops below the gate");
}

#[test]
fn gains_are_those_of_the_levels() {
    // Gifts to dependents, kept up to date block by block, equal those computed afresh.
    let (graph, mastery) = random(40, 3);
    let plan = Plan::new(&graph, &mastery, PlanParams::reference()).unwrap();
    let mut learner = plan.start.clone();
    let mut chance = Chance(4);
    for _ in 0..200 {
        let open = actions(&learner);
        let Some(skill) = open.get(usize::try_from(chance.e4()).unwrap() % open.len().max(1)) else { break };
        let before: i64 = (0..40).map(|k| learner.right_e4(&plan.game, k)).sum();
        let gain = learner.practise(&plan.game, *skill, chance.e4() < 5_000);
        let after: i64 = (0..40).map(|k| learner.right_e4(&plan.game, k)).sum();
        assert_eq!(after - before, gain);
        let mut fresh = learner.clone();
        fresh.follow(&plan.game, learner::Rule::GREEDY);
        assert_eq!(actions(&fresh), actions(&learner));
    }
}

#[test]
fn limits_are_errors() {
    let graph = graph(2, &[]);
    let p = PlanParams::reference();
    let plan = |params, n: usize| Plan::new(&graph, &vec![None; n], params).map(|_| ());
    assert_eq!(plan(p, 1), Err(PlanError::Length { given: 1, skills: 2 }));
    assert!(matches!(plan(PlanParams { blocks: 0, ..p }, 2), Err(PlanError::Parameter(_))));
    assert!(matches!(plan(PlanParams { right_gain: 1_025, ..p }, 2), Err(PlanError::Parameter(_))));
    assert!(matches!(plan(PlanParams { gate: Proportion::MAX, ..p }, 2), Err(PlanError::Parameter(_))));
    let good = Plan::new(&graph, &[None, None], p).unwrap();
    assert!(good.search(0, 1).is_err() && good.search(MAX_TRAJECTORIES + 1, 1).is_err());
    let done = Plan::new(&graph, &[Some(Proportion::MAX); 2], p).unwrap();
    assert!(!done.has_actions() && done.path(&done.search(10, 1).unwrap()).is_empty());
}

#[test]
fn a_planned_path_opens_a_hidden_way_that_a_greedy_one_misses() {
    // Two hard gates one after the other, ten rewarding skills behind them, and sixty easy crumbs beside.
    let edges: Vec<(u16, u16)> = [(0, 1)].into_iter().chain((2..12).map(|k| (1, k))).collect();
    let graph = graph(72, &edges);
    let start = |k: u16| {
        Proportion::clamped(if k < 2 {
            1_000
        } else if k < 12 {
            5_000
        } else {
            8_200
        })
    };
    let mastery: Vec<_> = (0..72).map(|k| Some(start(k))).collect();
    let plan = Plan::new(&graph, &mastery, PlanParams::reference()).unwrap();
    let tree = plan.search(2_000, 1).unwrap();
    let (planned, greedy) = (plan.expected_gain_e4(&tree, 200, 1), plan.greedy_gain_e4(200, 1));
    assert!(planned * 100 > greedy * 110, "{planned} against {greedy}");
    assert!(plan.path(&tree).contains(&1), "the second gate is worked on");
}

#[test]
fn the_ladder_always_has_the_largest_on_top() {
    use super::ladder::{CLOSED, Ladder};
    let (mut chance, mut ladder, mut plain) = (Chance(1), Ladder::new(37), vec![CLOSED; 37]);
    for _ in 0..3_000 {
        let at = usize::try_from(chance.e4()).unwrap() % 37;
        let key = if chance.e4() < 2_000 { CLOSED } else { chance.e4() };
        (plain[at], _) = (key, ladder.set(at, key));
        assert_eq!(ladder.top(), plain.iter().copied().max().unwrap());
        let bound = chance.e4();
        let below = plain.iter().copied().filter(|k| *k < bound).max().unwrap_or(CLOSED);
        assert_eq!((ladder.below(bound), ladder.get(at)), (below, key));
    }
    let mut filled = Ladder::new(37);
    filled.fill(plain.iter().copied());
    assert_eq!(filled.top(), ladder.top());
}
