//! What a teaching method would do to the forked twins of a persona, and to their requests.
//!
//! Flow: the twins fall into clusters ([`personas::clusters`]) by ability, weakest and strongest skill, and need → each
//! twin of a changed persona plans an hour over its own skills with the production planner, with the method as it is
//! and as it would be → the difference of the planned gains lowers (or raises) its need, which enters the twin as an
//! event → the new band enters the rounds' requests. Declared assumption: need falls in proportion to what mastery
//! gains, 2,559 for a gain of one in every skill. Invariants: a method at 100% changes no twin and no band. Absent:
//! any claim that the clusters are kinds of people or that the method would do this.

use std::collections::BTreeMap;

use aula_ledger::rounds::RoundInputs;
use aula_ledger::types::{Band, Handle};
use aula_twin_model::personas::{self, scaled_block};
use aula_twin_runtime::fixed::{Need, Proportion, div_floor};
use aula_twin_runtime::planner::{Plan, PlanParams};
use aula_twin_runtime::skill_graph::SkillGraph;
use serde::Serialize;

use super::change::Change;
use super::twins::{Twin, Twins};
use crate::terminal::{Advise, DEFECT, Failure};

/// Practice that is planned: an hour in blocks of ten minutes.
const BLOCKS: u16 = 6;
/// Trajectories of a twin's search: two skills over an hour have fewer states than four times this, so that the plan
/// is known exactly.
const TRAJECTORIES: u32 = 200;
/// Simulated learners where a plan is not known exactly.
const LEARNERS: u32 = 20;

/// A persona among the twins, before and after. Means over its twins.
#[derive(Debug, Serialize)]
pub struct Effect {
    /// Its number, weakest first.
    pub persona: usize,
    /// How many twins fell into it.
    pub twins: usize,
    /// Ability, logits.
    pub ability: f64,
    /// Mastery of the weakest skill, 0 to 1.
    pub weakest: f64,
    /// Mastery of the strongest skill, 0 to 1.
    pub strongest: f64,
    /// On the voted scale, 0 to 2,559.
    pub need: f64,
    /// What a block of practice gives, per cent of the reference.
    pub method_percent: u32,
    /// Planned gain of an hour as it is, skills; only of a changed persona.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain: Option<f64>,
    /// The same with the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gain_changed: Option<f64>,
    /// On the same scale, once the planned gain is taken off.
    pub need_changed: f64,
    /// Twins in another band.
    pub bands_changed: usize,
}

impl Effect {
    /// Every count of students that follows from what is told of it.
    pub fn counts(&self) -> [u32; 3] {
        let [all, changed] = [self.twins, self.bands_changed].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        [all, changed, all.saturating_sub(changed)]
    }

    /// Whether a change was asked for.
    pub fn is_changed(&self) -> bool {
        self.gain.is_some()
    }

    /// A persona nothing is known of.
    #[cfg(test)]
    pub fn unchanged(persona: usize) -> Self {
        Self {
            persona,
            twins: 0,
            ability: 0.0,
            weakest: 0.0,
            strongest: 0.0,
            need: 0.0,
            method_percent: 100,
            gain: None,
            gain_changed: None,
            need_changed: 0.0,
            bands_changed: 0,
        }
    }

    /// One line for people.
    pub fn text(&self) -> String {
        let gains = match (self.gain, self.gain_changed) {
            (Some(a), Some(b)) => format!(": planned gain {a:.3} -> {b:.3} skills"),
            _ => String::new(),
        };
        format!(
            "persona {} ({} twins, ability {:+.2}, weakest skill {:.2}, strongest {:.2}): method at {}%{gains}, need {:.0} -> \
             {:.0}, {} in another band",
            self.persona,
            self.twins,
            self.ability,
            self.weakest,
            self.strongest,
            self.method_percent,
            self.need,
            self.need_changed,
            self.bands_changed
        )
    }
}

/// Bands that the change gives, by handle.
pub type Bands = BTreeMap<Handle, Band>;

/// Ability, weakest and strongest mastery, need.
fn point(twin: &Twin) -> [f64; 4] {
    let state = &twin.state;
    let level = |e: &aula_twin_runtime::twin::SkillEntry| {
        f64::from(state.mastery(e.skill, &twin.params).level.e4()) / 1e4
    };
    let levels: Vec<f64> = state.skills().iter().map(level).collect();
    let none = f64::from(state.proficiency().e4()) / 1e4;
    let weakest = levels.iter().copied().reduce(f64::min).unwrap_or(none);
    let strongest = levels.iter().copied().reduce(f64::max).unwrap_or(none);
    let need = f64::from(state.need(&twin.params).score());
    [f64::from(state.ability().mean.e6()) / 1e6, weakest, strongest, need]
}

