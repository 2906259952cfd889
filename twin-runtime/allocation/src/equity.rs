//! The figures published with each round, as integers and scaled rationals.
//!
//! Shares are in parts per million, rounded down. A student's *utility* is where their place lies between the worst
//! (0) and the best (10,000) cost of their own row; *first choice* means a place of the row's least cost. *Envy* is
//! justified when a student prefers a pool that holds somebody with a lower weight (Abdulkadiroğlu and Sönmez 2003).
//! The Gini coefficient (1912) is over schools, of places per weighted pupil, each school counted by its weighted
//! pupils, which makes it an exact quotient of integers. The price of fairness is Bertsimas, Farias and Trichakis
//! (2011): what the assignment costs without weights, penalties included, beyond the least that any would, in parts of
//! that least. The least is proved by a certificate of its own ([`Plain`]), so that nobody has to solve it again.
//!
//! Absent: suppression of small cells. These figures are exact and for the ledger's report alone, which holds the one
//! rule of what may be shown. Absent too: any other subgroup; those come as districts' proved aggregates.

use super::certificate::{Certificate, check};
use super::problem::{Problem, School};
use super::solver::{Limits, solve};
use borsh::{BorshDeserialize, BorshSerialize};
use std::collections::BTreeMap;
use thiserror::Error;

#[cfg(test)]
mod tests;

/// Utility of a place of the row's least cost.
pub const FULL_UTILITY_E4: u32 = 10_000;

/// What the report needs to know of a student beyond the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Need band.
    pub band: u8,
    /// School index, any numbering.
    pub school: u32,
    /// District index, any numbering.
    pub district: u32,
    /// The weight W that the row's costs carry, at least 1.
    pub weight: u32,
}

/// Why a report cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EquityError {
    /// Not exactly one person and one eligible place a student.
    #[error("people or assignment do not fit the problem")]
    Length,
    /// A weight of zero.
    #[error("student {0} has no weight")]
    Weight(u32),
    /// What is given as the round at equity 0 is not proved to be one of least cost.
    #[error("the round at equity 0 is not proved to be of least cost")]
    Plain,
}

/// One group of students.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Band, school or district.
    pub group: u32,
    /// Students of the group.
    pub students: u64,
    /// Those at a place of their row's least cost.
    pub first_choice: u64,
    /// Those on the waitlist.
    pub waitlisted: u64,
}

/// A school's allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchoolLine {
    /// School index.
    pub school: u32,
    /// Students not on the waitlist, for a million of weight 100, rounded down.
    pub placed_per_weighted_pupil_e6: u64,
}

/// A round's equity report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EquityReport {
    /// Students of the round.
    pub students: u32,
    /// Students without a waitlist entry, where there is a waitlist.
    pub mandates: u64,
    /// Whether every one of them is placed.
    pub mandates_met: Met,
    /// Allocation per weighted pupil by school.
    pub schools: Vec<SchoolLine>,
    /// Gini coefficient of places per weighted pupil over schools.
    pub gini_ppm: u32,
    /// Mean utility of the tenth of students with the lowest, scaled by 10,000; `None` without
    /// students.
    pub bottom_decile_utility_e4: Option<u32>,
    /// By need band, ascending.
    pub by_band: Vec<Cell>,
    /// By school, ascending.
    pub by_school: Vec<Cell>,
    /// By district, ascending.
    pub by_district: Vec<Cell>,
    /// Pairs (student, pool) of justified envy.
    pub justified_envy_pairs: u64,
    /// Extra unweighted cost against equity 0; `None` when that round is not given, or costs nothing.
    pub price_of_fairness_ppm: Option<u64>,
}

/// Whether all mandates are met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Met {
    /// Every mandated student is placed.
    All,
    /// At least one is not.
    NotAll,
}

/// The round at equity 0 with the proof that it costs least: one of perhaps many, all of the same cost.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Plain {
    /// Pool of each student, by row.
    pub assignment: Vec<u32>,
    /// That no assignment costs less without weights.
    pub certificate: Certificate,
}

/// Solves the round at equity 0: every cost divided by its student's weight, the same penalties, no lottery. None when
/// that is not solved within its own work.
pub fn plain(problem: &Problem, people: &[Person], work: u64) -> Option<Plain> {
    let unweighted = unweighted(problem, people).ok()?;
    let solution = solve(&unweighted, &Limits { work }).ok().filter(|solution| solution.optimal())?;
    Some(Plain { assignment: solution.assignment, certificate: solution.certificate })
}

