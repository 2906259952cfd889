//! Whether risks are as high as failures are many, in all, by risk and by subgroup, and whether that changes with time.

use super::rows::Rows;
use crate::trees::ONE;

/// Parts of the rows by risk.
const PARTS: usize = 10;
/// Rows that a subgroup needs to be judged.
const LEAST_ROWS: usize = 30;
/// Subgroups that are told.
const MOST_GROUPS: usize = 60;

/// Failures of some rows beside what their risks add up to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Group {
    /// What the rows have in common.
    pub group: String,
    /// Rows of the group.
    pub rows: usize,
    /// How many of them failed.
    pub failures: usize,
    /// The sum of their risks.
    pub expected: f64,
    /// Failures more than expected, in standard errors; beyond 3 on either side is not chance.
    pub apart: f64,
}

/// The earlier and the later half of the rows.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Drift {
    /// The earlier half.
    pub earlier: Group,
    /// The other half; a table's rows are taken to stand in order of time.
    pub later: Group,
    /// Population stability index of the risks: below 0.1 they are spread alike, above 0.25 they are not.
    pub stability_index: f64,
}

fn risk(p: i64) -> f64 {
    p as f64 / ONE as f64
}

fn group(name: String, of: &[usize], p: &[i64], failed: &[bool]) -> Group {
    let failures = of.iter().filter(|row| failed[**row]).count();
    let expected: f64 = of.iter().map(|row| risk(p[*row])).sum();
    let variance: f64 = of.iter().map(|row| risk(p[*row]) * (1.0 - risk(p[*row]))).sum();
    // A risk is known to 1/2¹⁶ only, so that no row is certain.
    let apart = (failures as f64 - expected) / variance.max(1e-4).sqrt();
    Group { group: name, rows: of.len(), failures, expected, apart }
}

/// All rows, tenths of them by risk from the lowest, and each category of thirty rows or more.
#[must_use]
pub fn calibration(rows: &Rows, p: &[i64]) -> Vec<Group> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    let mut all = vec![group("all".to_owned(), &order, p, &rows.failed)];
    order.sort_by_key(|row| (p[*row], *row));
    for part in 0..PARTS {
        let of = &order[part * p.len() / PARTS..(part + 1) * p.len() / PARTS];
        if let (Some(first), Some(last)) = (of.first(), of.last()) {
            let name = format!("risk {:.4} to {:.4}", risk(p[*first]), risk(p[*last]));
            all.push(group(name, of, p, &rows.failed));
        }
    }
    for (column, name) in rows.columns.iter().enumerate().filter(|(_, name)| name.contains('=')) {
        let of: Vec<usize> = (0..p.len()).filter(|row| rows.values[*row][column] > 0.5).collect();
        if of.len() >= LEAST_ROWS && all.len() < MOST_GROUPS {
            all.push(group(name.clone(), &of, p, &rows.failed));
        }
    }
    all
}

/// The earlier half beside the later; a table's rows are taken to stand in order of time.
#[must_use]
pub fn drift(rows: &Rows, p: &[i64]) -> Drift {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by_key(|row| (rows.moments.get(*row).copied().unwrap_or_default(), *row));
    let (earlier, later) = order.split_at(order.len() / 2);
    // Bounds at the tenths of the earlier half; equal risks are in one part.
    let mut sorted: Vec<i64> = earlier.iter().map(|row| p[*row]).collect();
    sorted.sort_unstable();
    let mut bounds: Vec<i64> =
        (1..PARTS).filter_map(|part| sorted.get(part * sorted.len() / PARTS).copied()).collect();
    bounds.dedup();
    let shares = |of: &[usize]| {
        let mut counts = vec![0.5; bounds.len() + 1];
        of.iter().for_each(|row| counts[bounds.partition_point(|bound| *bound <= p[*row])] += 1.0);
        let sum: f64 = counts.iter().sum();
        counts.into_iter().map(|count| count / sum).collect::<Vec<f64>>()
    };
    let index = shares(earlier).into_iter().zip(shares(later)).map(|(a, b)| (b - a) * (b / a).ln()).sum();
    Drift {
        earlier: group("earlier".to_owned(), earlier, p, &rows.failed),
        later: group("later".to_owned(), later, p, &rows.failed),
        stability_index: index,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand rows whose risk is a tenth, kinds a and b in turn; in the later half b fails thrice as often.
    fn rows() -> Rows {
        let failed = |row: usize| row.is_multiple_of(20) || (row >= 500 && row % 2 == 1 && row % 10 < 6);
        Rows {
            names: (0..1000).map(|row| row.to_string()).collect(),
            columns: vec!["kind=a".to_owned(), "kind=b".to_owned(), "heat".to_owned()],
            values: (0..1000)
                .map(|row| vec![f64::from(row % 2 == 0), f64::from(row % 2 == 1), 1.0])
                .collect(),
            failed: (0..1000).map(failed).collect(),
            moments: (0..1000).collect(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn a_subgroup_whose_risks_are_too_low_stands_apart() {
        let p = vec![ONE / 10; 1000];
        let all = calibration(&rows(), &p);
        let of = |name: &str| all.iter().find(|group| group.group == name).unwrap();
        assert_eq!((all.len(), of("all").rows, of("kind=a").failures), (13, 1000, 50));
        assert!(of("kind=b").apart > 3.0 && of("kind=a").apart.abs() < 1.0, "{all:?}");
        assert!((of("all").expected - 100.0).abs() < 0.1);
    }

    #[test]
    fn what_changes_with_time_is_seen() {
        let same = drift(&rows(), &vec![ONE / 10; 1000]);
        assert!(
            same.stability_index.abs() < 1e-9 && same.later.apart > 3.0 && same.earlier.apart < 0.0,
            "{same:?}"
        );
        let p: Vec<i64> =
            (0..1000i64).map(|row| (row % 50 + if row < 500 { 0 } else { 40 }) * ONE / 100).collect();
        assert!(drift(&rows(), &p).stability_index > 0.25);
    }
}
