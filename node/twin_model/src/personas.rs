//! Personas: clusters of students found in a log, and what practice gains them.
//!
//! Each student of the log is a point: final ability, the recent residuals (going up or down), the share right,
//! and how many responses there are (logarithm), each in standard deviations. K-means (Lloyd 1982) from starts at
//! quantiles of ability: deterministic, and personas come weakest first. Absent: names, and any claim that the
//! clusters are kinds of people.

use aula_twin_runtime::fixed::Proportion;
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::planner::{Plan, PlanError, PlanParams};
use aula_twin_runtime::skill_graph::SkillGraph;
use aula_twin_runtime::twin::{TwinState, step};
use serde::Serialize;

use super::features::event_of;
use super::log::Log;
use super::study::{Draw, Law, learner_of};

/// Rounds of assignment and means: settled long before on every log tried.
const ROUNDS: usize = 60;

/// What the students of a cluster have in common.
#[derive(Debug, Clone, Serialize)]
pub struct Persona {
    /// How many.
    pub students: usize,
    /// Mean of their abilities, logits.
    pub ability: f64,
    /// Mean of their recent residuals: above 0 they do better than they used to.
    pub recent: f64,
    /// Share of right answers.
    pub share_right: f64,
    /// Mean number of responses.
    pub responses: f64,
}

/// Four coordinates; of a log's student: ability, recent residual, share right, ln responses.
pub type Point = [f64; 4];

fn points(log: &Log, model: &Model) -> Vec<Point> {
    let params = Params::reference(model.clone());
    let mut points = Vec::with_capacity(log.students.len());
    for student in &log.students {
        let mut state = TwinState::new(&params);
        for (n, row) in log.rows_of(student).iter().enumerate() {
            if let Some(event) = event_of(log, row, n) {
                // A refused response (a 1,025th skill) teaches nothing, and the state stays.
                let _ = step(&mut state, &event, &params);
            }
        }
        let ability = state.ability();
        let (wins, fails) = (f64::from(ability.wins), f64::from(ability.fails));
        let mean = f64::from(ability.mean.e6()) / 1e6;
        let recent = f64::from(ability.recent_slow.e6()) / 1e6;
        points.push([mean, recent, wins / (wins + fails).max(1.0), (wins + fails).ln_1p()]);
    }
    points
}

/// Mean and standard deviation of each coordinate.
fn moments(points: &[Point]) -> [(f64, f64); 4] {
    let n = points.len().max(1) as f64;
    [0, 1, 2, 3].map(|at| {
        let mean = points.iter().map(|p| p[at]).sum::<f64>() / n;
        let spread = points.iter().map(|p| (p[at] - mean).powi(2)).sum::<f64>() / n;
        (mean, spread.sqrt().max(1e-6))
    })
}

fn distance(a: &Point, b: &Point) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum()
}

/// Finds `count` personas, or as many as there are students; clusters that end empty are left out.
#[must_use]
pub fn find(log: &Log, model: &Model, count: usize) -> Vec<Persona> {
    let points = points(log, model);
    let member = clusters(&points, count);
    (0..=member.iter().copied().max().unwrap_or(0)).filter_map(|k| describe(&points, &member, k)).collect()
}

/// The cluster of each point, by k-means over standardised coordinates: 0, 1, 2, … by ascending mean of the first
/// coordinate, at most `count` of them, none empty.
#[must_use]
pub fn clusters(points: &[Point], count: usize) -> Vec<usize> {
    let moments = moments(points);
    let scaled: Vec<Point> =
        points.iter().map(|p| [0, 1, 2, 3].map(|at| (p[at] - moments[at].0) / moments[at].1)).collect();
    let count = count.clamp(1, scaled.len().max(1));
    let mut order: Vec<usize> = (0..scaled.len()).collect();
    order.sort_by(|a, b| points[*a][0].total_cmp(&points[*b][0]).then(a.cmp(b)));
    let mut centres: Vec<Point> = (0..count)
        .filter_map(|k| Some(scaled[*order.get((2 * k + 1) * order.len() / (2 * count))?]))
        .collect();
    let mut member = vec![0; scaled.len()];
    for _ in 0..ROUNDS {
        let nearest = |p: &Point| {
            let at = (0..centres.len())
                .min_by(|a, b| distance(p, &centres[*a]).total_cmp(&distance(p, &centres[*b])));
            at.unwrap_or(0)
        };
        let next: Vec<usize> = scaled.iter().map(nearest).collect();
        if next == member {
            break;
        }
        member = next;
        for (k, centre) in centres.iter_mut().enumerate() {
            let own: Vec<&Point> =
                scaled.iter().zip(&member).filter(|(_, m)| **m == k).map(|(p, _)| p).collect();
            if !own.is_empty() {
                *centre = [0, 1, 2, 3].map(|at| own.iter().map(|p| p[at]).sum::<f64>() / own.len() as f64);
            }
        }
    }
    by_first(points, &member, count)
}

