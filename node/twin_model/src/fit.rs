//! Fits the mastery model: difficulties, tracker, knowledge tracing, then the weights over all of them.
//!
//! The weights see features made with difficulties of OTHER students (four folds): a difficulty that has seen
//! the very answer would look more reliable than it will be for a new student. Strengths of the penalties are
//! chosen on held students of the training log. The final difficulties come from all of it.

use std::time::Instant;

use aula_twin_runtime::fixed::Logit;
use aula_twin_runtime::model::{Feature, ItemParams, Model, SkillParams};
use aula_twin_runtime::params::Params;

use super::difficulty::{self, Difficulties};
use super::features::walk;
use super::knowledge::{self, Parameters};
use super::log::{Log, Names, Student};
use super::logistic::{self, Design};
use super::tracker;

mod choice;

pub use choice::Strengths;
use choice::{choose, ridge};

/// Folds of students for honest difficulties.
const FOLDS: usize = 4;
/// Most responses the weights are fitted on; beyond it, every n-th student is taken.
const MAX_ROWS: usize = 1_500_000;

/// Sparse features of one response, and whether it was right.
type FeatureRow = (Vec<(u32, f32)>, bool);
/// A student's place in the log and rows.
type StudentRows = (usize, Vec<FeatureRow>);

/// A model and what it was made from.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The model, in integers.
    pub model: Model,
    /// Names of its items and skills.
    pub names: Names,
    /// How it was fitted.
    pub report: FitReport,
}

/// How a model was fitted.
#[derive(Debug, Clone, serde::Serialize)]
pub struct FitReport {
    /// Students of the training log.
    pub students: usize,
    /// Responses of the training log.
    pub responses: usize,
    /// Items that stand in the training log.
    pub items: usize,
    /// Skills that stand in the training log.
    pub skills: usize,
    /// Chosen strengths: shared weights, item offsets, item slopes, skill parameters.
    pub strengths: Strengths,
    /// Log-loss on held training students at the chosen strengths, nats.
    pub held_log_loss: f64,
    /// Time, seconds.
    pub fit_s: f64,
}

/// Where each kind of weight stands among the columns of the regression.
#[derive(Debug, Clone, Copy)]
struct Columns {
    items: usize,
    skills: usize,
}

impl Columns {
    const SHARED: usize = 1;
    const OWN: usize = 1 + Feature::COUNT;

    fn offset(self, item: usize) -> usize {
        Self::OWN + item
    }
    fn slope(self, item: usize) -> usize {
        Self::OWN + self.items + item
    }
    /// `part` is 0 for the bias, 1 for the slope of wins, 2 of fails.
    fn skill(self, skill: usize, part: usize) -> usize {
        Self::OWN + 2 * self.items + part * self.skills + skill
    }
    fn width(self) -> usize {
        Self::OWN + 2 * self.items + 3 * self.skills
    }
}

fn e6(x: f64) -> Logit {
    Logit::clamped((x * 1e6).round() as i64)
}

/// A model with difficulties, tracker and knowledge tracing, and no weights yet.
fn skeleton(d: &Difficulties, known: &[Parameters], common: &Parameters) -> Model {
    let mut model = Model::unfitted();
    let item = |difficulty: f64| ItemParams { difficulty: e6(difficulty), offset: e6(0.0), slope: e6(0.0) };
    let skill = |level: f64, p: &Parameters| SkillParams {
        unseen_item: item(level),
        median_item: item(level),
        knowledge: knowledge::rounded(p),
        ..model.unseen_skill
    };
    model.skills = d.skills.iter().zip(known).map(|(level, p)| skill(*level, p)).collect();
    model.items = d.items.iter().map(|x| item(*x)).collect();
    model.unseen_skill = skill(d.unseen, common);
    model
}

