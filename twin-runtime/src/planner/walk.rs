//! Learners who walk under a finished tree, or greedily: what a plan is worth, and the path it gives.
//!
//! Where the best policy is known ([`Exact`]) learners follow it. Else, beyond the tree, and where a node was visited too seldom to trust, the tree's rule decides; in the last blocks of
//! a path nothing is worth preparing, and the greedy rule does. Gifts are followed exactly here.

use super::chance::{Chance, mix};
use super::exact::Exact;
use super::game::Game;
use super::learner::{Learner, Rule};
use super::search::{Edge, LAST_BLOCKS, Tree};

/// The path leaves the tree where a node was visited less often.
const TRUSTED_VISITS: u32 = 300;

/// The best edge, where the node was visited often enough to trust it.
fn settled(tree: &Tree, node: Option<usize>) -> Option<&Edge> {
    let node = tree.nodes.get(node?).filter(|n| n.visits >= TRUSTED_VISITS)?;
    node.best()
}

/// Walks one learner under a tree, or greedily; `respond` decides responses, `see` is told each skill.
fn walk(
    game: &Game,
    start: &Learner,
    tree: Option<&Tree>,
    mut respond: impl FnMut(u16, i64) -> bool,
    mut see: impl FnMut(u16),
) -> i64 {
    let mut learner = start.clone();
    learner.follow(game, tree.map_or(Rule::GREEDY, |t| t.rule));
    let exact = tree.and_then(|t| t.exact.as_ref());
    let mut stand = exact.and_then(Exact::start);
    let mut node = tree.map(|_| 0_usize);
    let mut total = 0;
    for left in (1..=game.params.blocks).rev() {
        if left == LAST_BLOCKS {
            learner.follow(game, Rule::GREEDY);
        }
        let known = exact.zip(stand).and_then(|(e, at)| e.choose(&at));
        let edge = tree.filter(|_| known.is_none()).and_then(|t| settled(t, node));
        let Some(skill) = known.or(edge.map(|e| e.skill)).or_else(|| learner.best()) else { break };
        see(skill);
        let right = respond(skill, learner.right_e4(game, skill));
        total += learner.practise(game, skill, right);
        stand = exact.zip(stand).map(|(e, at)| e.after(game, &at, skill, right));
        node = edge.and_then(|e| e.after(right));
    }
    total
}

/// Gain of one simulated learner, e4.
pub fn one_gain(game: &Game, start: &Learner, tree: Option<&Tree>, seed: u64) -> i64 {
    let mut chance = Chance(seed);
    walk(game, start, tree, |_, p| chance.e4() < p, |_| {})
}

/// Mean gain of simulated learners, e4, rounded towards zero.
pub fn mean_gain(game: &Game, start: &Learner, tree: Option<&Tree>, learners: u32, seed: u64) -> i64 {
    let gain = |n: u32| one_gain(game, start, tree, mix(seed ^ u64::from(n).rotate_left(32)));
    (0..learners).map(gain).sum::<i64>() / i64::from(learners.max(1))
}

/// Skills in the order of first practice, with responses as likely: right as often as the level says, by
/// carrying the remainder.
pub fn path(game: &Game, start: &Learner, tree: &Tree) -> Vec<u16> {
    let mut path: Vec<u16> = Vec::new();
    let mut carried = std::collections::BTreeMap::new();
    let respond = |skill: u16, p: i64| {
        let carry = carried.entry(skill).or_insert(5_000_i64);
        *carry += p;
        let right = *carry >= 10_000;
        *carry -= if right { 10_000 } else { 0 };
        right
    };
    walk(game, start, Some(tree), respond, |skill| {
        if !path.contains(&skill) {
            path.push(skill);
        }
    });
    path
}
