//! The simulated learner: levels, gates, and what to practise next under a rule.
//!
//! A level is log-odds of mastery in 1/128, within ±8: tables turn it into mastery and expected gains. Skills
//! that can be practised carry a key (score, then least number); keys are kept in groups of 16 with each
//! group's best, so that the best of 480 is found by looking at 30.

use super::PlanParams;
use crate::curve::sigmoid;
use crate::fixed::{Logit, ONE_E4, Proportion};
use crate::skill_graph::SkillGraph;

/// Levels −1024..=1023 are places 0..2048 of the tables.
const LEVELS: usize = 2_048;
const GROUP: usize = 16;
/// Key of what cannot be practised.
const CLOSED: i64 = i64::MIN;
/// Scores are gains in e4 times this.
const FINE: i64 = 64;
/// SplitMix64 (Steele, Lea and Flood 2014).
#[must_use]
pub fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A stream of chance.
#[derive(Debug, Clone, Copy)]
pub struct Chance(pub u64);

impl Chance {
    /// Uniform in 0..10,000, by the high bits of a product.
    pub fn e4(&mut self) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        ((u128::from(mix(self.0)) * 10_000) >> 64) as i64
    }
}

/// How practice is chosen outside the tree: gain of the next block plus this share of what a block brings
/// nearer. 0 is the greedy rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Ten-thousandths.
    pub look_ahead_e4: i64,
    /// How far ahead is counted.
    pub depth: Depth,
    /// What practice itself is worth.
    pub worth: Worth,
}

/// What practice of a skill is worth, apart from what it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// The gain of the next block.
    NextBlock,
    /// The mean gain of the blocks up to the gate: a skill far down starts slowly and then gains faster.
    WayToGate,
}

impl Rule {
    /// The gain of the next block and nothing else.
    pub const GREEDY: Self = Self { look_ahead_e4: 0, depth: Depth::Halving, worth: Worth::NextBlock };
}

/// How what a skill opens is counted along a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Each step is worth half the one before.
    Halving,
    /// Each step is worth as much as the one before.
    Whole,
}

/// Whether a skill's gate is open for its dependents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Shut,
    Open,
}

/// Graph, assumptions and tables.
#[derive(Debug, Clone)]
pub struct Game<'a> {
    graph: &'a SkillGraph,
    /// The assumptions.
    pub params: PlanParams,
    mastery: Vec<i32>,
    /// Expected own gain of a block by level, e4 × [`FINE`].
    own: Vec<i32>,
    /// Mean gain of a block on the way to the gate by level, e4 × [`FINE`].
    way: Vec<i32>,
    /// Gain a dependent at a level receives from a right and from a wrong block, e4.
    gift: [Vec<i32>; 2],
    /// Level steps a dependent receives from a wrong and from a right block.
    gift_steps: [i32; 2],
    /// Blocks until the gate opens, by level, at least 1.
    needed: Vec<i32>,
    best_block_e4: i64,
    /// Highest level that transfer can reach: just below the gate.
    transfer_cap: i16,
}

fn place(level: i32) -> usize {
    usize::try_from(level.clamp(-1_024, 1_023) + 1_024).unwrap_or(0)
}

