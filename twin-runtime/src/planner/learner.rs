//! The simulated learner: rungs, gates, and what to practise next under a rule.
//!
//! Every skill that can be practised carries a key (score, then least number) in a [`Ladder`], kept up to date
//! block by block: a block moves the skill itself, its shut dependents by transfer, and the keys of everything
//! that shares a dependent with it.

use super::game::{FINE, Game};
use super::ladder::{CLOSED, Ladder};
use crate::fixed::{ONE_E4, Proportion};

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

/// How exactly a rule knows what a block passes on by transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gifts {
    /// As it is now: every block changes it for all that share a dependent with the practised skill.
    Exact,
    /// As it was at the start: what a search of many thousand paths can afford. Levels and gains are exact all the
    /// same; only the order in which the rule takes skills may differ where gifts nearly tie.
    AtStart,
}

/// One skill of a learner.
#[derive(Debug, Clone, Copy)]
struct Spot {
    rung: u16,
    /// Prerequisites whose gates are shut.
    unmet: u16,
    gate: Gate,
    /// What shut dependents would receive from a wrong and a right block, e4.
    gifts: [i32; 2],
    /// What it opens, as far as the rule looks, e4 × [`FINE`].
    later: i32,
}

/// A learner part way through a path.
#[derive(Debug, Clone)]
pub struct Learner {
    spots: Vec<Spot>,
    keys: Ladder,
    rule: Rule,
    gifts: Gifts,
    /// What each skill opens at the start, by [`Depth`]: whole, halving. E4 × [`FINE`].
    ahead: [Vec<i32>; 2],
}

impl Learner {
    /// A learner as given, with keys under the greedy rule. `mastery` has a value for each skill of the graph.
    pub fn new(game: &Game, mastery: &[Option<Proportion>]) -> Self {
        let spot = |given: &Option<Proportion>| Spot {
            rung: given.map_or(game.unseen(), |m| game.rung_of(m)),
            unmet: 0,
            gate: if given.is_some_and(|m| m > game.params.gate) { Gate::Open } else { Gate::Shut },
            gifts: [0; 2],
            later: 0,
        };
        let n = mastery.len();
        let spots: Vec<Spot> = mastery.iter().map(spot).collect();
        let ahead = [vec![0; n], vec![0; n]];
        let mut learner =
            Self { spots, keys: Ladder::new(n), rule: Rule::GREEDY, gifts: Gifts::Exact, ahead };
        for skill in 0..n {
            let is_shut = |k: &&u16| learner.spots[usize::from(**k)].gate == Gate::Shut;
            let unmet = game.graph.prerequisites(skill as u16).iter().filter(is_shut).count();
            let dependents = game.graph.dependents(skill as u16).iter().filter(is_shut);
            let gifts = dependents.fold([0; 2], |sum, d| {
                let gift = game.rung(learner.spots[usize::from(*d)].rung).gift;
                [sum[0] + gift[0], sum[1] + gift[1]]
            });
            let spot = &mut learner.spots[skill];
            (spot.unmet, spot.gifts) = (u16::try_from(unmet).unwrap_or(u16::MAX), gifts);
        }
        learner.ahead = [1, 2].map(|decay| learner.look_ahead(game, decay));
        learner.follow(game, Rule::GREEDY);
        learner
    }

    /// What each skill opens: the pace of its shut dependents, shared among their unmet prerequisites, and
    /// what those open in turn, divided by `decay` a step. Found by walking from the skills that open nothing.
    fn look_ahead(&self, game: &Game, decay: i64) -> Vec<i32> {
        let n = self.spots.len();
        let mut ahead = vec![0_i64; n];
        let mut waiting: Vec<usize> = (0..n).map(|k| game.graph.dependents(k as u16).len()).collect();
        let mut ready: Vec<usize> = (0..n).filter(|k| waiting[*k] == 0).collect();
        while let Some(skill) = ready.pop() {
            for d in game.graph.dependents(skill as u16).iter().map(|d| usize::from(*d)) {
                let spot = &self.spots[d];
                if spot.gate == Gate::Shut {
                    let pace = i64::from(game.rung(spot.rung).way) + expected_gifts(game, spot);
                    let worth = pace + ahead[d] / decay;
                    ahead[skill] += worth / i64::from(spot.unmet.max(1));
                }
            }
            for p in game.graph.prerequisites(skill as u16).iter().map(|p| usize::from(*p)) {
                waiting[p] -= 1;
                if waiting[p] == 0 {
                    ready.push(p);
                }
            }
        }
        ahead.into_iter().map(|x| i32::try_from(x).unwrap_or(i32::MAX)).collect()
    }

    /// Copies the progress of another learner of the same start and rule into this one's memory.
    pub fn reset(&mut self, other: &Self) {
        self.spots.copy_from_slice(&other.spots);
        self.keys.reset(&other.keys);
        (self.rule, self.gifts) = (other.rule, other.gifts);
    }

    /// From here on, knows gifts this exactly.
    pub const fn know_gifts(&mut self, gifts: Gifts) {
        self.gifts = gifts;
    }

