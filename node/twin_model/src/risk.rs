//! Who will need help: predictions a term ahead, judged as a whole and by subgroup.
//!
//! Purpose: two public data sets, one protocol. Flow: [`star`] (next year's mathematics) and [`oulad`] (course
//! results from the first 60 days) turn tables into [`Case`]s; [`summarise`] judges them: AUC, precision,
//! recall, calibration, all together and by subgroup, and the alerts on deviation from a student's own
//! baseline. Invariants: nothing later than the moment of prediction enters a feature; held students (or the
//! held presentation) enter no fit, no threshold and no number of rounds. Subgroups are reported on; gender and
//! ethnicity are never predictors. Absent: causes. Who is likely to struggle is not why.

pub mod oulad;
pub mod star;
#[cfg(test)]
mod tests;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::metrics::{Bin, auc, calibration};

/// Fewest students of a published cell; smaller ones are suppressed together with the smallest other.
pub const MIN_CELL: usize = 10;

/// One held student-term.
#[derive(Debug, Clone)]
pub struct Case {
    /// Predicted probability of the bad outcome.
    pub probability: f64,
    /// Whether it came.
    pub came: bool,
    /// Whether the student fell behind their own baseline; `None` without a past to compare with.
    pub alert: Option<bool>,
    /// Values of the grouping columns, in their order.
    pub groups: Vec<String>,
}

/// How well cases were predicted.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Student-terms.
    pub cases: usize,
    /// Share for which the bad outcome came.
    pub observed: f64,
    /// Mean predicted probability.
    pub predicted: f64,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Share flagged.
    pub flagged: f64,
    /// Of those flagged, the share for which it came; `None` when nobody was flagged.
    pub precision: Option<f64>,
    /// Of those for whom it came, the share flagged; `None` when it came for nobody.
    pub recall: Option<f64>,
}

/// A subgroup; its numbers are left out where a cell would be small.
#[derive(Debug, Clone, Serialize)]
pub struct Slice {
    /// The grouping column.
    pub group: String,
    /// What the column holds for all cases of the subgroup.
    pub value: String,
    /// The numbers; `None` when suppressed.
    pub judged: Option<Judged>,
}

/// Everything that is said about the held cases.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// All held cases together.
    pub all: Judged,
    /// Probability from which a student is flagged, set on the training side.
    pub threshold: f64,
    /// Ten bins of predicted probability.
    pub calibration: Vec<Bin>,
    /// The same for each subgroup, small ones without numbers.
    pub subgroups: Vec<Slice>,
    /// Alerts on the own baseline, among cases that have one; `flagged` is then "alerted".
    pub own_baseline: Judged,
}

/// The first few features by importance.
#[derive(Debug, Clone, Serialize)]
pub struct Importance {
    /// The feature's name in the study.
    pub feature: String,
    /// Share of the gain of all cuts.
    pub share: f64,
}

/// The digest of an id as a number, modulo 5: 256 leaves 1, so the sum of the bytes has the same remainder.
#[must_use]
pub fn fold_of(id: &str) -> u32 {
    digest_sum(id) % 5
}

/// A second, independent fold for choices on the training side.
fn inner_fold_of(id: &str) -> u32 {
    digest_sum(&format!("inner/{id}")) % 5
}

fn digest_sum(id: &str) -> u32 {
    Sha256::digest(id.as_bytes()).iter().map(|b| u32::from(*b)).sum()
}

fn judge<'a>(cases: impl Iterator<Item = &'a Case>, flagged: impl Fn(&Case) -> bool) -> Judged {
    let (mut pairs, mut counts) = (Vec::new(), [0_usize; 4]);
    for case in cases {
        pairs.push((case.probability, case.came));
        counts[2 * usize::from(flagged(case)) + usize::from(case.came)] += 1;
    }
    let n = pairs.len().max(1) as f64;
    let [_, missed, wrong, hit] = counts;
    let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
    Judged {
        cases: pairs.len(),
        observed: (hit + missed) as f64 / n,
        predicted: pairs.iter().map(|p| p.0).sum::<f64>() / n,
        auc: auc(&pairs),
        flagged: (hit + wrong) as f64 / n,
        precision: share(hit, hit + wrong),
        recall: share(hit, hit + missed),
    }
}

/// Judges held cases; `groups` names the grouping columns.
#[must_use]
pub fn summarise(cases: &[Case], groups: &[&str], threshold: f64) -> Summary {
    let flagged = |case: &Case| case.probability >= threshold;
    let pairs: Vec<(f64, bool)> = cases.iter().map(|c| (c.probability, c.came)).collect();
    let mut subgroups = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        subgroups.extend(slices(cases, at, group, flagged));
    }
    Summary {
        all: judge(cases.iter(), flagged),
        threshold,
        calibration: calibration(&pairs),
        subgroups,
        own_baseline: judge(cases.iter().filter(|c| c.alert.is_some()), |c| c.alert == Some(true)),
    }
}

fn slices(cases: &[Case], at: usize, group: &str, flagged: impl Fn(&Case) -> bool) -> Vec<Slice> {
    let mut by_value: std::collections::BTreeMap<&str, Vec<&Case>> = std::collections::BTreeMap::new();
    for case in cases {
        by_value.entry(case.groups.get(at).map_or("", String::as_str)).or_default().push(case);
    }
    let mut sizes: Vec<(usize, &str)> = by_value.iter().map(|(v, c)| (c.len(), *v)).collect();
    sizes.sort_unstable();
    let small = sizes.iter().filter(|(n, _)| *n < MIN_CELL).count();
    // One hidden cell is the total less the others: its smallest neighbour hides with it.
    let hidden = if small == 1 { 2 } else { small };
    let suppressed: Vec<&str> = sizes.iter().take(hidden).map(|(_, v)| *v).collect();
    by_value
        .into_iter()
        .map(|(value, cases)| Slice {
            group: group.to_owned(),
            value: value.to_owned(),
            judged: (!suppressed.contains(&value)).then(|| judge(cases.into_iter(), &flagged)),
        })
        .collect()
}

/// The probability that as large a share of training cases reaches as had the bad outcome.
fn threshold_of(cases: &[(f64, bool)]) -> f64 {
    let mut sorted: Vec<f64> = cases.iter().map(|c| c.0).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let bad = cases.iter().filter(|c| c.1).count();
    sorted.get(bad.saturating_sub(1)).copied().unwrap_or(0.5)
}

/// The shares of the trees' gain, largest first.
fn ranked(names: &[String], importance: &[f64]) -> Vec<Importance> {
    let mut list: Vec<Importance> = names
        .iter()
        .zip(importance)
        .map(|(feature, share)| Importance { feature: feature.clone(), share: *share })
        .collect();
    list.sort_by(|a, b| b.share.total_cmp(&a.share));
    list.truncate(10);
    list
}

/// Normal distribution function, by the logistic of a cubic (Bowling et al. 2009): within 1.5·10⁻⁴.
fn normal(z: f64) -> f64 {
    super::logistic::sigmoid(1.5976 * z + 0.070_56 * z.powi(3))
}