impl<'a> Game<'a> {
    /// Builds the tables.
    pub fn new(graph: &'a SkillGraph, params: PlanParams) -> Self {
        let mastery: Vec<i32> = (-1_024..1_024_i64)
            .map(|level| i32::from(sigmoid(Logit::clamped(level * 1_000_000 / 128)).to_proportion().e4()))
            .collect();
        let gate = i32::from(params.gate.e4());
        let gains = [i32::from(params.wrong_gain), i32::from(params.right_gain)];
        let share = |gain: i32| gain * i32::from(params.transfer.e4()) / 10_000;
        let gift_steps = gains.map(share);
        let at = |level: i32| i64::from(mastery[place(level)]);
        let mut own = Vec::with_capacity(LEVELS);
        let mut needed = Vec::with_capacity(LEVELS);
        let mut way = Vec::with_capacity(LEVELS);
        let last_shut = mastery.iter().rposition(|m| *m <= gate).unwrap_or(0);
        let cap = i32::try_from(last_shut).unwrap_or(0) - 1_024;
        for level in -1_024..1_024 {
            let p = at(level);
            let right = at(level + gains[1]) - p;
            let wrong = at(level + gains[0]) - p;
            own.push(i32::try_from((p * right + (ONE_E4 - p) * wrong) * FINE / ONE_E4).unwrap_or(0));
            let pace = (p * i64::from(gains[1]) + (ONE_E4 - p) * i64::from(gains[0])) / ONE_E4;
            let missing = i64::from(cap + 1 - level).max(0);
            let blocks = missing / pace.max(1) + 1;
            needed.push(i32::try_from(blocks).unwrap_or(i32::MAX));
            let distance = (at(cap + 1) - p).max(0);
            way.push(i32::try_from(distance * FINE / blocks).unwrap_or(0));
        }
        let gift = gift_steps.map(|steps| {
            (-1_024..1_024)
                .map(|level: i32| {
                    let reached = if level < cap { (level + steps).min(cap) } else { level };
                    mastery[place(reached)] - mastery[place(level)]
                })
                .collect()
        });
        let transfer_cap = i16::try_from(cap).unwrap_or(0);
        let best_block_e4 = i64::from(own.iter().copied().max().unwrap_or(0)) / FINE;
        Self { graph, params, best_block_e4, mastery, own, way, gift, gift_steps, needed, transfer_cap }
    }

    /// The largest expected own gain of one block at any level, e4.
    pub const fn best_block_e4(&self) -> i64 {
        self.best_block_e4
    }

    fn level_of(&self, mastery: Proportion) -> i16 {
        let at = self.mastery.partition_point(|m| *m < i32::from(mastery.e4())).min(LEVELS - 1);
        i16::try_from(at).unwrap_or(0) - 1_024
    }

    fn mastery(&self, level: i16) -> i32 {
        self.mastery[place(i32::from(level))]
    }

    /// A learner as given, with keys under the greedy rule.
    pub fn learner(&self, mastery: &[Option<Proportion>]) -> Learner {
        let n = self.graph.len();
        let prior = self.level_of(self.params.prior).min(self.transfer_cap);
        let level: Vec<i16> = mastery.iter().map(|m| m.map_or(prior, |m| self.level_of(m))).collect();
        let open = |m: &Option<Proportion>| m.is_some_and(|m| m > self.params.gate);
        let gates: Vec<Gate> =
            mastery.iter().map(|m| if open(m) { Gate::Open } else { Gate::Shut }).collect();
        let mut learner = Learner {
            level,
            gates,
            unmet: vec![0; n],
            gifts: vec![[0; 2]; n],
            keys: vec![CLOSED; n.next_multiple_of(GROUP)],
            best: vec![CLOSED; n.div_ceil(GROUP)],
            ahead: [vec![0; n], vec![0; n]],
            rule: Rule::GREEDY,
        };
        for skill in 0..n {
            let shut = |p: &&u16| learner.gates[usize::from(**p)] == Gate::Shut;
            let unmet = self.graph.prerequisites(skill as u16).iter().filter(shut).count();
            learner.unmet[skill] = u16::try_from(unmet).unwrap_or(u16::MAX);
            let shut_dependents = self.graph.dependents(skill as u16).iter().filter(shut);
            let gifts = shut_dependents.fold([0; 2], |sum, d| {
                let at = place(i32::from(learner.level[usize::from(*d)]));
                [sum[0] + self.gift[0][at], sum[1] + self.gift[1][at]]
            });
            learner.gifts[skill] = gifts;
        }
        learner.ahead = [1, 2].map(|decay| self.ahead(&learner, decay));
        learner.follow(self, Rule::GREEDY);
        learner
    }