/// Fits a model on a log.
#[must_use]
pub fn fit(log: &Log, names: &Names) -> Fitted {
    let started = Instant::now();
    let (items, skills) = (names.item_names.len(), names.skill_names.len());
    let every = log.rows.len().div_ceil(MAX_ROWS).max(1);
    let students: Vec<&Student> = log.students.iter().step_by(every).collect();
    let (known, common) = knowledge::fit(log, &students, skills);
    let part = |fold: usize, inside: bool| -> Vec<&Student> {
        let chosen = students.iter().enumerate().filter(|(n, _)| (n % FOLDS == fold) == inside);
        chosen.map(|(_, s)| *s).collect()
    };
    let columns = Columns { items, skills };
    let mut parts: Vec<StudentRows> = Vec::new();
    let mut tracker_params = None;
    for fold in 0..FOLDS {
        let others = difficulty::fit(log, &part(fold, false), items, skills);
        let mut params = Params::reference(skeleton(&others, &known, &common));
        let chosen = tracker_params
            .get_or_insert_with(|| tracker::search(log, &part(fold, true), &params, others.ability_variance));
        params.model.tracker = *chosen;
        for (n, student) in students.iter().enumerate().filter(|(n, _)| n % FOLDS == fold) {
            parts.push((n, rows_of(log, student, &params, columns)));
        }
    }
    parts.sort_by_key(|(n, _)| *n);
    let scales = scales(&parts);
    for (row, _) in parts.iter_mut().flat_map(|(_, rows)| rows) {
        for (column, value) in row.iter_mut().take(Columns::OWN) {
            *value /= scales[*column as usize];
        }
    }
    let (strengths, held_log_loss) = choose(&parts, columns, &scales);
    let design = design(parts.iter().flat_map(|(_, rows)| rows));
    let (ridge, start) = ridge(columns, &scales, strengths);
    let weights = logistic::fit(&design, &ridge, start, 120);
    let everyone: Vec<&Student> = log.students.iter().collect();
    let all = difficulty::fit(log, &everyone, items, skills);
    let mut model = skeleton(&all, &known, &common);
    model.tracker = tracker_params.unwrap_or(model.tracker);
    write_weights(&mut model, &weights, columns, &scales);
    write_priors(&mut model, log);
    let report = FitReport {
        students: log.students.len(),
        responses: log.rows.len(),
        items,
        skills,
        strengths,
        held_log_loss,
        fit_s: started.elapsed().as_secs_f64(),
    };
    Fitted { model, names: names.clone(), report }
}

/// One student's rows as sparse features. The shared ones come first, all of them, so that scaling finds them.
fn rows_of(log: &Log, student: &Student, params: &Params, columns: Columns) -> Vec<FeatureRow> {
    let mut rows = Vec::with_capacity(log.rows_of(student).len());
    walk(log, student, params, |row, prediction, state| {
        let skills = log.skills(row);
        let mut features = Vec::with_capacity(Columns::OWN + 2 + 3 * skills.len());
        features.push((0, 1.0));
        for (n, x) in prediction.features.iter().enumerate() {
            features.push(((Columns::SHARED + n) as u32, *x as f32 / 1e6));
        }
        let item = row.item.0 as usize;
        let ability = prediction.features[0] as f32 / 1e6;
        features.push((columns.offset(item) as u32, 1.0));
        features.push((columns.slope(item) as u32, ability));
        let share = 1.0 / skills.len() as f32;
        for skill in skills {
            let at = usize::from(skill.0);
            features.push((columns.skill(at, 0) as u32, share));
            let held = state.skills().binary_search_by_key(skill, |e| e.skill);
            if let Some(entry) = held.ok().and_then(|n| state.skills().get(n)) {
                let (wins, fails) = (entry.track.wins as f32, entry.track.fails as f32);
                features.push((columns.skill(at, 1) as u32, share * wins.ln_1p()));
                features.push((columns.skill(at, 2) as u32, share * fails.ln_1p()));
            }
        }
        rows.push((features, row.correct));
    });
    rows
}

