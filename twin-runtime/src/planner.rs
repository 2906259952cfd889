//! Learning paths: which skill to practise next, and what it leads to.
//!
//! Purpose: with some hours left, order practice so that mastery grows most, gates included. Flow: [`Plan`] is
//! made from a [`SkillGraph`], the student's mastery and [`PlanParams`]; [`Plan::search`] runs a tree search
//! (UCT, Kocsis and Szepesvári 2006, with progressive widening) whose rollouts follow a rule that looks at the
//! gain of the next block and at what a skill opens; several strengths of that look-ahead are tried first and
//! the best is kept. Where the states are few, the best policy is known and replaces what the search found
//! ([`Tree::is_exact`]). Invariants: integers only; one seed, one tree, on every machine ([`Tree::digest`]); a skill
//! is practised only when each prerequisite was above the gate in the given mastery or was brought above it by
//! practice in the path: transfer and priors open no gate. Absent: forgetting, and any claim that the declared
//! assumptions ([`PlanParams`]) are the truth about a student.

mod chance;
mod exact;
mod game;
mod ladder;
mod learner;
mod search;
#[cfg(test)]
mod tests;
mod walk;

pub use search::{Alternative, Tree};

use crate::fixed::Proportion;
use crate::skill_graph::SkillGraph;
use game::Game;
use learner::Learner;
use thiserror::Error;

/// Most trajectories of one search: the tree then has a million nodes.
pub const MAX_TRAJECTORIES: u32 = 1_000_000;
/// Most blocks of a path: 1,000 hours.
pub const MAX_BLOCKS: u16 = 6_000;

/// The declared assumptions of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanParams {
    /// Blocks of practice left; a block is [`PlanParams::BLOCK_MINUTES`].
    pub blocks: u16,
    /// What a block with a right response adds to the practised skill, 1/128 logit.
    pub right_gain: u16,
    /// What a block with a wrong response adds, 1/128 logit.
    pub wrong_gain: u16,
    /// Share of a gain that direct dependents receive.
    pub transfer: Proportion,
    /// The mastery gate.
    pub gate: Proportion,
    /// λ·resource: what a block costs, ten-thousandths of mastery.
    pub block_cost_e4: u16,
    /// Mastery of a skill that was never observed; it opens no gate.
    pub prior: Proportion,
}

impl PlanParams {
    /// Length of a block, minutes.
    pub const BLOCK_MINUTES: u16 = 10;

    /// Ten hours; a block adds 0.6 or 0.3 logits, a tenth of it to direct dependents; gate 0.85; prior 0.30.
    #[must_use]
    pub fn reference() -> Self {
        Self {
            blocks: 60,
            right_gain: 77,
            wrong_gain: 38,
            transfer: Proportion::clamped(1_000),
            gate: Proportion::clamped(8_500),
            block_cost_e4: 1,
            prior: Proportion::clamped(3_000),
        }
    }
}

/// Why there is no plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A mastery list that does not fit the graph.
    #[error("{given} values of mastery for {skills} skills")]
    Length {
        /// Values given.
        given: usize,
        /// Skills of the graph.
        skills: usize,
    },
    /// A parameter outside its limits.
    #[error("{0}")]
    Parameter(&'static str),
}

/// A learner, a graph and a budget of time.
#[derive(Debug, Clone)]
pub struct Plan<'a> {
    game: Game<'a>,
    start: Learner,
}

impl<'a> Plan<'a> {
    /// `mastery` holds a value for each skill of the graph in its order, `None` for never observed.
    ///
    /// # Errors
    /// [`PlanError`] when the list does not fit or a parameter is out of its limits.
    pub fn new(
        graph: &'a SkillGraph,
        mastery: &[Option<Proportion>],
        params: PlanParams,
    ) -> Result<Self, PlanError> {
        if mastery.len() != graph.len() {
            return Err(PlanError::Length { given: mastery.len(), skills: graph.len() });
        }
        if params.blocks == 0 || params.blocks > MAX_BLOCKS {
            return Err(PlanError::Parameter("a plan has 1 to 6000 blocks"));
        }
        if params.right_gain > 1_024 || params.wrong_gain > 1_024 {
            return Err(PlanError::Parameter("a block adds at most 8 logits"));
        }
        if params.gate.e4() < 5_000 || params.gate.e4() > 9_900 {
            return Err(PlanError::Parameter("the gate lies between 0.5 and 0.99"));
        }
        let game = Game::new(graph, params);
        let start = Learner::new(&game, mastery);
        Ok(Self { game, start })
    }

    /// Whether there is anything to practise.
    #[must_use]
    pub fn has_actions(&self) -> bool {
        self.start.best().is_some()
    }

    /// Runs a search.
    ///
    /// # Errors
    /// [`PlanError`] when the number of trajectories is out of its limits.
    pub fn search(&self, trajectories: u32, seed: u64) -> Result<Tree, PlanError> {
        if trajectories == 0 || trajectories > MAX_TRAJECTORIES {
            return Err(PlanError::Parameter("a search has 1 to 1000000 trajectories"));
        }
        Ok(search::run(&self.game, &self.start, trajectories, seed))
    }

    /// Mean gain of mastery, summed over skills, in ten-thousandths, over simulated learners who follow a tree
    /// (and its rule beyond it).
    #[must_use]
    pub fn expected_gain_e4(&self, tree: &Tree, learners: u32, seed: u64) -> i64 {
        walk::mean_gain(&self.game, &self.start, Some(tree), learners, seed)
    }

    /// The same for learners who always practise what gains most in the next block.
    #[must_use]
    pub fn greedy_gain_e4(&self, learners: u32, seed: u64) -> i64 {
        walk::mean_gain(&self.game, &self.start, None, learners, seed)
    }

    /// Gains of single learners under both policies, the same chance for both: for intervals.
    #[must_use]
    pub fn paired_gains_e4(&self, tree: &Tree, learners: u32, seed: u64) -> Vec<(i64, i64)> {
        (0..learners)
            .map(|n| {
                let chance = chance::mix(seed ^ u64::from(n).rotate_left(32));
                let follow = |tree| walk::one_gain(&self.game, &self.start, tree, chance);
                (follow(Some(tree)), follow(None))
            })
            .collect()
    }

    /// The path a learner with the most likely responses walks under a tree: skills in the order in which they
    /// are first practised.
    #[must_use]
    pub fn path(&self, tree: &Tree) -> Vec<u16> {
        walk::path(&self.game, &self.start, tree)
    }

    /// Gain of one block on a skill, expected, ten-thousandths of mastery; `None` when it cannot be practised.
    #[must_use]
    pub fn next_block_gain_e4(&self, skill: u16) -> Option<i64> {
        self.start.clone().expected_gain_e4(&self.game, skill)
    }
}