/// Planned gain of an hour over a twin's own skills, e4 over all of them, with a block's effect in per cent.
fn planned_gain_e4(twin: &Twin, percent: u32, seed: u64) -> Result<i64, Failure> {
    let state = &twin.state;
    if state.skills().is_empty() {
        return Ok(0);
    }
    let names = state.skills().iter().map(|e| e.skill.0.to_string()).collect();
    let graph = SkillGraph::new(names, &[]).hint(DEFECT)?;
    let level = |e: &aula_twin_runtime::twin::SkillEntry| Some(state.mastery(e.skill, &twin.params).level);
    let mastery: Vec<Option<Proportion>> = state.skills().iter().map(level).collect();
    let params = PlanParams { blocks: BLOCKS, ..scaled_block(percent) };
    let plan = Plan::new(&graph, &mastery, params).hint(DEFECT)?;
    if !plan.has_actions() {
        return Ok(0);
    }
    let tree = plan.search(TRAJECTORIES, seed).hint(DEFECT)?;
    let known = tree.alternatives().first().filter(|_| tree.is_exact()).map(|best| best.gain_e4);
    Ok(known.unwrap_or_else(|| plan.expected_gain_e4(&tree, LEARNERS, seed)))
}

/// The need after a method's change: it falls as mastery gains more.
fn need_after(need: Need, gain_e4: i64, changed_e4: i64, skills: usize) -> Need {
    let all = i64::try_from(skills.max(1)).unwrap_or(i64::MAX).saturating_mul(10_000);
    let less = div_floor((changed_e4 - gain_e4).saturating_mul(i64::from(Need::MAX.score())), all);
    Need::clamped(i64::from(need.score()) - less)
}

/// One twin of a changed persona.
struct Moved {
    gain_e4: i64,
    changed_e4: i64,
    need: f64,
    band: Option<Band>,
}

fn moved(twin: &Twin, percent: u32, seed: u64) -> Result<Moved, Failure> {
    let gain_e4 = planned_gain_e4(twin, 100, seed)?;
    let changed_e4 = if percent == 100 { gain_e4 } else { planned_gain_e4(twin, percent, seed)? };
    let need = twin.state.need(&twin.params);
    let after = need_after(need, gain_e4, changed_e4, twin.state.skills().len());
    let band = (after.band() != need.band()).then(|| Band::new(after.band())).flatten();
    Ok(Moved { gain_e4, changed_e4, need: f64::from(after.score()), band })
}

/// Finds personas among the twins and applies the methods' changes to them.
///
/// # Errors
/// When a plan is refused, which a bug alone could cause.
pub fn effects(
    twins: &Twins,
    count: usize,
    seed: u64,
    changes: &[Change],
    concerned: &mut [bool],
    mut tell: impl FnMut(),
) -> Result<(Vec<Effect>, Bands), Failure> {
    let points: Vec<[f64; 4]> = twins.states.values().map(point).collect();
    let members = personas::clusters(&points, count);
    let mut bands = Bands::new();
    let mut list = Vec::new();
    for persona in 0..members.iter().max().map_or(0, |last| last + 1) {
        let mut percent = None;
        for (change, concerned) in changes.iter().zip(concerned.iter_mut()) {
            if let Change::Method(of, given) = change
                && *of == persona
            {
                (percent, *concerned) = (Some(*given), true);
            }
        }
        let own = || twins.states.iter().zip(&points).zip(&members).filter(|(_, m)| **m == persona);
        let size = own().count();
        let mean = |sum: f64| sum / size.max(1) as f64;
        let of = |at: usize| mean(own().map(|((_, p), _)| p[at]).sum());
        let (mut gains, mut need_changed, mut bands_changed) = ([0.0; 2], of(3), 0);
        if let Some(percent) = percent {
            let mut needs = 0.0;
            for ((handle, twin), _) in own().map(|(pair, _)| pair) {
                let one = moved(twin, percent, seed)?;
                gains = [gains[0] + one.gain_e4 as f64 / 1e4, gains[1] + one.changed_e4 as f64 / 1e4];
                needs += one.need;
                if let Some(band) = one.band {
                    bands.insert(*handle, band);
                    bands_changed += 1;
                }
                tell();
            }
            need_changed = mean(needs);
        }
        list.push(Effect {
            persona,
            twins: size,
            ability: of(0),
            weakest: of(1),
            strongest: of(2),
            need: of(3),
            method_percent: percent.unwrap_or(100),
            gain: percent.map(|_| mean(gains[0])),
            gain_changed: percent.map(|_| mean(gains[1])),
            need_changed,
            bands_changed,
        });
    }
    Ok((list, bands))
}

/// Puts the new bands into a round's requests; returns whether any is among them.
pub fn apply(bands: &Bands, inputs: &mut RoundInputs) -> bool {
    let mut found = false;
    for (handle, row) in &mut inputs.requests {
        if let Some(band) = bands.get(handle) {
            (row.band, found) = (*band, true);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn need_falls_as_mastery_gains_and_stays_without_a_change() {
        let need = Need::clamped(1_000);
        assert_eq!(need_after(need, 4_000, 4_000, 2), need);
        assert_eq!(need_after(need, 4_000, 6_000, 2).score(), 1_000 - 255);
        assert!(need_after(need, 4_000, 2_000, 2) > need);
        assert_eq!(need_after(Need::MIN, 0, 20_000, 2), Need::MIN);
        assert_eq!(need_after(Need::MAX, 20_000, 0, 1), Need::MAX);
    }
}
