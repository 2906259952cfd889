//! Both models on rows that they were not fitted to, and why a row is warned of.

use std::fmt::Write;

use super::rows::{Read, Rows};
use crate::table::quoted;
use crate::text::Unreadable;
use crate::trees::logistic::{Line, Logistic, probability};
use crate::trees::{self, Binned, Bins, Growth, ONE, Trees};

/// Every fifth row is told by models of the other four fifths.
const FOLDS: usize = 5;
/// How machines' trees grow: failures follow sharply from readings.
pub const SHARP: Growth = Growth { trees: 150, depth: 5, least_rows: 8, rate: ONE / 10, ridge: ONE };
/// How people's grow: most of what they do is not in the table, and trees that go after it lose what is.
pub const GENTLE: Growth = Growth { trees: 120, depth: 3, least_rows: 40, rate: ONE / 20, ridge: ONE };
const MOST_BINS: usize = 128;
/// Bits kept of a number's fraction.
const SCALE: f64 = 1024.0;

/// What both models said of each row, and how good that was.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Probability of each row by the trees, put to scale, in 1/2¹⁶.
    pub trees: Vec<i64>,
    /// The same by logistic regression.
    pub line: Vec<i64>,
    /// What speaks most for each row's failing.
    pub reasons: Vec<String>,
    /// Chance that a failing row is ranked above another: trees, line.
    pub auc: (f64, f64),
    /// Mean share of failures among the rows ranked up to each failure: trees, line.
    pub average_precision: (f64, f64),
    /// Squared error of the probabilities: trees, line.
    pub brier: (f64, f64),
    /// What each column's splits brought, in millionths, largest first.
    pub importance_ppm: Vec<(String, u64)>,
}

/// Fits and judges both.
///
/// # Errors
/// When there are fewer than ten failures or ten other rows.
pub fn judge(rows: &Rows) -> Result<Judged, Unreadable> {
    judge_and_tell(rows, &Rows::default(), &SHARP).map(|(judged, _)| judged)
}

/// What the models of all rows say of one whose answer is still to come.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Probability by the trees, put to scale, in 1/2¹⁶.
    pub trees: i64,
    /// The same by logistic regression.
    pub line: i64,
    /// What speaks most for it.
    pub reason: String,
}

/// The same, and what models of all rows say of others with the same columns.
///
/// # Errors
/// As [`judge`].
pub fn judge_and_tell(
    rows: &Rows,
    others: &Rows,
    growth: &Growth,
) -> Result<(Judged, Vec<Told>), Unreadable> {
    let failures = rows.failed.iter().filter(|failed| **failed).count();
    if failures < 10 || rows.failed.len() - failures < 10 || rows.columns.is_empty() {
        let what = format!(
            "{failures} failures in {} rows; ten of either and a column are needed",
            rows.failed.len()
        );
        return Err(Unreadable::at("file", what));
    }
    let fold = folds(&rows.failed);
    let (mut by_trees, mut by_line) = (vec![0; rows.failed.len()], vec![0; rows.failed.len()]);
    for held in 0..FOLDS {
        let used: Vec<usize> = (0..fold.len()).filter(|row| fold[*row] != held).collect();
        let model = Boosted::fit(rows, &used, growth);
        let values: Vec<Vec<f64>> = used.iter().map(|row| rows.values[*row].clone()).collect();
        let answers: Vec<bool> = used.iter().map(|row| rows.failed[*row]).collect();
        let line = Line::fit(&values, &answers);
        for row in (0..fold.len()).filter(|row| fold[*row] == held) {
            by_trees[row] = model.probability(&rows.values[row]);
            by_line[row] = (line.probability(&rows.values[row]) * ONE as f64) as i64;
        }
    }
    let all: Vec<usize> = (0..rows.failed.len()).collect();
    let whole = Boosted::fit(rows, &all, growth);
    let told = tell(rows, others, &whole, &by_trees);
    let by_trees = calibrated(&by_trees, &rows.failed, &fold);
    let gains = whole.trees.importance_ppm(rows.columns.len());
    let mut importance_ppm: Vec<(String, u64)> = rows.columns.iter().cloned().zip(gains).collect();
    importance_ppm.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let both = |measure: &dyn Fn(&[i64]) -> f64| (measure(&by_trees), measure(&by_line));
    let judged = Judged {
        reasons: all.iter().map(|row| whole.reason(rows, *row)).collect(),
        auc: both(&|p| auc(p, &rows.failed)),
        average_precision: both(&|p| average_precision(p, &rows.failed)),
        brier: both(&|p| brier(p, &rows.failed)),
        importance_ppm,
        trees: by_trees,
        line: by_line,
    };
    Ok((judged, told))
}

