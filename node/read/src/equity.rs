//! The Lorenz curve of a round over schools, from its published cells.
//!
//! Schools are put in order of places per weighted pupil, the least first; the curve goes through (share of schools,
//! share of the sum of their rates). The diagonal is equality; the Gini coefficient of the report is twice the area in
//! between, over all schools. Schools whose figures are withheld are not in the curve, so that the curve's own area is
//! near the coefficient and not equal to it when there are such.
//!
//! Source: M. O. Lorenz, *Methods of measuring the concentration of wealth* (1905).

use aula_ledger::rounds::PublishedReport;

/// A point of the curve, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Share of schools.
    pub schools_ppm: u64,
    /// Share of what they have.
    pub share_ppm: u64,
}

/// The curve from (0, 0) to (1, 1); empty with fewer than two schools shown or when nobody has a place.
pub fn lorenz(report: &PublishedReport) -> Vec<Point> {
    let counts = report.by_school.cells.iter().filter_map(|cell| cell.counts);
    let mut rates: Vec<u64> = counts.map(|c| c.placed_per_weighted_pupil_e6).collect();
    rates.sort_unstable();
    let total: u128 = rates.iter().map(|rate| u128::from(*rate)).sum();
    let schools = rates.len() as u64;
    if schools < 2 || total == 0 {
        return Vec::new();
    }
    let mut points = vec![Point { schools_ppm: 0, share_ppm: 0 }];
    let mut sum = 0u128;
    for (at, rate) in (1u64..).zip(&rates) {
        sum += u128::from(*rate);
        let share = sum * 1_000_000 / total;
        points.push(Point {
            schools_ppm: at * 1_000_000 / schools,
            share_ppm: u64::try_from(share).unwrap_or(1_000_000),
        });
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_ledger::rounds::report::{CellCounts, MandatesMet, PublishedCell, PublishedGroups};

    fn report(rates: &[Option<u64>]) -> PublishedReport {
        let cell = |(group, rate): (u32, &Option<u64>)| PublishedCell {
            group,
            counts: rate.map(|rate| CellCounts {
                students: 50,
                first_choice: 20,
                waitlisted: 10,
                placed_per_weighted_pupil_e6: rate,
            }),
        };
        let none =
            || PublishedGroups { cells: Vec::new(), first_choice_ratio_ppm: None, placed_ratio_ppm: None };
        PublishedReport {
            class: aula_ledger::types::ClassId(1),
            min_cell_students: 10,
            fairness_work: 1,
            students: None,
            mandates: None,
            mandates_met: MandatesMet::All,
            gini_ppm: 0,
            bottom_decile_utility_e4: None,
            justified_envy_pairs: None,
            price_of_fairness_ppm: None,
            by_band: none(),
            by_school: PublishedGroups { cells: (0u32..).zip(rates).map(cell).collect(), ..none() },
            by_district: none(),
            pools: Vec::new(),
            objective: 0,
            dual: 0,
            gap_ppm: 0,
            totals: None,
            by_tier: None,
            prices: Vec::new(),
        }
    }

    #[test]
    fn the_curve_is_the_diagonal_when_all_have_the_same_and_sags_otherwise() {
        let equal = lorenz(&report(&[Some(5), Some(5), None, Some(5), Some(5)]));
        assert!(equal.iter().all(|p| p.schools_ppm == p.share_ppm) && equal.len() == 5);
        let one = lorenz(&report(&[Some(0), Some(0), Some(0), Some(8)]));
        assert_eq!(one.get(3), Some(&Point { schools_ppm: 750_000, share_ppm: 0 }));
        assert_eq!(one.last(), Some(&Point { schools_ppm: 1_000_000, share_ppm: 1_000_000 }));
        assert!(
            lorenz(&report(&[Some(5), None])).is_empty() && lorenz(&report(&[Some(0), Some(0)])).is_empty()
        );
    }
}
