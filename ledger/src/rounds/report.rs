//! The published report of a round: the figures of DESIGN 8, with no cell that counts fewer students than
//! `min_cell_students` and none from which such a cell follows by subtraction.
//!
//! Flow: rows and assignment → [`aula_allocation::equity`] (exact figures) → [`published`], THE way
//! from figures to anything public → one record of the state. The record holds nothing else, so whoever reads the
//! state, a family's bundle included, sees no small cell. An auditor's round bundle rebuilds it from the rows.
//!
//! Suppression (`suppress`): a cell is withheld whole when its students, those with or without their best place, or
//! those waiting or not, are few but not none. Withheld cells then take the smallest shown ones with them until there
//! are at least two and their sums are not small either. Districts come first; the schools of a withheld district are
//! withheld with it, and those of a shown district are treated against the district's own totals. A pool of positive
//! price is full whatever is withheld of its use: that follows from its price and its capacity, which are public.

use std::collections::BTreeMap;

use aula_allocation::equity::{self, Cell, EquityError, EquityReport, Met, Person, Plain};
use aula_allocation::problem::Problem;

use super::{RoundError, RoundInputs, weight};
pub use crate::state::schema::{
    CellCounts, MandatesMet, PoolDemand, PublishedCell, PublishedGroups, PublishedPrice, PublishedReport,
};
use crate::state::schema::{Decision, PoolPrice, RequestRow};
use crate::types::{Handle, PoolId, SchoolId};

mod suppress;
#[cfg(test)]
mod tests;

pub use suppress::may_show;
use suppress::{Tally, hidden, ratio_ppm, small};

/// The exact figures of a round: for [`published`] only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    equity: EquityReport,
    fairness_work: u64,
    district_of: BTreeMap<u32, u32>,
    demand: Vec<(PoolId, u32)>,
}

impl RoundInputs {
    /// The round at equity 0, solved within `fairness_work`; see [`equity::plain`].
    ///
    /// # Errors
    /// [`RoundError::UnknownSchool`].
    pub fn at_equity_0(&self, problem: &Problem, fairness_work: u64) -> Result<Option<Plain>, RoundError> {
        Ok(equity::plain(problem, &self.people()?, fairness_work))
    }

    fn people(&self) -> Result<Vec<Person>, RoundError> {
        let person = |(_, request): &(Handle, RequestRow)| {
            let home = self.school(request.home_school)?;
            Ok(Person {
                band: request.band.get(),
                school: home.id.0,
                district: u32::from(home.district.0),
                weight: weight(self.equity, request.band),
            })
        };
        self.requests.iter().map(person).collect()
    }

    /// The exact figures of an assignment. `plain` is the round at equity 0, which was allowed `fairness_work`.
    ///
    /// # Errors
    /// [`RoundError::UnknownSchool`], [`RoundError::Order`] when the assignment is not the problem's,
    /// [`RoundError::Plain`] when the round at equity 0 is not proved to be of least cost.
    pub fn figures(
        &self,
        problem: &Problem,
        assignment: &[u32],
        plain: Option<&Plain>,
        fairness_work: u64,
    ) -> Result<Figures, RoundError> {
        let people = self.people()?;
        let district_of = people.iter().map(|person| (person.school, person.district)).collect();
        let equity = equity::report(problem, assignment, &people, plain);
        let equity = equity.map_err(|error| match error {
            EquityError::Plain => RoundError::Plain,
            _ => RoundError::Order(0),
        })?;
        let mut demand: Vec<(PoolId, u32)> = self.pools.iter().map(|pool| (pool.pool, 0)).collect();
        for student in 0..problem.students() {
            for entry in problem.row(student) {
                let line = demand.get_mut(entry.pool as usize);
                line.into_iter().for_each(|(_, count)| super::count(count));
            }
        }
        Ok(Figures { equity, fairness_work, district_of, demand })
    }
}

/// What may be shown of a round's figures and of its decision.
pub fn published(figures: &Figures, decision: &Decision, min_cell: u32) -> PublishedReport {
    let counts = public_counts(decision, min_cell);
    let price = |(line, used): (&PoolPrice, &Option<u32>)| PublishedPrice {
        pool: line.pool,
        price: line.price,
        used: *used,
    };
    let equity = &figures.equity;
    let least = u64::from(min_cell);
    let students = u64::from(equity.students);
    let part = |n: u64| (!small(n, least) && !small(students.saturating_sub(n), least)).then(|| narrow(n));
    let districts = tallies(&equity.by_district, &[]);
    let hidden_districts = hidden(&districts, least);
    let rates: Vec<u64> = equity.schools.iter().map(|line| line.placed_per_weighted_pupil_e6).collect();
    let schools = tallies(&equity.by_school, &rates);
    let hidden_schools = hidden_schools(&figures.district_of, &schools, &districts, &hidden_districts, least);
    let bands = tallies(&equity.by_band, &[]);
    let hidden_bands = hidden(&bands, least);
    let tenth = students.div_ceil(10);
    PublishedReport {
        class: decision.class,
        min_cell_students: min_cell,
        fairness_work: figures.fairness_work,
        students: (!small(students, least)).then_some(equity.students),
        mandates: part(equity.mandates),
        mandates_met: if equity.mandates_met == Met::All { MandatesMet::All } else { MandatesMet::NotAll },
        gini_ppm: equity.gini_ppm,
        bottom_decile_utility_e4: equity.bottom_decile_utility_e4.filter(|_| tenth >= least),
        justified_envy_pairs: Some(equity.justified_envy_pairs).filter(|pairs| !small(*pairs, least)),
        price_of_fairness_ppm: equity.price_of_fairness_ppm,
        by_band: groups(&bands, &hidden_bands),
        by_school: groups(&schools, &hidden_schools),
        by_district: groups(&districts, &hidden_districts),
        pools: figures
            .demand
            .iter()
            .map(|(pool, demand)| PoolDemand { pool: *pool, demand: part(u64::from(*demand)) })
            .collect(),
        objective: decision.objective,
        dual: decision.dual,
        gap_ppm: decision.gap_ppm,
        totals: counts.totals,
        by_tier: counts.by_tier,
        prices: decision.prices.iter().zip(&counts.used).map(price).collect(),
    }
}