/// Numbers clusters by the mean of the first coordinate, leaving out empty ones.
fn by_first(points: &[Point], member: &[usize], count: usize) -> Vec<usize> {
    let mean = |k: usize| {
        let own: Vec<f64> = points.iter().zip(member).filter(|(_, m)| **m == k).map(|(p, _)| p[0]).collect();
        (!own.is_empty()).then(|| (own.iter().sum::<f64>() / own.len() as f64, k))
    };
    let mut found: Vec<(f64, usize)> = (0..count).filter_map(mean).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    member.iter().map(|m| found.iter().position(|(_, k)| k == m).unwrap_or(0)).collect()
}

fn describe(points: &[Point], member: &[usize], k: usize) -> Option<Persona> {
    let own: Vec<&Point> = points.iter().zip(member).filter(|(_, m)| **m == k).map(|(p, _)| p).collect();
    let mean = |of: &dyn Fn(&Point) -> f64| own.iter().map(|p| of(p)).sum::<f64>() / own.len().max(1) as f64;
    (!own.is_empty()).then(|| Persona {
        students: own.len(),
        ability: mean(&|p| p[0]),
        recent: mean(&|p| p[1]),
        share_right: mean(&|p| p[2]),
        responses: mean(&|p| p[3].exp_m1()),
    })
}

/// The reference parameters with a block of practice that gives `percent` of the reference, rounded down.
#[must_use]
pub fn scaled_block(percent: u32) -> PlanParams {
    let scaled = |gain: u16| u16::try_from(u64::from(gain) * u64::from(percent) / 100).unwrap_or(u16::MAX);
    let reference = PlanParams::reference();
    PlanParams {
        right_gain: scaled(reference.right_gain),
        wrong_gain: scaled(reference.wrong_gain),
        ..reference
    }
}

/// Mean planned gain of simulated learners of a persona, in skills, when a block of practice gives `percent` of
/// the reference; `size` is learners, trajectories of each one's search, seed. Equal seeds draw equal learners.
///
/// # Errors
/// [`PlanError`] when graph and grades differ in length or a limit is passed.
pub fn planned_gain(
    persona: &Persona,
    (graph, grades): (&SkillGraph, &[f64]),
    law: Law,
    percent: u32,
    (learners, trajectories, seed): (u32, u32, u64),
) -> Result<f64, PlanError> {
    let params = scaled_block(percent);
    let mut draw = Draw::new(seed);
    let mut sum = 0.0;
    for n in 0..learners {
        let mastery: Vec<Option<Proportion>> = learner_of(&law, persona.ability, grades, &mut draw);
        let plan = Plan::new(graph, &mastery, params)?;
        if plan.has_actions() {
            let tree = plan.search(trajectories, seed.wrapping_add(u64::from(n)))?;
            sum += plan.expected_gain_e4(&tree, 4, seed ^ u64::from(n)) as f64 / 1e4;
        }
    }
    Ok(sum / f64::from(learners.max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_are_found_numbered_weakest_first_and_none_is_empty() {
        let cloud = |centre: f64, n: usize| {
            (0..n).map(move |i| [centre + (i % 7) as f64 / 50.0, centre, -centre, (i % 3) as f64 / 50.0])
        };
        let points: Vec<Point> = cloud(3.0, 40).chain(cloud(-2.0, 30)).chain(cloud(0.5, 20)).collect();
        let member = clusters(&points, 3);
        assert!(member[..40].iter().all(|m| *m == 2) && member[40..70].iter().all(|m| *m == 0));
        assert!(member[70..].iter().all(|m| *m == 1));
        assert_eq!(clusters(&points[..2], 9).len(), 2);
        assert!(clusters(&[], 4).is_empty());
        let same = vec![[1.0; 4]; 5];
        assert_eq!(clusters(&same, 3), [0; 5]);
    }

    #[test]
    fn a_block_of_all_is_the_reference() {
        assert_eq!(scaled_block(100), PlanParams::reference());
        assert_eq!(scaled_block(150).right_gain, 115);
    }
}