fn unweighted(problem: &Problem, people: &[Person]) -> Result<Problem, EquityError> {
    let weights: Vec<u32> = people.iter().map(|p| p.weight).collect();
    problem.unweighted(&weights).map_err(|_| EquityError::Length)
}

/// What one student got.
struct Outcome {
    person: Person,
    first_choice: bool,
    waitlisted: bool,
    utility_e4: u32,
}

/// Makes the report of an assignment; `plain` is the round at equity 0, checked here.
///
/// # Errors
/// See [`EquityError`].
pub fn report(
    problem: &Problem,
    assignment: &[u32],
    people: &[Person],
    plain: Option<&Plain>,
) -> Result<EquityReport, EquityError> {
    let outcomes = outcomes(problem, assignment, people)?;
    let mandated = mandated(problem);
    let late = |s: &usize| outcomes.get(*s).is_some_and(|o| o.waitlisted);
    let mandates_met = if mandated.iter().any(late) { Met::NotAll } else { Met::All };
    Ok(EquityReport {
        students: outcomes.len() as u32,
        mandates: mandated.len() as u64,
        mandates_met,
        schools: school_lines(&outcomes),
        gini_ppm: gini_ppm(&outcomes),
        bottom_decile_utility_e4: bottom_decile(&outcomes),
        by_band: cells(&outcomes, |p| u32::from(p.band)),
        by_school: cells(&outcomes, |p| p.school),
        by_district: cells(&outcomes, |p| p.district),
        justified_envy_pairs: justified_envy(problem, assignment, people),
        price_of_fairness_ppm: price_of_fairness(problem, assignment, people, plain)?,
    })
}

fn outcomes(problem: &Problem, assignment: &[u32], people: &[Person]) -> Result<Vec<Outcome>, EquityError> {
    if assignment.len() != problem.students() || people.len() != problem.students() {
        return Err(EquityError::Length);
    }
    let one = |(student, (&pool, &person)): (usize, (&u32, &Person))| {
        if person.weight == 0 {
            return Err(EquityError::Weight(student as u32));
        }
        let cost = problem.cost(student, pool).map(i64::from).ok_or(EquityError::Length)?;
        let costs = problem.row(student).map(|e| i64::from(e.cost));
        let (best, worst) = costs.fold((cost, cost), |(a, b), c| (a.min(c), b.max(c)));
        let share = (worst - cost) * i64::from(FULL_UTILITY_E4) / (worst - best).max(1);
        Ok(Outcome {
            person,
            first_choice: cost == best,
            waitlisted: problem.waitlist_pool() == Some(pool),
            utility_e4: if worst == best { FULL_UTILITY_E4 } else { share as u32 },
        })
    };
    assignment.iter().zip(people).enumerate().map(one).collect()
}

/// Students that cannot be left on the waitlist.
fn mandated(problem: &Problem) -> Vec<usize> {
    let Some(waitlist) = problem.waitlist_pool() else { return Vec::new() };
    (0..problem.students()).filter(|&s| problem.cost(s, waitlist).is_none()).collect()
}

/// The groups by a key, ascending.
fn cells(outcomes: &[Outcome], key: impl Fn(&Person) -> u32) -> Vec<Cell> {
    let mut cells: BTreeMap<u32, Cell> = BTreeMap::new();
    for outcome in outcomes {
        let group = key(&outcome.person);
        let cell = cells.entry(group).or_insert(Cell { group, students: 0, first_choice: 0, waitlisted: 0 });
        cell.students += 1;
        cell.first_choice += u64::from(outcome.first_choice);
        cell.waitlisted += u64::from(outcome.waitlisted);
    }
    cells.into_values().collect()
}

/// Placed students and weight by school.
fn by_school(outcomes: &[Outcome]) -> BTreeMap<u32, (u64, u64)> {
    let mut sums: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    for outcome in outcomes {
        let (placed, weight) = sums.entry(outcome.person.school).or_default();
        *placed += u64::from(!outcome.waitlisted);
        *weight += u64::from(outcome.person.weight);
    }
    sums
}