/// Which schools to withhold: all of a withheld district, and what a shown district's totals would give away.
fn hidden_schools(
    district_of: &BTreeMap<u32, u32>,
    schools: &[Tally],
    districts: &[Tally],
    hidden_districts: &[bool],
    least: u64,
) -> Vec<bool> {
    let mut hidden_schools = vec![false; schools.len()];
    for (district, withheld) in districts.iter().zip(hidden_districts) {
        let of = |school: &Tally| district_of.get(&school.group) == Some(&district.group);
        let here: Vec<usize> = (0..schools.len()).filter(|at| schools.get(*at).is_some_and(of)).collect();
        let cells: Vec<Tally> = here.iter().filter_map(|at| schools.get(*at).copied()).collect();
        let inner = if *withheld { vec![true; cells.len()] } else { hidden(&cells, least) };
        for (at, value) in here.into_iter().zip(inner) {
            hidden_schools.get_mut(at).into_iter().for_each(|slot| *slot = value);
        }
    }
    hidden_schools
}

/// The counts of a decision that may be shown.
struct PublicCounts {
    totals: Option<CellCounts>,
    by_tier: Option<[u32; 3]>,
    /// Students placed by pool, in the decision's order.
    used: Vec<Option<u32>>,
}

/// What may be shown of a decision's own counts, by the same rule as the report's groups. The use of all pools adds
/// up to the students placed, so it is withheld as groups are.
fn public_counts(decision: &Decision, min_cell: u32) -> PublicCounts {
    let (report, least) = (&decision.report, u64::from(min_cell));
    let everyone = Tally {
        students: report.requests.into(),
        first_choice: report.first_choice.into(),
        waitlisted: report.waitlisted.into(),
        ..Tally::default()
    };
    let totals = (hidden(&[everyone], least) == [false]).then(|| everyone.shown());
    let by_tier = totals.filter(|_| may_show(&report.by_tier, min_cell)).map(|_| report.by_tier);
    let cell = |line: &PoolPrice| Tally { students: line.used.into(), ..Tally::default() };
    let withheld = hidden(&decision.prices.iter().map(cell).collect::<Vec<_>>(), least);
    let used = decision.prices.iter().zip(withheld).map(|(line, hidden)| (!hidden).then_some(line.used));
    PublicCounts { totals, by_tier, used: used.collect() }
}

fn tallies(cells: &[Cell], rates: &[u64]) -> Vec<Tally> {
    let rates = rates.iter().copied().chain(std::iter::repeat(0));
    let tally = |(cell, rate_e6): (&Cell, u64)| Tally {
        group: cell.group,
        students: cell.students,
        first_choice: cell.first_choice,
        waitlisted: cell.waitlisted,
        rate_e6,
    };
    cells.iter().zip(rates).map(tally).collect()
}

fn groups(cells: &[Tally], hidden: &[bool]) -> PublishedGroups {
    let shown: Vec<&Tally> = cells.iter().zip(hidden).filter(|(_, h)| !**h).map(|(cell, _)| cell).collect();
    let cell = |(tally, hidden): (&Tally, &bool)| PublishedCell {
        group: tally.group,
        counts: (!hidden).then(|| tally.shown()),
    };
    PublishedGroups {
        cells: cells.iter().zip(hidden).map(cell).collect(),
        first_choice_ratio_ppm: ratio_ppm(&shown, |cell| cell.first_choice),
        placed_ratio_ppm: ratio_ppm(&shown, |cell| cell.students.saturating_sub(cell.waitlisted)),
    }
}

impl Tally {
    fn shown(&self) -> CellCounts {
        CellCounts {
            students: narrow(self.students),
            first_choice: narrow(self.first_choice),
            waitlisted: narrow(self.waitlisted),
            placed_per_weighted_pupil_e6: self.rate_e6,
        }
    }
}

fn narrow(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A school's figures by its number, as [`PublishedGroups`] lists them.
pub fn school_cell(report: &PublishedReport, school: SchoolId) -> Option<CellCounts> {
    let cells = &report.by_school.cells;
    let at = cells.binary_search_by_key(&school.0, |cell| cell.group).ok()?;
    cells.get(at)?.counts
}
