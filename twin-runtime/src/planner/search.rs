//! The tree search.
//!
//! A node is a history of (skill, response); its edges are the skills practised from there, added in the order
//! of the rule, one more each time the square of their number of visits is reached (progressive widening,
//! Coulom 2007). A trajectory walks edges by upper confidence bounds, draws the response, adds one node, and
//! plays to the end by the rule.

use super::chance::{Chance, mix};
use super::exact::Exact;
use super::game::Game;
use super::learner::{Depth, Gifts, Learner, Rule, Worth};
use crate::curve::ln;
use crate::fixed::ONE_E4;
use sha2::{Digest, Sha256};

/// Rules that are tried before the search.
const RULES: [Rule; 10] = [
    Rule::GREEDY,
    rule(2_500, Depth::Halving, Worth::NextBlock),
    rule(300, Depth::Whole, Worth::NextBlock),
    rule(1_000, Depth::Whole, Worth::NextBlock),
    rule(2_500, Depth::Whole, Worth::NextBlock),
    rule(0, Depth::Whole, Worth::WayToGate),
    rule(2_500, Depth::Halving, Worth::WayToGate),
    rule(300, Depth::Whole, Worth::WayToGate),
    rule(1_000, Depth::Whole, Worth::WayToGate),
    rule(2_500, Depth::Whole, Worth::WayToGate),
];
/// One trajectory in this many is spent on choosing the strength.
const TRIAL_SHARE: u32 = 10;
/// Blocks before the end of a path from which a rule that looks ahead no longer pays.
pub(super) const LAST_BLOCKS: u16 = 5;
/// Exploration: the confidence bound's unit is worth this share of the best single block, ten-thousandths.
const EXPLORATION_SHARE_E4: i64 = 7_000;
/// A node is worth what its most visited edge is from this many visits on, before that the mean of all.
const WEIGHED_VISITS: u32 = 50;
/// Up to this many skills a search follows gifts exactly: it costs little there, and every trajectory counts where
/// the tree reaches the end of the path.
const SMALL_GRAPH: usize = 32;
/// States that exact planning may list for each trajectory of the search: it takes about as long as the search then.
const STATES_PER_TRAJECTORY: usize = 4;
/// Most states of exact planning: about 20 MB.
const MAX_STATES: usize = 400_000;
const NONE: u32 = u32::MAX;
/// 1/√n in millionths for n below this is read, not computed.
const ROOTS: usize = 1_024;
static INVERSE_ROOT_E6: [u32; ROOTS] = inverse_roots();

const fn inverse_roots() -> [u32; ROOTS] {
    let mut table = [1_000_000; ROOTS];
    let mut n = 1;
    while n < ROOTS {
        table[n] = (1_000_000_000_000 / n as u64).isqrt() as u32;
        n += 1;
    }
    table
}

fn inverse_root_e6(n: u32) -> i64 {
    match INVERSE_ROOT_E6.get(n as usize) {
        Some(root) => i64::from(*root),
        None => (1_000_000_000_000 / u64::from(n)).isqrt() as i64,
    }
}

const fn rule(look_ahead_e4: i64, depth: Depth, worth: Worth) -> Rule {
    Rule { look_ahead_e4, depth, worth }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub(super) skill: u16,
    visits: u32,
    /// Sum of gains from here to the end, less the cost of blocks, e4.
    sum_e4: i64,
    /// Their mean, rounded towards zero.
    mean_e4: i64,
    /// Node after a wrong and after a right response.
    next: [u32; 2],
    key: i64,
    /// Gain of the block after a wrong and after a right response, less its cost, e4.
    gain_e4: [i64; 2],
    /// Probability of a right response, e4.
    right_e4: i64,
    /// What the finished tree says the skill is worth from here, e4: see [`Tree::weigh`].
    value_e4: i64,
}

impl Edge {
    const fn new(skill: u16, key: i64) -> Self {
        let (gain_e4, next) = ([0; 2], [NONE; 2]);
        Self { skill, visits: 0, sum_e4: 0, mean_e4: 0, next, key, gain_e4, right_e4: 0, value_e4: 0 }
    }

    /// The node after a response, where the tree has one.
    pub(super) fn after(&self, right: bool) -> Option<usize> {
        let next = self.next[usize::from(right)];
        (next != NONE).then_some(next as usize)
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) visits: u32,
    /// Sum of gains from here to the end, less the cost of blocks, e4.
    sum_e4: i64,
    edges: Vec<Edge>,
}

/// A finished search.
#[derive(Debug, Clone)]
pub struct Tree {
    pub(super) nodes: Vec<Node>,
    pub(super) rule: Rule,
    /// The best policy, where it could be known: the path then follows it, and the search only counts visits.
    pub(super) exact: Option<Exact>,
    /// Exact values of the first actions, e4; empty without [`Tree::exact`].
    first: Vec<(u16, i64)>,
}

