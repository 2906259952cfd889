//! The rules of practice as tables: what a block does to a learner at each level.
//!
//! A level is log-odds of mastery in 1/128, within ±8: 2,048 rungs. One record a rung holds everything that a
//! block needs to know about it, so that a block reads one place and divides nothing.

use super::PlanParams;
use crate::curve::sigmoid;
use crate::fixed::{Logit, ONE_E4, Proportion};
use crate::skill_graph::SkillGraph;

/// Levels: −8 to 8 logits in steps of 1/128.
const RUNGS: usize = 2_048;
/// The rung of log-odds 0.
const MIDDLE: i32 = 1_024;
/// Scores are gains in e4 times this.
pub const FINE: i64 = 64;

/// What is true of a learner on one rung.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rung {
    /// Mastery, e4.
    pub mastery: i32,
    /// Expected own gain of a block, e4 × [`FINE`].
    pub own: i32,
    /// Mean gain of a block on the way to the gate, e4 × [`FINE`].
    pub way: i32,
    /// Gain that transfer from a wrong and from a right block on a prerequisite brings, e4.
    pub gift: [i32; 2],
    /// 2^24 over the blocks until the gate opens (at least 1).
    pub needed_inverse: i32,
}

/// Graph, assumptions and tables.
#[derive(Debug, Clone)]
pub struct Game<'a> {
    /// Which skills open and help which.
    pub graph: &'a SkillGraph,
    /// The assumptions.
    pub params: PlanParams,
    rungs: Box<[Rung; RUNGS]>,
    /// Rungs a dependent receives from a wrong and from a right block.
    gift_steps: [u16; 2],
    /// Rungs of a wrong and of a right block.
    gains: [u16; 2],
    best_block_e4: i64,
    /// The last rung at or below the gate: as far as transfer can reach.
    last_shut: u16,
}

fn narrow(x: i64) -> i32 {
    i32::try_from(x).unwrap_or(if x < 0 { i32::MIN } else { i32::MAX })
}

impl<'a> Game<'a> {
    /// Builds the tables.
    pub fn new(graph: &'a SkillGraph, params: PlanParams) -> Self {
        let mut rungs = Box::new([Rung::default(); RUNGS]);
        for (n, rung) in (0_i32..).zip(rungs.iter_mut()) {
            let level = i64::from(n - MIDDLE) * 1_000_000 / 128;
            rung.mastery = i32::from(sigmoid(Logit::clamped(level)).to_proportion().e4());
        }
        let gate = i32::from(params.gate.e4());
        let last_shut = rungs.iter().rposition(|r| r.mastery <= gate).unwrap_or(0);
        let share = |gain: u16| (u32::from(gain) * u32::from(params.transfer.e4()) / 10_000) as u16;
        let gains = [params.wrong_gain, params.right_gain];
        let mut game = Self {
            graph,
            params,
            rungs,
            gift_steps: gains.map(share),
            gains,
            best_block_e4: 0,
            last_shut: last_shut as u16,
        };
        for at in 0..RUNGS as u16 {
            let rung = game.describe(at);
            game.best_block_e4 = game.best_block_e4.max(i64::from(rung.own) / FINE);
            game.rungs[usize::from(at)] = rung;
        }
        game
    }

    fn describe(&self, at: u16) -> Rung {
        let mastery = |at: u16| i64::from(self.rung(at).mastery);
        let p = mastery(at);
        let [wrong, right] = [0, 1].map(|outcome| mastery(self.after(at, outcome)) - p);
        let [slow, fast] = self.gains.map(i64::from);
        let pace = (p * fast + (ONE_E4 - p) * slow) / ONE_E4;
        let missing = (i64::from(self.last_shut) + 1 - i64::from(at)).max(0);
        let blocks = missing / pace.max(1) + 1;
        let distance = (mastery(self.last_shut + 1) - p).max(0);
        Rung {
            mastery: narrow(p),
            own: narrow((p * right + (ONE_E4 - p) * wrong) * FINE / ONE_E4),
            way: narrow(distance * FINE / blocks),
            gift: [0, 1].map(|outcome| narrow(mastery(self.after_gift(at, outcome)) - p)),
            needed_inverse: narrow((1 << 24) / blocks),
        }
    }

    /// What is true on a rung.
    pub fn rung(&self, at: u16) -> &Rung {
        // Rungs come from `after`, `after_gift` and `rung_of` only: the mask changes none of them.
        &self.rungs[usize::from(at) % RUNGS]
    }

    /// The rung after a block: `outcome` is 1 for a right response, 0 for a wrong one.
    pub fn after(&self, at: u16, outcome: usize) -> u16 {
        (at + self.gains[outcome]).min(RUNGS as u16 - 1)
    }

    /// The rung of a shut dependent after a block on its prerequisite: transfer opens no gate.
    pub fn after_gift(&self, at: u16, outcome: usize) -> u16 {
        if at < self.last_shut { (at + self.gift_steps[outcome]).min(self.last_shut) } else { at }
    }

    /// The largest expected own gain of one block on any rung, e4.
    pub const fn best_block_e4(&self) -> i64 {
        self.best_block_e4
    }

    /// The first rung of at least this mastery.
    pub fn rung_of(&self, mastery: Proportion) -> u16 {
        let at = self.rungs.partition_point(|r| r.mastery < i32::from(mastery.e4()));
        at.min(RUNGS - 1) as u16
    }

    /// Where a skill starts that was never observed: at the prior, and never above the gate.
    pub fn unseen(&self) -> u16 {
        self.rung_of(self.params.prior).min(self.last_shut)
    }

    /// Whether practice that reached a rung opens the gate.
    pub fn opens(&self, at: u16) -> bool {
        at > self.last_shut
    }
}
