//! The textbook models, for comparison on the same split: BKT, PFA, Elo, Best-LR.
//!
//! Each is what its paper describes and no more, fitted on the training log with ordinary care. BKT: Corbett
//! and Anderson 1995, a skill's parameters by likelihood, several skills averaged. PFA: Pavlik, Cen and
//! Koedinger 2009. Elo: Pelánek 2016, with an uncertainty function, step size by likelihood. Best-LR: Gervet
//! et al. 2020, items, skills, logarithms of counts in all and by skill, L2 of strength 1.

use std::collections::BTreeMap;

use super::knowledge;
use super::log::{Log, Names, Row, Student};
use super::logistic::{self, Design, Ridge, sigmoid};
use super::metrics::{Metrics, judge};

/// Measures of the four on a test log.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Baselines {
    /// Bayesian knowledge tracing.
    pub bkt: Metrics,
    /// Performance factors analysis.
    pub pfa: Metrics,
    /// Elo rating.
    pub elo: Metrics,
    /// Logistic regression on the best set of features.
    pub best_lr: Metrics,
}

/// Fits and judges all four; `items` and `skills` of the training names only.
#[must_use]
pub fn compare(train: &Log, test: &Log, names: &Names) -> Baselines {
    let (items, skills) = (names.item_names.len(), names.skill_names.len());
    Baselines {
        bkt: bkt(train, test, skills),
        pfa: regression(train, test, Kind::Pfa, items, skills),
        elo: elo(train, test, items),
        best_lr: regression(train, test, Kind::BestLr, items, skills),
    }
}

fn bkt(train: &Log, test: &Log, skills: usize) -> Metrics {
    let students: Vec<&Student> = train.students.iter().collect();
    let (fitted, common) = knowledge::fit(train, &students, skills);
    let mut pairs = Vec::with_capacity(test.rows.len());
    for student in &test.students {
        let mut known: BTreeMap<u16, f64> = BTreeMap::new();
        for row in test.rows_of(student) {
            let list = test.skills(row);
            let mut sum = 0.0;
            for skill in list {
                let p = fitted.get(usize::from(skill.0)).unwrap_or(&common);
                let state = known.entry(skill.0).or_insert(p[0]);
                sum += knowledge::predict(*state, p);
                *state = knowledge::update(*state, p, row.correct);
            }
            pairs.push((sum / list.len().max(1) as f64, row.correct));
        }
    }
    judge(&pairs)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pfa,
    BestLr,
}

/// A student's counts.
#[derive(Default)]
struct Counts {
    total: [f32; 2],
    skills: BTreeMap<u16, [f32; 2]>,
}

impl Counts {
    fn row(&self, log: &Log, row: &Row, kind: Kind, items: usize, skills: usize) -> Vec<(u32, f32)> {
        let mut features = vec![(0, 1.0)];
        let base = 3 + if kind == Kind::BestLr { items } else { 0 };
        let scaled = |x: f32| if kind == Kind::BestLr { x.ln_1p() } else { x };
        if kind == Kind::BestLr {
            features.extend([(1, scaled(self.total[1])), (2, scaled(self.total[0]))]);
            if (row.item.0 as usize) < items {
                features.push((3 + row.item.0, 1.0));
            }
        }
        for skill in log.skills(row).iter().filter(|s| usize::from(s.0) < skills) {
            let at = (base + usize::from(skill.0)) as u32;
            let [fails, wins] = self.skills.get(&skill.0).copied().unwrap_or_default();
            let stride = skills as u32;
            features.extend([(at, 1.0), (at + stride, scaled(wins)), (at + 2 * stride, scaled(fails))]);
        }
        features
    }

    fn count(&mut self, log: &Log, row: &Row) {
        let outcome = usize::from(row.correct);
        self.total[outcome] += 1.0;
        for skill in log.skills(row) {
            self.skills.entry(skill.0).or_default()[outcome] += 1.0;
        }
    }
}

fn rows(log: &Log, kind: Kind, items: usize, skills: usize) -> Design {
    let mut design = Design::default();
    for student in &log.students {
        let mut counts = Counts::default();
        for row in log.rows_of(student) {
            design.push(counts.row(log, row, kind, items, skills), row.correct);
            counts.count(log, row);
        }
    }
    design
}

fn regression(train: &Log, test: &Log, kind: Kind, items: usize, skills: usize) -> Metrics {
    let width = 3 + items + 3 * skills;
    let mut strength = vec![1.0; width];
    strength[0] = 1e-4;
    let ridge = Ridge { strength, centre: vec![0.0; width] };
    let weights = logistic::fit(&rows(train, kind, items, skills), &ridge, vec![0.0; width], 300);
    let design = rows(test, kind, items, skills);
    let pairs: Vec<(f64, bool)> =
        (0..design.len()).map(|n| (sigmoid(design.log_odds(n, &weights)), test.rows[n].correct)).collect();
    judge(&pairs)
}

/// One pass over a log: item difficulties move while `learn`, students always do.
fn elo_pass(log: &Log, items: &mut Vec<(f64, f64)>, step: f64, decay: f64, learn: bool) -> Vec<(f64, bool)> {
    let mut pairs = Vec::with_capacity(log.rows.len());
    for student in &log.students {
        let (mut ability, mut seen) = (0.0, 0.0);
        for row in log.rows_of(student) {
            let at = row.item.0 as usize;
            if at >= items.len() {
                items.resize(at + 1, (0.0, 0.0));
            }
            let (difficulty, answers) = items[at];
            let p = sigmoid(ability - difficulty);
            let residual = f64::from(u8::from(row.correct)) - p;
            ability += step / (1.0 + decay * seen) * residual;
            seen += 1.0;
            if learn {
                items[at] = (difficulty - step / (1.0 + decay * answers) * residual, answers + 1.0);
            }
            pairs.push((p, row.correct));
        }
    }
    pairs
}

/// Log-loss, (difficulty, answers) of each item, step, decay.
type EloFit = (f64, Vec<(f64, f64)>, f64, f64);

fn elo(train: &Log, test: &Log, items: usize) -> Metrics {
    let mut best: Option<EloFit> = None;
    for step in [0.4, 0.8, 1.2, 1.8] {
        for decay in [0.01, 0.03, 0.06, 0.12] {
            let mut difficulties = vec![(0.0, 0.0); items];
            let loss = judge(&elo_pass(train, &mut difficulties, step, decay, true)).log_loss;
            if best.as_ref().is_none_or(|b| loss < b.0) {
                best = Some((loss, difficulties, step, decay));
            }
        }
    }
    let Some((_, mut difficulties, step, decay)) = best else { return judge(&[]) };
    judge(&elo_pass(test, &mut difficulties, step, decay, false))
}
