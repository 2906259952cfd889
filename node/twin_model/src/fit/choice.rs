//! How strongly the weights are held: chosen on held students of the training log.
//!
//! A strong ridge makes the model what it rests at, the tracker alone. Candidates are short fixed lists; no rule knows
//! which log it is given.

use super::super::logistic::{self, Design, Ridge};
use super::{Columns, StudentRows, design};
use aula_twin_runtime::model::Feature;

/// Most responses on which strengths are compared.
const MAX_CHOICE_ROWS: usize = 150_000;
/// Below this many responses, strengths are compared on five splits instead of one.
const SMALL_LOG_ROWS: usize = 40_000;

/// Strengths of the penalties, in log-loss a squared standard unit.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Strengths {
    /// Shared weights, each on its feature's standard deviation.
    pub shared: f64,
    /// Item offsets.
    pub item: f64,
    /// Item slopes.
    pub slope: f64,
    /// Skill biases and slopes.
    pub skill: f64,
}

/// Penalties, and where weights rest: the tracker's log-odds as they are, everything else at nothing.
pub(super) fn ridge(columns: Columns, scales: &[f32; Columns::OWN], s: Strengths) -> (Ridge, Vec<f64>) {
    let width = columns.width();
    let (mut strength, mut centre) = (vec![s.skill; width], vec![0.0; width]);
    strength[0] = 0.01;
    strength[Columns::SHARED..Columns::OWN].fill(s.shared);
    let tracker = Columns::SHARED + Feature::Tracker as usize;
    centre[tracker] = f64::from(scales[tracker]);
    for item in 0..columns.items {
        strength[columns.offset(item)] = s.item;
        strength[columns.slope(item)] = s.slope;
    }
    let start = centre.clone();
    (Ridge { strength, centre }, start)
}

/// Compares strengths on held students: every fifth, and on small logs each fifth in turn, so that luck with
/// a few students does not choose.
pub(super) fn choose(
    parts: &[StudentRows],
    columns: Columns,
    scales: &[f32; Columns::OWN],
) -> (Strengths, f64) {
    let total: usize = parts.iter().map(|(_, rows)| rows.len()).sum();
    let every = total.div_ceil(MAX_CHOICE_ROWS).max(1);
    let folds = if total < SMALL_LOG_ROWS { 5 } else { 1 };
    let mut judges: Vec<Judge> = (0..folds).map(|fold| Judge::new(parts, every, fold)).collect();
    let mut judge = |s: Strengths, iterations: usize| {
        let held: usize = judges.iter().map(|j| j.held.len()).sum();
        let sum: f64 = judges.iter_mut().map(|j| j.loss(&ridge(columns, scales, s), iterations)).sum();
        sum / held.max(1) as f64
    };
    let start = Strengths { shared: 10.0, item: 20.0, slope: 20.0, skill: 20.0 };
    let mut best = (start, judge(start, 80));
    around(&mut best, &mut judge);
    best
}

fn take_better(best: &mut (Strengths, f64), candidate: Strengths, loss: f64) {
    if loss < best.1 - 1e-6 {
        *best = (candidate, loss);
    }
}

/// One strength after the other, each over a short list.
fn around(best: &mut (Strengths, f64), judge: &mut impl FnMut(Strengths, usize) -> f64) {
    type Set = fn(&mut Strengths, f64);
    let lists: [(&[f64], Set); 4] = [
        (&[4.0, 100.0, 500.0, 4_000.0], |s, x| s.item = x),
        (&[4.0, 100.0, 500.0, 4_000.0], |s, x| s.slope = x),
        (&[4.0, 100.0, 500.0, 4_000.0], |s, x| s.skill = x),
        (&[2.0, 50.0, 250.0], |s, x| s.shared = x),
    ];
    for (values, set) in lists {
        let kept = best.0;
        for value in values {
            let mut candidate = kept;
            set(&mut candidate, *value);
            take_better(best, candidate, judge(candidate, 25));
        }
    }
}

/// One split of the training students, and the weights last fitted on it.
struct Judge {
    train: Design,
    held: Design,
    warm: Option<Vec<f64>>,
}

impl Judge {
    fn new(parts: &[StudentRows], every: usize, fold: usize) -> Self {
        let some = || parts.iter().step_by(every).enumerate();
        let train = design(some().filter(|(n, _)| n % 5 != fold).flat_map(|(_, (_, rows))| rows));
        let held = design(some().filter(|(n, _)| n % 5 == fold).flat_map(|(_, (_, rows))| rows));
        Self { train, held, warm: None }
    }

    /// Log-loss summed over the held rows, nats.
    fn loss(&mut self, (ridge, start): &(Ridge, Vec<f64>), iterations: usize) -> f64 {
        let from = self.warm.take().unwrap_or_else(|| start.clone());
        let weights = logistic::fit(&self.train, ridge, from, iterations);
        let loss = self.held.log_loss(&weights) * self.held.len() as f64;
        self.warm = Some(weights);
        loss
    }
}