impl Node {
    fn most_visited(&self) -> Option<&Edge> {
        self.edges.iter().max_by_key(|e| (e.visits, std::cmp::Reverse(e.skill)))
    }

    /// The edge of the largest value among those at least half as often visited as the most visited.
    pub(super) fn best(&self) -> Option<&Edge> {
        let most = self.most_visited()?.visits;
        let often = self.edges.iter().filter(|e| e.visits >= most.div_ceil(2));
        often.max_by_key(|e| (e.value_e4, std::cmp::Reverse(e.skill)))
    }
}

/// A first action and what the search found about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative {
    /// Number of the skill in the graph.
    pub skill: u16,
    /// Trajectories that began with it.
    pub visits: u32,
    /// Gain of mastery expected from there on, ten-thousandths, less the cost of blocks.
    pub gain_e4: i64,
}

impl Tree {
    /// The first actions tried: the one the path takes, then most visited first, ties by number.
    #[must_use]
    pub fn alternatives(&self) -> Vec<Alternative> {
        let Some(root) = self.nodes.first() else { return Vec::new() };
        let (taken, mut list): (_, Vec<Alternative>) = match &self.exact {
            None => {
                let of_edge =
                    |e: &Edge| Alternative { skill: e.skill, visits: e.visits, gain_e4: e.value_e4 };
                (root.best().map(|e| e.skill), root.edges.iter().map(of_edge).collect())
            }
            Some(exact) => {
                let visits = |skill| root.edges.iter().find(|e| e.skill == skill).map_or(0, |e| e.visits);
                let known = |(skill, gain_e4): &(u16, i64)| Alternative {
                    skill: *skill,
                    visits: visits(*skill),
                    gain_e4: *gain_e4,
                };
                (exact.start().and_then(|s| exact.choose(&s)), self.first.iter().map(known).collect())
            }
        };
        list.sort_by_key(|a| (Some(a.skill) != taken, std::cmp::Reverse(a.visits), a.skill));
        list
    }

    /// Values from the leaves up. The mean over an edge's trajectories also counts what exploring cost; its value
    /// does not: the two outcomes by their exact probabilities, each worth what the most visited edge after it is.
    fn weigh(&mut self) {
        // A node is made after its parent: backwards, children come first.
        for at in (0..self.nodes.len()).rev() {
            let edges = std::mem::take(&mut self.nodes[at].edges);
            let weighed = edges.into_iter().map(|edge| Edge { value_e4: self.value(&edge), ..edge });
            self.nodes[at].edges = weighed.collect();
        }
    }

    fn value(&self, edge: &Edge) -> i64 {
        let [wrong, right] = [0, 1].map(|outcome: usize| {
            let node = self.nodes.get(edge.next[outcome] as usize)?;
            let after = node.most_visited().filter(|_| node.visits >= WEIGHED_VISITS);
            let later = after.map_or(node.sum_e4 / i64::from(node.visits.max(1)), |e| e.value_e4);
            Some(edge.gain_e4[outcome] + later)
        });
        match (wrong, right) {
            (Some(wrong), Some(right)) => (edge.right_e4 * right + (ONE_E4 - edge.right_e4) * wrong) / ONE_E4,
            _ => edge.mean_e4,
        }
    }

    /// Whether the path is the best there is under the declared assumptions, not only the best found.
    #[must_use]
    pub const fn is_exact(&self) -> bool {
        self.exact.is_some()
    }

    /// How far the rule beyond the tree looks ahead, ten-thousandths; 0 is greedy.
    #[must_use]
    pub const fn look_ahead_e4(&self) -> i64 {
        self.rule.look_ahead_e4
    }

    /// SHA-256 over every node in order of creation: edges' skills, visits, sums, children.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"aula/twin/plan/v1");
        hash.update(self.rule.look_ahead_e4.to_le_bytes());
        for node in &self.nodes {
            hash.update(node.visits.to_le_bytes());
            for edge in &node.edges {
                hash.update(edge.skill.to_le_bytes());
                hash.update(edge.visits.to_le_bytes());
                hash.update(edge.sum_e4.to_le_bytes());
                hash.update(edge.next[0].to_le_bytes());
                hash.update(edge.next[1].to_le_bytes());
            }
        }
        hash.finalize().into()
    }
}

fn gifts(game: &Game) -> Gifts {
    if game.graph.len() <= SMALL_GRAPH { Gifts::Exact } else { Gifts::AtStart }
}

/// Plays to the end by the rule; returns the gain less the cost of blocks.
fn play(game: &Game, learner: &mut Learner, mut blocks: u16, chance: &mut Chance) -> i64 {
    let cost = i64::from(game.params.block_cost_e4);
    let mut total = 0;
    while blocks > 0 {
        let Some(skill) = learner.best() else { break };
        let right = chance.e4() < learner.right_e4(game, skill);
        total += learner.practise(game, skill, right) - cost;
        blocks -= 1;
    }
    total
}