    /// What each skill opens: the pace of its shut dependents, shared among their unmet prerequisites, and
    /// what those open in turn, divided by `decay` a step. Found by walking from the skills that open nothing.
    fn ahead(&self, learner: &Learner, decay: i64) -> Vec<i32> {
        let n = self.graph.len();
        let mut ahead = vec![0_i64; n];
        let mut waiting: Vec<usize> = (0..n).map(|k| self.graph.dependents(k as u16).len()).collect();
        let mut ready: Vec<usize> = (0..n).filter(|k| waiting[*k] == 0).collect();
        while let Some(skill) = ready.pop() {
            for d in self.graph.dependents(skill as u16).iter().map(|d| usize::from(*d)) {
                if learner.gates[d] == Gate::Shut {
                    let worth = learner.pace(self, d) + ahead[d] / decay;
                    ahead[skill] += worth / i64::from(learner.unmet[d].max(1));
                }
            }
            for p in self.graph.prerequisites(skill as u16).iter().map(|p| usize::from(*p)) {
                waiting[p] -= 1;
                if waiting[p] == 0 {
                    ready.push(p);
                }
            }
        }
        ahead.into_iter().map(|x| i32::try_from(x).unwrap_or(i32::MAX)).collect()
    }
}

/// A learner part way through a path.
#[derive(Debug, Clone)]
pub struct Learner {
    level: Vec<i16>,
    gates: Vec<Gate>,
    unmet: Vec<u16>,
    /// What shut dependents would receive from a wrong and a right block, e4.
    gifts: Vec<[i32; 2]>,
    keys: Vec<i64>,
    best: Vec<i64>,
    /// What each skill opens, by [`Depth`]: whole, halving.
    ahead: [Vec<i32>; 2],
    rule: Rule,
}

impl Learner {
    /// Copies another learner's progress into this one's memory.
    pub fn reset(&mut self, other: &Self) {
        self.level.copy_from_slice(&other.level);
        self.gates.copy_from_slice(&other.gates);
        self.unmet.copy_from_slice(&other.unmet);
        self.gifts.copy_from_slice(&other.gifts);
        self.keys.copy_from_slice(&other.keys);
        self.best.copy_from_slice(&other.best);
        self.rule = other.rule;
    }

    /// Changes the rule and all keys with it.
    pub fn follow(&mut self, game: &Game, rule: Rule) {
        self.rule = rule;
        for skill in 0..self.level.len() {
            self.keys[skill] = self.key(game, skill);
        }
        for group in 0..self.best.len() {
            self.settle(group);
        }
    }

    /// Mean gain of a block on the way to the gate, gifts included, e4 × [`FINE`].
    fn pace(&self, game: &Game, skill: usize) -> i64 {
        i64::from(game.way[place(i32::from(self.level[skill]))]) + self.expected_gifts(game, skill)
    }

    fn expected_gifts(&self, game: &Game, skill: usize) -> i64 {
        let p = i64::from(game.mastery(self.level[skill]));
        let [wrong, right] = self.gifts[skill].map(i64::from);
        (p * right + (ONE_E4 - p) * wrong) * FINE / ONE_E4
    }

    fn score(&self, game: &Game, skill: usize) -> i64 {
        let at = place(i32::from(self.level[skill]));
        let own = match self.rule.worth {
            Worth::NextBlock => game.own[at],
            Worth::WayToGate => game.way[at],
        };
        let now = i64::from(own) + self.expected_gifts(game, skill);
        let ahead = match self.rule.depth {
            Depth::Whole => &self.ahead[0],
            Depth::Halving => &self.ahead[1],
        };
        let later = i64::from(ahead[skill]) * self.rule.look_ahead_e4 / ONE_E4;
        now + later / i64::from(game.needed[at])
    }

