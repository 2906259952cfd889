//! A teaching method's effect on personas: clusters of students found in a log, planning before and after.

use std::path::Path;

use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names};
use aula_twin_model::personas::{self, Persona};
use aula_twin_model::{graph, study};
use serde::Serialize;

use super::change::Change;
use crate::command::twin::{GRAPH_HINT, LOG_HINT};
use crate::command::{Advise, Context, Failure};

/// Simulated learners of each persona.
const LEARNERS: u32 = 50;
/// Trajectories of each learner's search.
const TRAJECTORIES: u32 = 500;
/// Growth of a year assumed where no yearly scores are given, standard deviations of ability: the mean of Project
/// STAR's three steps from kindergarten to grade 3 (`aula twin study` fits it).
const GROWTH_SD: f64 = 1.0;

/// A persona before and after.
#[derive(Debug, Serialize)]
pub struct Effect {
    /// Its number, weakest first.
    pub persona: usize,
    /// What its students have in common.
    pub found: Persona,
    /// What a block of practice gives, per cent of the reference.
    pub method_percent: u32,
    /// Mean planned gain without the change, skills.
    pub before: f64,
    /// Mean planned gain with the change, skills.
    pub after: f64,
}

impl Effect {
    /// One line for people.
    pub fn text(&self) -> String {
        format!(
            "persona {} ({} students, {:.0}% right, ability {:+.2}): method at {}%: planned gain {:.3} -> {:.3} skills \
             ({:+.3})",
            self.persona,
            self.found.students,
            100.0 * self.found.share_right,
            self.found.ability,
            self.method_percent,
            self.before,
            self.after,
            self.after - self.before
        )
    }
}

/// Finds personas in a log and plans for each, with and without the changes that concern them.
///
/// # Errors
/// When log or graph is refused.
pub fn effects(
    context: &Context,
    log: &Path,
    dir: &Path,
    count: usize,
    seed: u64,
    changes: &[Change],
    concerned: &mut [bool],
) -> Result<Vec<Effect>, Failure> {
    let graph = graph::read(dir).hint(GRAPH_HINT)?;
    let grades = study::grades(dir).hint(GRAPH_HINT)?;
    let mut names = Names::default();
    let log = Log::read(log, &mut names).hint(LOG_HINT)?;
    context.tell(format_args!("finding personas among {} students", log.students.len()));
    let model = fit(&log, &names).model;
    let law = study::Law::of(&model, &log, GROWTH_SD);
    let mut effects = Vec::new();
    for (n, found) in personas::find(&log, &model, count).into_iter().enumerate() {
        let mut method_percent = 100;
        for (change, concerned) in changes.iter().zip(concerned.iter_mut()) {
            if let Change::Method(persona, percent) = change
                && *persona == n
            {
                (method_percent, *concerned) = (*percent, true);
            }
        }
        let gain = |percent| {
            let size = (LEARNERS, TRAJECTORIES, seed);
            personas::planned_gain(&found, (&graph, &grades), law, percent, size).hint(GRAPH_HINT)
        };
        let before = gain(100)?;
        let after = if method_percent == 100 { before } else { gain(method_percent)? };
        effects.push(Effect { persona: n, found, method_percent, before, after });
    }
    Ok(effects)
}