/// Standard deviation of each shared feature; 1 for the constant and for what never varies.
fn scales(parts: &[StudentRows]) -> [f32; Columns::OWN] {
    let (mut sums, mut squares, mut count) = ([0.0_f64; Columns::OWN], [0.0_f64; Columns::OWN], 0.0_f64);
    for (row, _) in parts.iter().flat_map(|(_, rows)| rows) {
        count += 1.0;
        for (column, value) in row.iter().take(Columns::OWN) {
            sums[*column as usize] += f64::from(*value);
            squares[*column as usize] += f64::from(*value).powi(2);
        }
    }
    let mut scales = [1.0_f32; Columns::OWN];
    for n in 1..Columns::OWN {
        let mean = sums[n] / count.max(1.0);
        let spread = (squares[n] / count.max(1.0) - mean * mean).max(0.0).sqrt();
        if spread > 1e-4 {
            scales[n] = spread as f32;
        }
    }
    scales
}

fn design<'a>(rows: impl Iterator<Item = &'a FeatureRow>) -> Design {
    let mut design = Design::default();
    for (row, correct) in rows {
        design.push(row.iter().copied(), *correct);
    }
    design
}

fn write_weights(model: &mut Model, weights: &[f64], columns: Columns, scales: &[f32; Columns::OWN]) {
    model.bias = e6(weights[0]);
    for (n, weight) in model.weights.iter_mut().enumerate() {
        let at = Columns::SHARED + n;
        *weight = e6(weights[at] / f64::from(scales[at]));
    }
    for (n, item) in model.items.iter_mut().enumerate() {
        item.offset = e6(weights[columns.offset(n)]);
        item.slope = e6(weights[columns.slope(n)]);
    }
    for (n, skill) in model.skills.iter_mut().enumerate() {
        skill.bias = e6(weights[columns.skill(n, 0)]);
        skill.win_slope = e6(weights[columns.skill(n, 1)]);
        skill.fail_slope = e6(weights[columns.skill(n, 2)]);
    }
}

/// For each skill: the mean of its items, weighted by responses, for unseen ones; and its median item.
fn write_priors(model: &mut Model, log: &Log) {
    let mut of_skill: Vec<std::collections::BTreeMap<usize, u32>> =
        vec![Default::default(); model.skills.len()];
    for row in &log.rows {
        for skill in log.skills(row) {
            *of_skill[usize::from(skill.0)].entry(row.item.0 as usize).or_default() += 1;
        }
    }
    let easiness = f64::from(model.weights[Feature::Easiness as usize].e6()) / 1e6;
    let tracker = f64::from(model.weights[Feature::Tracker as usize].e6()) / 1e6;
    let items = model.items.clone();
    // Log-odds of a student of mean ability on an item, up to a constant.
    let ease = |n: usize| {
        let item = &items[n];
        f64::from(item.offset.e6()) - (easiness + tracker) * f64::from(item.difficulty.e6())
    };
    for (skill, counts) in model.skills.iter_mut().zip(&of_skill) {
        let total: f64 = counts.values().map(|c| f64::from(*c)).sum();
        if total == 0.0 {
            continue;
        }
        let mean = |part: fn(&ItemParams) -> Logit| {
            let sum: f64 = counts.iter().map(|(n, c)| f64::from(part(&items[*n]).e6()) * f64::from(*c)).sum();
            Logit::clamped((sum / total).round() as i64)
        };
        skill.unseen_item = ItemParams {
            difficulty: mean(|i| i.difficulty),
            offset: mean(|i| i.offset),
            slope: mean(|i| i.slope),
        };
        let mut order: Vec<usize> = counts.keys().copied().collect();
        order.sort_by(|a, b| ease(*a).total_cmp(&ease(*b)).then(a.cmp(b)));
        if let Some(n) = order.get(order.len() / 2) {
            skill.median_item = items[*n];
        }
    }
}
