//! Between which numbers a withheld count lies: what follows from everything that is published of a round, and nothing more.
//!
//! The ranges are computed from the published report alone, as anybody can: no row is read for them, so they tell nothing that was not
//! told. They are the tightest ones: for each end there are counts of all withheld groups that agree with everything
//! published and have it (`tests` finds the ends by trying all of them). What is used: a district's schools add up to it, all districts and
//! all bands to the totals; who has a first choice has a place; who has a place does not wait; a group that is withheld in its own
//! right has somebody in it, since a count of nobody is shown. First choices of cells are by least cost, those of the totals by
//! rank, so that the totals say nothing of them; an axis without a withheld group does. Absent: what follows from the order in
//! which the rule withholds.

use std::collections::BTreeMap;

use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{CellCounts, PublishedCell, PublishedGroups};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rounds::placed;

#[cfg(test)]
mod tests;

/// From a number to a number, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Span {
    /// At least so many.
    pub low: u32,
    /// At most so many.
    pub high: u32,
}

/// A withheld group's counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CellRange {
    /// Students of the group.
    pub students: Span,
    /// Those who got a place.
    pub placed: Span,
    /// Those at a place of the least cost they could have.
    pub first_choice: Span,
    /// Those who wait.
    pub waitlisted: Span,
}

/// Every withheld group of a round, by its number. Where not even the number of students is published there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ranges {
    /// By need band, 0 to 9; a band that is shown is left out.
    #[schema(value_type = BTreeMap<String, CellRange>)]
    pub bands: BTreeMap<u32, CellRange>,
    /// By the district's number.
    #[schema(value_type = BTreeMap<String, CellRange>)]
    pub districts: BTreeMap<u32, CellRange>,
    /// By the school's number.
    #[schema(value_type = BTreeMap<String, CellRange>)]
    pub schools: BTreeMap<u32, CellRange>,
}

/// What the withheld groups of one whole have together; none where it is not published.
#[derive(Debug, Clone, Copy, Default)]
struct Rest {
    students: Option<u32>,
    waits: Option<u32>,
    first: Option<u32>,
}

/// The ranges of a report. `district_of` says where a school is.
pub fn ranges(report: &PublishedReport, district_of: impl Fn(u32) -> Option<u32>) -> Ranges {
    let whole = Rest {
        students: report.students.or(report.totals.map(|totals| totals.students)),
        waits: report.totals.map(|totals| totals.waitlisted),
        first: [&report.by_band, &report.by_district, &report.by_school].into_iter().find_map(first_choices),
    };
    let bands = of_axis(&report.by_band, whole);
    let districts = of_axis(&report.by_district, whole);
    let mut here: BTreeMap<u32, Vec<&PublishedCell>> = BTreeMap::new();
    for cell in &report.by_school.cells {
        here.entry(district_of(cell.group).unwrap_or_default()).or_default().push(cell);
    }
    let mut schools = BTreeMap::new();
    for (district, cells) in here {
        let known = report.by_district.cells.iter().find(|cell| cell.group == district);
        match known.and_then(|cell| cell.counts) {
            Some(counts) => schools.extend(within(&cells, of_cell(&counts))),
            None => {
                let Some(range) = districts.get(&district) else { continue };
                let alone = cells.len() == 1;
                let one = if alone { *range } else { range.or_nobody() };
                schools.extend(cells.iter().map(|cell| (cell.group, one)));
            }
        }
    }
    Ranges { bands, districts, schools }
}

/// All first choices, by the cells of an axis where none is withheld.
fn first_choices(groups: &PublishedGroups) -> Option<u32> {
    let counts: Option<Vec<CellCounts>> = groups.cells.iter().map(|cell| cell.counts).collect();
    let counts = counts.filter(|counts| !counts.is_empty())?;
    Some(counts.iter().fold(0, |sum, one| sum.saturating_add(one.first_choice)))
}

fn of_cell(counts: &CellCounts) -> Rest {
    Rest { students: Some(counts.students), waits: Some(counts.waitlisted), first: Some(counts.first_choice) }
}

fn of_axis(groups: &PublishedGroups, whole: Rest) -> BTreeMap<u32, CellRange> {
    within(&groups.cells.iter().collect::<Vec<_>>(), whole)
}

/// The withheld ones of groups that add up to a whole.
fn within(cells: &[&PublishedCell], whole: Rest) -> BTreeMap<u32, CellRange> {
    let shown = || cells.iter().filter_map(|cell| cell.counts);
    let less = |whole: Option<u32>, part: fn(&CellCounts) -> u32| {
        whole.map(|whole| shown().fold(whole, |rest, counts| rest.saturating_sub(part(&counts))))
    };
    let rest = Rest {
        students: less(whole.students, |counts| counts.students),
        waits: less(whole.waits, |counts| counts.waitlisted),
        first: less(whole.first, |counts| counts.first_choice),
    };
    let withheld: Vec<u32> =
        cells.iter().filter(|cell| cell.counts.is_none()).map(|cell| cell.group).collect();
    let Some(range) = rest.of_each(withheld.len()) else { return BTreeMap::new() };
    withheld.into_iter().map(|group| (group, range)).collect()
}

impl Rest {
    /// What each of so many groups, none of them empty, may have of it.
    fn of_each(self, groups: usize) -> Option<CellRange> {
        let groups = u32::try_from(groups).ok().filter(|groups| *groups > 0)?;
        let students = self.students?;
        // Each of the others has somebody.
        let most = students.saturating_sub(groups - 1);
        let part = |part: Option<u32>, of: u32| {
            let Some(part) = part else { return Span { low: 0, high: of.min(most) } };
            let low = match (groups, part == students) {
                (1, _) => part,
                // Whoever is in a group is of this part.
                (_, true) => 1,
                _ => 0,
            };
            Span { low, high: part.min(most) }
        };
        let has_places = self.waits.map(|waits| students.saturating_sub(waits));
        Some(CellRange {
            students: Span { low: if groups == 1 { students } else { 1.min(students) }, high: most },
            placed: part(has_places, students),
            first_choice: part(self.first, has_places.unwrap_or(students)),
            waitlisted: part(self.waits, students),
        })
    }
}

impl CellRange {
    /// The same where there may be nobody.
    const fn or_nobody(self) -> Self {
        const fn from_zero(span: Span) -> Span {
            Span { low: 0, high: span.high }
        }
        Self {
            students: from_zero(self.students),
            placed: from_zero(self.placed),
            first_choice: from_zero(self.first_choice),
            waitlisted: from_zero(self.waitlisted),
        }
    }

    /// Whether these counts lie in it.
    pub fn holds(&self, counts: &CellCounts) -> bool {
        let within = |span: Span, n: u32| (span.low..=span.high).contains(&n);
        within(self.students, counts.students)
            && within(self.placed, placed(counts))
            && within(self.first_choice, counts.first_choice)
            && within(self.waitlisted, counts.waitlisted)
    }
}