/// Others by the models of all rows, put to the scale of what models of other rows said of each.
fn tell(rows: &Rows, others: &Rows, whole: &Boosted, told_apart: &[i64]) -> Vec<Told> {
    if others.failed.is_empty() {
        return Vec::new();
    }
    let line = Line::fit(&rows.values, &rows.failed);
    let values: Vec<Vec<f64>> = told_apart.iter().map(|p| log_odds(*p)).collect();
    let scale = Line::fit(&values, &rows.failed);
    let one = |row: usize| {
        let values = &others.values[row];
        Told {
            trees: (scale.probability(&log_odds(whole.probability(values))) * ONE as f64) as i64,
            line: (line.probability(values) * ONE as f64) as i64,
            reason: whole.reason(others, row),
        }
    };
    (0..others.failed.len()).map(one).collect()
}

fn log_odds(p: i64) -> Vec<f64> {
    let share = (p as f64 / ONE as f64).clamp(1e-5, 1.0 - 1e-5);
    vec![(share / (1.0 - share)).ln()]
}

/// Risks put to scale (Platt): boosted trees stop before their risks are as wide as they should be. Each fold's scale is that of
/// the other folds' rows, of which each was told by models of other rows.
fn calibrated(risks: &[i64], failed: &[bool], fold: &[usize]) -> Vec<i64> {
    let mut all = vec![0; risks.len()];
    for held in 0..FOLDS {
        let used = || (0..fold.len()).filter(|row| fold[*row] != held);
        let values: Vec<Vec<f64>> = used().map(|row| log_odds(risks[row])).collect();
        let answers: Vec<bool> = used().map(|row| failed[row]).collect();
        let scale = Line::fit(&values, &answers);
        for row in (0..fold.len()).filter(|row| fold[*row] == held) {
            all[row] = (scale.probability(&log_odds(risks[row])) * ONE as f64) as i64;
        }
    }
    all
}

/// Failures and other rows dealt out in turn, so that every fold has its share of both.
fn folds(failed: &[bool]) -> Vec<usize> {
    let mut dealt = [0usize; 2];
    let mut next = |failed: bool| {
        let count = &mut dealt[usize::from(failed)];
        *count += 1;
        (*count - 1) % FOLDS
    };
    failed.iter().map(|failed| next(*failed)).collect()
}

struct Boosted {
    bins: Vec<Bins>,
    trees: Trees,
    start: i64,
    /// The bin of each column's median.
    usual: Vec<u8>,
}

fn integer(value: f64) -> i64 {
    (value * SCALE).clamp(-9e15, 9e15) as i64
}

impl Boosted {
    fn fit(rows: &Rows, used: &[usize], growth: &Growth) -> Self {
        let width = rows.columns.len();
        let column = |index: usize| used.iter().map(move |row| integer(rows.values[*row][index]));
        let bins: Vec<Bins> = (0..width).map(|index| Bins::new(column(index), MOST_BINS)).collect();
        let columns: Vec<Vec<u8>> = bins
            .iter()
            .enumerate()
            .map(|(index, bins)| column(index).map(|value| bins.of(value)).collect())
            .collect();
        let median = |column: &Vec<u8>| {
            let mut sorted = column.clone();
            sorted.sort_unstable();
            sorted[sorted.len() / 2]
        };
        let usual = columns.iter().map(median).collect();
        let answers: Vec<bool> = used.iter().map(|row| rows.failed[*row]).collect();
        let share = answers.iter().filter(|answer| **answer).count() as f64 / answers.len() as f64;
        let start = ((share / (1.0 - share)).ln() * ONE as f64) as i64;
        let trees = trees::fit(&Binned { columns }, used.len(), start, &Logistic(&answers), growth);
        Self { bins, trees, start, usual }
    }

