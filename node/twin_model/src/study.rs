//! Is a planned path better than a greedy one? Simulated learners whose parameters come from data.
//!
//! Fitted: the spread of students' overall ability and of their deviations on single skills, from a log of
//! responses ([`super::fit`]); the share of right answers of the mean student, likewise; the growth of a year, as
//! a share of the spread between students, from yearly scores ([`growth_per_year`]). Assumed, and said in the
//! report: grades 1 to 8 alike, a skill of the graph is as far from a learner as its grade is from theirs,
//! deviations are independent, and practice works as [`PlanParams::reference`] declares. Each learner has a plan
//! of their own; planned and greedy practice meet the same chance. The interval is that of a ratio of means
//! over learners (delta method).

use std::collections::BTreeMap;
use std::path::Path;

use aula_twin_runtime::fixed::Proportion;
use aula_twin_runtime::model::Model;
use aula_twin_runtime::planner::{Plan, PlanError, PlanParams};
use aula_twin_runtime::skill_graph::SkillGraph;
use serde::Serialize;

use super::log::Log;
use super::logistic::sigmoid;
use super::table::{Table, TableError};

/// Paths each learner walks under either policy.
const WALKS: u32 = 8;

/// What was fitted on data.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Law {
    /// Standard deviation of overall ability, logits.
    pub ability_sd: f64,
    /// Standard deviation of the deviation on one skill, logits.
    pub skill_sd: f64,
    /// Log-odds of a right answer of the mean student at their own grade.
    pub level: f64,
    /// Growth of ability in a school year, logits.
    pub growth: f64,
}

impl Law {
    /// From a fitted model, the log it was fitted on, and the growth of a year in standard deviations.
    #[must_use]
    pub fn of(model: &Model, log: &Log, growth_sd: f64) -> Self {
        let root = |e6: u32| (f64::from(e6) / 1e6).sqrt();
        let ability_sd = root(model.tracker.ability_variance.e6());
        let right = log.rows.iter().filter(|r| r.correct).count() as f64 / log.rows.len().max(1) as f64;
        let right = right.clamp(0.01, 0.99);
        Self {
            ability_sd,
            skill_sd: root(model.tracker.skill_variance.e6()),
            level: (right / (1.0 - right)).ln(),
            growth: growth_sd * ability_sd,
        }
    }
}

/// The outcome of a study. Gains are in skills: 1 is one skill from nothing to certain mastery.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Learners with something to practise.
    pub learners: usize,
    /// Mean gain of planned paths.
    pub planned: f64,
    /// Mean gain of greedy paths.
    pub greedy: f64,
    /// How much more planned paths gain, per cent.
    pub gain_percent: f64,
    /// Its 95% interval, per cent, least first.
    pub interval_percent: (f64, f64),
    /// The parameters of the learners.
    pub law: Law,
}

/// Mean growth of mathematics from one grade to the next, in standard deviations of the lower grade, from a
/// table with the columns student, grade and math (Project STAR's form).
///
/// # Errors
/// Any [`TableError`].
pub fn growth_per_year(path: &Path) -> Result<f64, TableError> {
    let table = Table::read(path, &["student", "grade", "math"])?;
    let mut scores: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for n in 0..table.rows().count() {
        if let (Some(grade), Some(math)) = (table.number(n, 1)?, table.number(n, 2)?) {
            scores.entry(grade as i64).or_default().push(math);
        }
    }
    let mean = |list: &[f64]| list.iter().sum::<f64>() / list.len().max(1) as f64;
    let (mut sum, mut count) = (0.0, 0.0_f64);
    for (grade, list) in &scores {
        if let Some(next) = scores.get(&(grade + 1)) {
            let centre = mean(list);
            let spread = mean(&list.iter().map(|x| (x - centre).powi(2)).collect::<Vec<_>>()).sqrt();
            sum += (mean(next) - centre) / spread.max(1e-9);
            count += 1.0;
        }
    }
    Ok(sum / count.max(1.0))
}

/// Grades of a graph's skills from its `standards.csv`: K is 0, HS is 10 (the middle of 9 to 12).
///
/// # Errors
/// Any [`TableError`]; [`TableError::Value`] for a grade that is not one of K, 1 to 12, HS.
pub fn grades(dir: &Path) -> Result<Vec<f64>, TableError> {
    let path = dir.join("standards.csv");
    let table = Table::read(&path, &["id", "grade"])?;
    let grade = |(n, row): (usize, &[String])| match row[1].as_str() {
        "K" => Ok(0.0),
        "HS" => Ok(10.0),
        text => text.parse::<f64>().map_err(|_| TableError::Value {
            path: path.clone(),
            line: Table::line(n),
            column: "grade".into(),
            value: text.to_owned(),
            want: "K, 1 to 12 or HS",
        }),
    };
    table.rows().enumerate().map(grade).collect()
}

/// Chance for drawing learners (a linear congruential generator; Knuth's constants).
pub(crate) struct Draw(u64);

impl Draw {
    /// Starts from a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (((self.0 >> 11) as f64) + 0.5) / (1_u64 << 53) as f64
    }

    /// Box and Muller 1958.
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.uniform(), self.uniform());
        (-2.0 * a.ln()).sqrt() * (2.0 * std::f64::consts::PI * b).cos()
    }
}