/// The strength of look-ahead whose trial trajectories gain most; ties to the least.
fn choose_rule(game: &Game, start: &Learner, trials: u32, seed: u64) -> Rule {
    let each = (trials / RULES.len() as u32).max(1);
    let mut best = (i64::MIN, Rule::GREEDY);
    for rule in RULES {
        let mut ruled = start.clone();
        ruled.know_gifts(gifts(game));
        ruled.follow(game, rule);
        let mut learner = ruled.clone();
        let mut sum = 0;
        for n in 0..each {
            learner.reset(&ruled);
            // The same chance for every rule: differences are the rules'.
            let mut chance = Chance(mix(seed ^ u64::from(n)));
            sum += play(game, &mut learner, game.params.blocks, &mut chance);
        }
        if sum > best.0 {
            best = (sum, rule);
        }
    }
    best.1
}

/// Runs a search from a learner.
pub fn run(game: &Game, start: &Learner, trajectories: u32, seed: u64) -> Tree {
    let rule = if game.params.blocks <= LAST_BLOCKS {
        Rule::GREEDY
    } else {
        choose_rule(game, start, trajectories / TRIAL_SHARE, seed)
    };
    let mut root = start.clone();
    root.know_gifts(gifts(game));
    root.follow(game, rule);
    let nodes = Vec::with_capacity(trajectories as usize + 1);
    let exact = Exact::solve(game, start, (trajectories as usize * STATES_PER_TRAJECTORY).min(MAX_STATES));
    let first = exact.as_ref().map(|e| e.first_actions(game)).unwrap_or_default();
    let mut tree = Tree { nodes, rule, exact, first };
    tree.nodes.push(Node::default());
    let mut learner = root.clone();
    let mut walked = Vec::new();
    let mut chance = Chance(mix(seed));
    for _ in 0..trajectories {
        learner.reset(&root);
        trajectory(game, &mut tree, &mut learner, &mut walked, &mut chance);
    }
    tree.weigh();
    tree
}

/// One trajectory. `walked` is scratch: (node, edge, gain of that block).
fn trajectory(
    game: &Game,
    tree: &mut Tree,
    learner: &mut Learner,
    walked: &mut Vec<(usize, usize, i64)>,
    chance: &mut Chance,
) {
    walked.clear();
    let cost = i64::from(game.params.block_cost_e4);
    let exploration_e4 = game.best_block_e4() * EXPLORATION_SHARE_E4 / 10_000;
    let (mut at, mut blocks) = (0_usize, game.params.blocks);
    let mut rest = 0;
    while blocks > 0 {
        let Some(edge_at) = pick(&mut tree.nodes[at], learner, exploration_e4) else { break };
        let edge = tree.nodes[at].edges[edge_at];
        let right_e4 = learner.right_e4(game, edge.skill);
        let right = chance.e4() < right_e4;
        let gain = learner.practise(game, edge.skill, right) - cost;
        let held = &mut tree.nodes[at].edges[edge_at];
        (held.gain_e4[usize::from(right)], held.right_e4) = (gain, right_e4);
        walked.push((at, edge_at, gain));
        blocks -= 1;
        let next = edge.next[usize::from(right)];
        if next == NONE {
            let new = u32::try_from(tree.nodes.len()).unwrap_or(NONE);
            tree.nodes[at].edges[edge_at].next[usize::from(right)] = new;
            rest = play(game, learner, blocks, chance);
            tree.nodes.push(Node { visits: 1, sum_e4: rest, edges: Vec::new() });
            break;
        }
        at = next as usize;
    }
    for (node, edge, gain) in walked.iter().rev() {
        rest += gain;
        let node = &mut tree.nodes[*node];
        node.visits += 1;
        node.sum_e4 += rest;
        let edge = &mut node.edges[*edge];
        edge.visits += 1;
        edge.sum_e4 += rest;
        edge.mean_e4 = edge.sum_e4 / i64::from(edge.visits);
    }
}

/// The edge to walk: a new one while the node is narrow for its visits, else the best upper bound.
fn pick(node: &mut Node, learner: &Learner, exploration_e4: i64) -> Option<usize> {
    let width = node.edges.len() as u64;
    if width * width <= u64::from(node.visits) {
        let bound = node.edges.last().map_or(i64::MAX, |e| e.key);
        if let Some((key, skill)) = learner.best_below(bound) {
            node.edges.push(Edge::new(skill, key));
            return Some(node.edges.len() - 1);
        }
    }
    // √ln N in millionths, times the unit.
    let root = u64::try_from(ln(node.visits.max(1)) * 1_000_000).unwrap_or(0).isqrt() as i64;
    let unit = exploration_e4 * root;
    let bound = |edge: &Edge| edge.mean_e4 + unit * inverse_root_e6(edge.visits.max(1)) / 1_000_000_000_000;
    // Ties go to the least skill.
    let best = node.edges.iter().enumerate().max_by_key(|(_, e)| (bound(e), std::cmp::Reverse(e.skill)));
    best.map(|(at, _)| at)
}