    fn bins_of(&self, values: &[f64]) -> Vec<u8> {
        self.bins.iter().zip(values).map(|(bins, value)| bins.of(integer(*value))).collect()
    }

    fn probability(&self, values: &[f64]) -> i64 {
        probability(self.start + self.trees.value(&self.bins_of(values)))
    }

    /// The column whose usual value would lower the row's risk most.
    fn reason(&self, rows: &Rows, row: usize) -> String {
        let mut bins = self.bins_of(&rows.values[row]);
        let present = self.trees.value(&bins);
        let mut best = (0, None);
        for column in 0..bins.len() {
            let own = std::mem::replace(&mut bins[column], self.usual[column]);
            let without = present - self.trees.value(&bins);
            bins[column] = own;
            if without > best.0 {
                best = (without, Some(column));
            }
        }
        match best.1 {
            Some(column) => format!("{} {}", rows.columns[column], rows.values[row][column]),
            None => String::new(),
        }
    }
}

/// Rows by probability, highest first, equal ones together.
fn ranked(probabilities: &[i64], failed: &[bool]) -> Vec<(u64, u64)> {
    let mut order: Vec<(i64, bool)> = probabilities.iter().copied().zip(failed.iter().copied()).collect();
    order.sort_by_key(|(p, _)| std::cmp::Reverse(*p));
    let groups = order.chunk_by(|a, b| a.0 == b.0);
    groups.map(|group| (group.iter().filter(|row| row.1).count() as u64, group.len() as u64)).collect()
}

fn auc(probabilities: &[i64], failed: &[bool]) -> f64 {
    let (mut pairs, mut failures, mut others) = (0.0, 0.0, 0.0);
    for (yes, all) in ranked(probabilities, failed) {
        let (yes, no) = (yes as f64, (all - yes) as f64);
        pairs += no * (failures + yes / 2.0);
        failures += yes;
        others += no;
    }
    pairs / (failures * others)
}

fn average_precision(probabilities: &[i64], failed: &[bool]) -> f64 {
    let (mut sum, mut failures, mut seen) = (0.0, 0.0, 0.0);
    for (yes, all) in ranked(probabilities, failed) {
        failures += yes as f64;
        seen += all as f64;
        sum += yes as f64 * failures / seen;
    }
    sum / failures
}

fn brier(probabilities: &[i64], failed: &[bool]) -> f64 {
    let error = |(p, failed): (&i64, &bool)| (*p as f64 / ONE as f64 - f64::from(u8::from(*failed))).powi(2);
    probabilities.iter().zip(failed).map(error).sum::<f64>() / failed.len() as f64
}

/// row, failure (empty while it is to come), p_trees, p_logistic (ppm), reason.
#[must_use]
pub fn to_csv(read: &Read, judged: &Judged, told: &[Told]) -> String {
    let mut text = String::from("row,failure,p_trees_ppm,p_logistic_ppm,reason\n");
    let mut line = |name: &str, answer: &str, p: (i64, i64), reason: &str| {
        let ppm = |p: i64| p * 1_000_000 / ONE;
        let (name, reason) = (quoted(name), quoted(reason));
        let _ = writeln!(text, "{name},{answer},{},{},{reason}", ppm(p.0), ppm(p.1));
    };
    for (row, name) in read.known.names.iter().enumerate() {
        let answer = if read.known.failed[row] { "1" } else { "0" };
        line(name, answer, (judged.trees[row], judged.line[row]), &judged.reasons[row]);
    }
    for (name, told) in read.ahead.names.iter().zip(told) {
        line(name, "", (told.trees, told.line), &told.reason);
    }
    text
}