fn learner(law: &Law, grades: &[f64], draw: &mut Draw) -> Vec<Option<Proportion>> {
    let ability = law.ability_sd * draw.normal();
    learner_of(law, ability, grades, draw)
}

/// A learner of an ability, of a grade from 1 to 8: mastery of each skill.
pub(crate) fn learner_of(
    law: &Law,
    ability: f64,
    grades: &[f64],
    draw: &mut Draw,
) -> Vec<Option<Proportion>> {
    let own_grade = 1.0 + (draw.uniform() * 8.0).floor();
    grades
        .iter()
        .map(|grade| {
            let x = law.level + ability + law.skill_sd * draw.normal() - law.growth * (grade - own_grade);
            Some(Proportion::clamped((1e4 * sigmoid(x)).round() as i64))
        })
        .collect()
}

/// Plans for `learners` simulated learners, and compares with greedy practice. `progress` is told after each.
///
/// # Errors
/// [`PlanError`] when the graph and the grades differ in length or the trajectories are out of their limits.
pub fn run(
    graph: &SkillGraph,
    grades: &[f64],
    law: Law,
    (learners, trajectories, seed): (u32, u32, u64),
    mut progress: impl FnMut(),
) -> Result<Report, PlanError> {
    let mut draw = Draw::new(seed);
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for n in 0..learners {
        let mastery = learner(&law, grades, &mut draw);
        let plan = Plan::new(graph, &mastery, PlanParams::reference())?;
        progress();
        if !plan.has_actions() {
            continue;
        }
        let tree = plan.search(trajectories, seed.wrapping_add(u64::from(n)))?;
        let gains = plan.paired_gains_e4(&tree, WALKS, seed ^ u64::from(n));
        let mean = |one: fn(&(i64, i64)) -> i64| {
            gains.iter().map(|g| one(g) as f64).sum::<f64>() / f64::from(WALKS) / 1e4
        };
        pairs.push((mean(|g| g.0), mean(|g| g.1)));
    }
    Ok(summarise(&pairs, law))
}

fn summarise(pairs: &[(f64, f64)], law: Law) -> Report {
    let n = pairs.len().max(1) as f64;
    let (planned, greedy) =
        (pairs.iter().map(|p| p.0).sum::<f64>() / n, pairs.iter().map(|p| p.1).sum::<f64>() / n);
    let ratio = planned / greedy.max(1e-12);
    let variance = pairs.iter().map(|(p, g)| (p - ratio * g).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let half = 1.96 * (variance / n).sqrt() / greedy.max(1e-12);
    Report {
        learners: pairs.len(),
        planned,
        greedy,
        gain_percent: 100.0 * (ratio - 1.0),
        interval_percent: (100.0 * (ratio - 1.0 - half), 100.0 * (ratio - 1.0 + half)),
        law,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_a_ratio() {
        let law = Law { ability_sd: 1.0, skill_sd: 0.5, level: 0.0, growth: 1.0 };
        let equal = summarise(&[(1.0, 1.0), (2.0, 2.0), (4.0, 4.0)], law);
        assert_eq!((equal.gain_percent, equal.interval_percent), (0.0, (0.0, 0.0)));
        let tenth = summarise(&[(1.1, 1.0), (2.2, 2.0), (3.3, 3.0)], law);
        assert!((tenth.gain_percent - 10.0).abs() < 1e-9 && tenth.interval_percent.0 > 9.9);
        let noisy = summarise(&[(1.0, 2.0), (2.0, 1.0), (2.1, 2.0)], law);
        assert!(noisy.interval_percent.0 < 0.0 && noisy.interval_percent.1 > noisy.gain_percent);
    }

    #[test]
    fn a_year_of_growth_is_the_mean_step_in_deviations() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("scores.csv");
        // Deviation 10 in every grade; steps of 10 and 30.
        let rows = [(0, 90), (0, 110), (1, 100), (1, 120), (2, 130), (2, 150)];
        let rows: Vec<String> = rows.iter().enumerate().map(|(n, (g, m))| format!("{n},{g},{m}\n")).collect();
        std::fs::write(&path, format!("student,grade,math\n{}", rows.concat())).unwrap();
        assert!((growth_per_year(&path).unwrap() - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_study_is_repeatable_and_judges_the_learners_it_drew() {
        let graph = SkillGraph::new((0..12).map(|n| format!("k{n}")).collect(), &[]).unwrap();
        let grades: Vec<f64> = (0..12).map(|n| f64::from(n) / 2.0).collect();
        let law = Law { ability_sd: 0.5, skill_sd: 0.2, level: 0.0, growth: 0.8 };
        let one = run(&graph, &grades, law, (12, 60, 3), || ()).unwrap();
        let two = run(&graph, &grades, law, (12, 60, 3), || ()).unwrap();
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
        assert!(one.learners > 8 && one.greedy > 0.1 && one.planned > 0.1, "{one:?}");
        assert!(run(&graph, &grades[1..], law, (1, 60, 3), || ()).is_err());
    }
}
