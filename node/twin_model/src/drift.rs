//! Does the model still fit? AUC, calibration and feature importance by period and by subgroup.
//!
//! Purpose: the quarterly transparency report. Flow: the model walks a log as the ledger's twins do
//! ([`super::features::walk`]); every response falls into one slice of each grouping (a column of the log, a
//! column of a student list, or the fifths of each student's own sequence); each slice is judged. Invariants:
//! predictions are made before their own answer; cells with fewer than [`MIN_STUDENTS`] students publish no
//! number, and neither does the cell that would give one away. Absent: refitting.

use std::collections::{BTreeMap, BTreeSet};

use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;
use serde::Serialize;

use super::features::walk;
use super::log::{Labels, Log};
use super::metrics::{Bin, auc, calibration, judge};

/// Fewest students of a published cell.
pub const MIN_STUDENTS: usize = 10;
/// Name of the grouping by fifths of each student's own sequence.
pub const FIFTHS: &str = "fifth of the sequence";

/// The numbers of one slice.
#[derive(Debug, Clone, Serialize)]
pub struct Numbers {
    /// Responses in the slice, right and wrong.
    pub responses: usize,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Mean log-loss, nats.
    pub log_loss: f64,
    /// Mean prediction minus the share that was right: above 0 the model is too hopeful.
    pub calibration_gap: f64,
    /// Mean distance of prediction and share right over ten bins, weighted by responses.
    pub calibration_error: f64,
    /// Ten bins of predicted probability.
    pub bins: Vec<Bin>,
    /// Standard deviation of each part's contribution to the log-odds, largest first: what tells responses
    /// apart here.
    pub importance: Vec<(String, f64)>,
}

/// A slice of the log.
#[derive(Debug, Clone, Serialize)]
pub struct Slice {
    /// The column that the responses are told apart by, or [`FIFTHS`].
    pub group: String,
    /// What stands in that column for all of the slice.
    pub value: String,
    /// How many students; `None` when suppressed.
    pub students: Option<usize>,
    /// The numbers; `None` when suppressed.
    pub numbers: Option<Numbers>,
}

/// The whole report.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// All responses.
    pub all: Numbers,
    /// By grouping and value.
    pub slices: Vec<Slice>,
}

/// One predicted response.
struct Walked {
    student: usize,
    pair: (f64, bool),
    /// Contributions, logits.
    parts: Vec<f32>,
}

/// Predicts a log with a model and judges it, all together and by each grouping; `further` has a value for
/// each row of the log.
#[must_use]
pub fn report(model: &Model, log: &Log, further: &[Labels]) -> Report {
    let params = Params::reference(model.clone());
    let mut walked = Vec::with_capacity(log.rows.len());
    let mut names: Vec<&'static str> = Vec::new();
    for (n, student) in log.students.iter().enumerate() {
        walk(log, student, &params, |row, prediction, _| {
            let parts: Vec<(&'static str, i64)> = prediction.contributions(model).collect();
            if names.is_empty() {
                names = parts.iter().map(|p| p.0).collect();
            }
            walked.push(Walked {
                student: n,
                pair: (f64::from(prediction.probability.e6()) / 1e6, row.correct),
                parts: parts.iter().map(|p| p.1 as f32 / 1e6).collect(),
            });
        });
    }
    let mut slices = by_labels(&fifths(log), &walked, &names);
    for labels in log.labels.iter().chain(further) {
        slices.extend(by_labels(labels, &walked, &names));
    }
    Report { all: numbers(&walked.iter().collect::<Vec<_>>(), &names), slices }
}

/// Each student's sequence in five parts: early answers have little to go by.
fn fifths(log: &Log) -> Labels {
    let mut labels = Labels::new(FIFTHS);
    for student in &log.students {
        let n = log.rows_of(student).len().max(1);
        (0..n).for_each(|at| labels.push(&(1 + 5 * at / n).to_string()));
    }
    labels
}

/// A student list's columns as labels of a log's rows; students who are not in it are "unknown".
#[must_use]
pub fn of_students(log: &Log, name: &str, value_of: &BTreeMap<String, String>) -> Labels {
    let mut labels = Labels::new(name);
    for student in &log.students {
        let value = value_of.get(&student.name).map_or("unknown", String::as_str);
        log.rows_of(student).iter().for_each(|_| labels.push(value));
    }
    labels
}

fn by_labels(labels: &Labels, walked: &[Walked], names: &[&'static str]) -> Vec<Slice> {
    let mut cells: BTreeMap<&str, (Vec<&Walked>, BTreeSet<usize>)> = BTreeMap::new();
    for (one, at) in walked.iter().zip(&labels.of_row) {
        let value = labels.values.get(*at as usize).map_or("", String::as_str);
        let cell = cells.entry(value).or_default();
        cell.0.push(one);
        cell.1.insert(one.student);
    }
    let mut sizes: Vec<(usize, &str)> = cells.iter().map(|(v, c)| (c.1.len(), *v)).collect();
    sizes.sort_unstable();
    let small = sizes.iter().filter(|(n, _)| *n < MIN_STUDENTS).count();
    // One hidden cell is the total less the others: its smallest neighbour hides with it.
    let hidden: Vec<&str> = sizes.iter().take(if small == 1 { 2 } else { small }).map(|s| s.1).collect();
    cells
        .into_iter()
        .map(|(value, (rows, students))| {
            let shown = !hidden.contains(&value);
            Slice {
                group: labels.name.clone(),
                value: value.to_owned(),
                students: shown.then_some(students.len()),
                numbers: shown.then(|| numbers(&rows, names)),
            }
        })
        .collect()
}

fn numbers(rows: &[&Walked], names: &[&'static str]) -> Numbers {
    let pairs: Vec<(f64, bool)> = rows.iter().map(|r| r.pair).collect();
    let n = pairs.len().max(1) as f64;
    let right = pairs.iter().filter(|p| p.1).count() as f64;
    let bins = calibration(&pairs);
    let error = bins.iter().map(|b| b.count as f64 * (b.predicted - b.observed).abs()).sum::<f64>() / n;
    let mut importance: Vec<(String, f64)> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let values = || rows.iter().filter_map(|r| r.parts.get(at)).map(|x| f64::from(*x));
            let mean = values().sum::<f64>() / n;
            let variance = values().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
            ((*name).to_owned(), variance.sqrt())
        })
        .collect();
    importance.sort_by(|a, b| b.1.total_cmp(&a.1));
    Numbers {
        responses: pairs.len(),
        auc: auc(&pairs),
        log_loss: judge(&pairs).log_loss,
        calibration_gap: pairs.iter().map(|p| p.0).sum::<f64>() / n - right / n,
        calibration_error: error,
        bins,
        importance,
    }
}