fn school_lines(outcomes: &[Outcome]) -> Vec<SchoolLine> {
    let line = |(school, (placed, weight)): (u32, (u64, u64))| SchoolLine {
        school,
        placed_per_weighted_pupil_e6: placed * 100_000_000 / weight.max(1),
    };
    by_school(outcomes).into_iter().map(line).collect()
}

/// Σ_{i<j} |a_i·w_j − a_j·w_i| / (Σa·Σw), with a = places and w = weight of a school.
fn gini_ppm(outcomes: &[Outcome]) -> u32 {
    let sums: Vec<(u64, u64)> = by_school(outcomes).into_values().collect();
    let (places, weight) =
        sums.iter().fold((0u128, 0u128), |(a, w), s| (a + u128::from(s.0), w + u128::from(s.1)));
    let apart = |x: &(u64, u64), y: &(u64, u64)| {
        (u128::from(x.0) * u128::from(y.1)).abs_diff(u128::from(y.0) * u128::from(x.1))
    };
    let pairs = sums.iter().enumerate().flat_map(|(i, x)| sums.iter().skip(i + 1).map(move |y| apart(x, y)));
    let total: u128 = pairs.sum();
    if places == 0 || weight == 0 { 0 } else { (total * 1_000_000 / (places * weight)) as u32 }
}

fn bottom_decile(outcomes: &[Outcome]) -> Option<u32> {
    let mut utilities: Vec<u32> = outcomes.iter().map(|o| o.utility_e4).collect();
    utilities.sort_unstable();
    let count = utilities.len().div_ceil(10);
    let sum: u64 = utilities.iter().take(count).map(|&u| u64::from(u)).sum();
    sum.checked_div(count as u64).and_then(|mean| u32::try_from(mean).ok())
}

fn justified_envy(problem: &Problem, assignment: &[u32], people: &[Person]) -> u64 {
    let mut lightest = vec![u32::MAX; problem.pools().len()];
    for (&pool, person) in assignment.iter().zip(people) {
        if let Some(least) = lightest.get_mut(pool as usize) {
            *least = person.weight.min(*least);
        }
    }
    let envied = |(student, (&pool, person)): (usize, (&u32, &Person))| {
        let own = problem.cost(student, pool).unwrap_or(0);
        let preferred = problem.row(student).filter(|e| e.cost < own);
        preferred.filter(|e| lightest.get(e.pool as usize).is_some_and(|&w| w < person.weight)).count() as u64
    };
    assignment.iter().zip(people).enumerate().map(envied).sum()
}

/// ⌊10^6·(cost − least)/least⌋, both without weights and with penalties; none without a least cost above 0.
fn price_of_fairness(
    problem: &Problem,
    assignment: &[u32],
    people: &[Person],
    plain: Option<&Plain>,
) -> Result<Option<u64>, EquityError> {
    let Some(plain) = plain else { return Ok(None) };
    let unweighted = unweighted(problem, people)?;
    let proved = check(&unweighted, &plain.assignment, &plain.certificate).map_err(|_| EquityError::Plain)?;
    if proved.gap_ppm != 0 {
        return Err(EquityError::Plain);
    }
    let (cost, least) = (cost_with_penalties(&unweighted, assignment), i128::from(proved.objective));
    let ppm = cost.saturating_sub(least).max(0).saturating_mul(1_000_000).checked_div(least);
    Ok(ppm.and_then(|ppm| u64::try_from(ppm).ok()))
}

/// Σ cost + Σ penalty_σ·max(0, placed(σ) − share_σ).
fn cost_with_penalties(problem: &Problem, assignment: &[u32]) -> i128 {
    let costs = assignment.iter().enumerate().filter_map(|(s, &p)| problem.cost(s, p));
    let cost: i128 = costs.map(i128::from).sum();
    let Some(layer) = problem.schools() else { return cost };
    let mut placed = vec![0u64; layer.schools.len()];
    for (pool, school) in assignment.iter().zip(&layer.school_of) {
        if problem.waitlist_pool() != Some(*pool) {
            placed.get_mut(*school as usize).into_iter().for_each(|count| *count += 1);
        }
    }
    let penalty = |(school, &placed): (&School, &u64)| {
        i128::from(school.penalty) * i128::from(placed.saturating_sub(school.share.into()))
    };
    cost + layer.schools.iter().zip(&placed).map(penalty).sum::<i128>()
}