    /// Changes the rule and all keys with it.
    pub fn follow(&mut self, game: &Game, rule: Rule) {
        self.rule = rule;
        let ahead = &self.ahead[if rule.depth == Depth::Whole { 0 } else { 1 }];
        for (spot, ahead) in self.spots.iter_mut().zip(ahead) {
            let later = i64::from(*ahead) * rule.look_ahead_e4 / ONE_E4;
            spot.later = i32::try_from(later).unwrap_or(i32::MAX);
        }
        let spots = self.spots.iter().enumerate();
        self.keys.fill(spots.map(|(skill, spot)| key(game, rule, skill, spot)));
    }

    fn refresh(&mut self, game: &Game, skill: usize) {
        self.keys.set(skill, key(game, self.rule, skill, &self.spots[skill]));
    }

    /// The skill the rule practises next.
    pub fn best(&self) -> Option<u16> {
        skill_of(self.keys.top())
    }

    /// The next key below one, for widening a node: skills in the order of the rule.
    pub fn best_below(&self, bound: i64) -> Option<(i64, u16)> {
        let key = self.keys.below(bound);
        skill_of(key).map(|skill| (key, skill))
    }

    /// Expected gain of the next block on a skill, e4, gifts included.
    pub fn expected_gain_e4(&self, game: &Game, skill: u16) -> Option<i64> {
        let spot = self.spots.get(usize::from(skill))?;
        let open = self.keys.get(usize::from(skill)) != CLOSED;
        open.then(|| (i64::from(game.rung(spot.rung).own) + expected_gifts(game, spot)) / FINE)
    }

    /// Whether a skill's gate is shut.
    pub fn is_shut(&self, skill: u16) -> bool {
        self.spots.get(usize::from(skill)).is_some_and(|spot| spot.gate == Gate::Shut)
    }

    /// The rung a skill is on.
    pub fn rung(&self, skill: u16) -> u16 {
        self.spots.get(usize::from(skill)).map_or(0, |spot| spot.rung)
    }

    /// Probability of a right response, e4.
    pub fn right_e4(&self, game: &Game, skill: u16) -> i64 {
        i64::from(game.rung(self.spots[usize::from(skill)].rung).mastery)
    }

    /// One block: returns the gain of mastery, e4, over all skills.
    pub fn practise(&mut self, game: &Game, skill: u16, right: bool) -> i64 {
        let (k, outcome) = (usize::from(skill), usize::from(right));
        let before = self.spots[k].rung;
        let after = game.after(before, outcome);
        self.spots[k].rung = after;
        let mut total = i64::from(game.rung(after).mastery - game.rung(before).mastery);
        let graph = game.graph;
        for d in graph.dependents(skill) {
            let spot = &mut self.spots[usize::from(*d)];
            let reached = game.after_gift(spot.rung, outcome);
            if spot.gate == Gate::Open || reached == spot.rung {
                continue;
            }
            let (from, to) = (game.rung(spot.rung), game.rung(reached));
            spot.rung = reached;
            total += i64::from(to.mastery - from.mastery);
            if self.gifts == Gifts::AtStart {
                continue;
            }
            let change = [to.gift[0] - from.gift[0], to.gift[1] - from.gift[1]];
            for p in graph.prerequisites(*d).iter().map(|p| usize::from(*p)) {
                let gifts = &mut self.spots[p].gifts;
                *gifts = [gifts[0] + change[0], gifts[1] + change[1]];
                if p != k && self.keys.get(p) != CLOSED {
                    self.refresh(game, p);
                }
            }
        }
        if game.opens(after) && self.spots[k].gate == Gate::Shut {
            self.open(game, skill);
        }
        self.refresh(game, k);
        total
    }

    fn open(&mut self, game: &Game, skill: u16) {
        self.spots[usize::from(skill)].gate = Gate::Open;
        for d in game.graph.dependents(skill).iter().map(|d| usize::from(*d)) {
            let unmet = &mut self.spots[d].unmet;
            *unmet = unmet.saturating_sub(1);
            if *unmet == 0 {
                self.refresh(game, d);
            }
        }
    }
}

fn expected_gifts(game: &Game, spot: &Spot) -> i64 {
    let p = i64::from(game.rung(spot.rung).mastery);
    let [wrong, right] = spot.gifts.map(i64::from);
    (p * right + (ONE_E4 - p) * wrong) * FINE / ONE_E4
}

/// Score above, skill below: ties go to the least number.
fn key(game: &Game, rule: Rule, skill: usize, spot: &Spot) -> i64 {
    if spot.gate == Gate::Open || spot.unmet > 0 {
        return CLOSED;
    }
    let rung = game.rung(spot.rung);
    let own = match rule.worth {
        Worth::NextBlock => rung.own,
        Worth::WayToGate => rung.way,
    };
    let later = (i64::from(spot.later) * i64::from(rung.needed_inverse)) >> 24;
    let score = i64::from(own) + expected_gifts(game, spot) + later;
    (score << 16) | i64::from(0xFFFF - u16::try_from(skill).unwrap_or(u16::MAX))
}

fn skill_of(key: i64) -> Option<u16> {
    (key != CLOSED).then(|| 0xFFFF - (key & 0xFFFF) as u16)
}