    fn key(&self, game: &Game, skill: usize) -> i64 {
        if self.gates[skill] == Gate::Open || self.unmet[skill] > 0 {
            return CLOSED;
        }
        // Ties go to the least number.
        (self.score(game, skill) << 16) | i64::from(0xFFFF - u16::try_from(skill).unwrap_or(u16::MAX))
    }

    fn settle(&mut self, group: usize) {
        let keys = &self.keys[group * GROUP..(group + 1) * GROUP];
        self.best[group] = keys.iter().copied().max().unwrap_or(CLOSED);
    }

    fn refresh(&mut self, game: &Game, skill: usize) {
        let key = self.key(game, skill);
        if key != self.keys[skill] {
            self.keys[skill] = key;
            self.settle(skill / GROUP);
        }
    }

    /// The skill the rule practises next.
    pub fn best(&self) -> Option<u16> {
        let key = self.best.iter().copied().max()?;
        (key != CLOSED).then(|| 0xFFFF - (key & 0xFFFF) as u16)
    }

    /// The next key below one, for widening a node: skills in the order of the rule.
    pub fn best_below(&self, bound: i64) -> Option<(i64, u16)> {
        let key = self.keys.iter().copied().filter(|k| *k < bound).max()?;
        (key != CLOSED).then(|| (key, 0xFFFF - (key & 0xFFFF) as u16))
    }

    /// Expected gain of the next block on a skill, e4, gifts included.
    pub fn expected_gain_e4(&self, game: &Game, skill: u16) -> Option<i64> {
        let skill = usize::from(skill);
        let open = self.keys.get(skill).is_some_and(|k| *k != CLOSED);
        let at = place(i32::from(*self.level.get(skill)?));
        open.then(|| (i64::from(game.own[at]) + self.expected_gifts(game, skill)) / FINE)
    }

    /// Probability of a right response, e4.
    pub fn right_e4(&self, game: &Game, skill: u16) -> i64 {
        i64::from(game.mastery(self.level[usize::from(skill)]))
    }

    /// One block: returns the gain of mastery, e4, over all skills.
    pub fn practise(&mut self, game: &Game, skill: u16, right: bool) -> i64 {
        let k = usize::from(skill);
        let outcome = usize::from(right);
        let before = self.level[k];
        let gain = if right { game.params.right_gain } else { game.params.wrong_gain };
        let after = (i32::from(before) + i32::from(gain)).min(1_023) as i16;
        self.level[k] = after;
        let mut total = i64::from(game.mastery(after) - game.mastery(before));
        let steps = game.gift_steps[outcome];
        let graph = game.graph;
        for d in graph.dependents(skill) {
            let at = usize::from(*d);
            let level = self.level[at];
            if self.gates[at] == Gate::Open || level >= game.transfer_cap || steps == 0 {
                continue;
            }
            let reached = (i32::from(level) + steps).min(i32::from(game.transfer_cap)) as i16;
            self.level[at] = reached;
            let (from, to) = (place(i32::from(level)), place(i32::from(reached)));
            total += i64::from(game.mastery[to] - game.mastery[from]);
            let change = [0, 1].map(|n: usize| game.gift[n][to] - game.gift[n][from]);
            for p in graph.prerequisites(*d) {
                let gifts = &mut self.gifts[usize::from(*p)];
                *gifts = [gifts[0] + change[0], gifts[1] + change[1]];
                if *p != skill && self.keys[usize::from(*p)] != CLOSED {
                    self.refresh(game, usize::from(*p));
                }
            }
        }
        if game.mastery(after) > i32::from(game.params.gate.e4()) {
            self.open(game, skill);
        }
        self.refresh(game, k);
        total
    }

    fn open(&mut self, game: &Game, skill: u16) {
        self.gates[usize::from(skill)] = Gate::Open;
        for d in game.graph.dependents(skill) {
            let at = usize::from(*d);
            self.unmet[at] = self.unmet[at].saturating_sub(1);
            if self.unmet[at] == 0 {
                self.refresh(game, at);
            }
        }
    }
}
