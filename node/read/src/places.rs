//! Districts, schools and pools with what rounds gave them, as the published reports have it.

use std::collections::BTreeMap;

pub use aula_api::places::SchoolLine;
use aula_api::records;
use aula_ledger::rounds::report::{CellCounts, PublishedCell};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, AccessLog, Class, DecisionStanding, District, PoolRecord};
use aula_ledger::types::{ClassId, DistrictId, Height, PoolId, RoundId, SchoolId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::publish;
use super::ranges::{CellRange, Ranges, ranges};
use super::round_figures::kind_name;
use super::rounds;
use aula_store::ChainView;

/// How a place's students fared in a round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InRound {
    /// The number of the round.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Its class's title.
    pub title: String,
    /// The calendar year in which the round's school year starts.
    pub school_year: u16,
    /// Whether the decision stands, was replaced, or was reverted.
    #[schema(value_type = Option<records::DecisionStanding>)]
    pub standing: Option<DecisionStanding>,
    /// The figures; none when withheld.
    #[schema(value_type = Option<records::CellCounts>)]
    pub counts: Option<CellCounts>,
    /// Between which numbers they lie where they are withheld.
    pub range: Option<CellRange>,
}

/// A district with its schools.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DistrictFigures {
    /// The ledger's record: number, name, when it was admitted, and whether it was closed.
    #[schema(value_type = records::District)]
    pub district: District,
    /// By number, closed ones too; empty when it has none yet.
    pub schools: Vec<SchoolLine>,
    /// Names of members that act for it.
    pub members: Vec<String>,
    /// The newest anchored head of its access log; none when it has anchored none.
    #[schema(value_type = Option<records::AccessLog>)]
    pub access_log: Option<AccessLog>,
    /// How its students fared, newest round first.
    pub rounds: Vec<InRound>,
}

/// A school with its pools.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchoolFigures {
    /// The ledger's record, with what people call it now and where it is.
    pub school: SchoolLine,
    /// The district's name.
    pub district_name: String,
    /// Pools of places at this school, of all classes.
    pub pools: Vec<PoolRow>,
    /// How its students fared, newest round first.
    pub rounds: Vec<InRound>,
}

/// All schools, by number.
///
/// # Errors
/// When the database fails.
pub fn schools(view: &ChainView) -> Result<Vec<SchoolLine>, StoreError> {
    let now = view.tip().time_ms;
    Ok(schema::schools(view)?.into_iter().map(|school| SchoolLine::of(school, now)).collect())
}

/// A pool in a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolRow {
    /// The ledger's record: number, class, kind, school, places and cost of one.
    #[serde(flatten)]
    #[schema(value_type = records::PoolRecord)]
    pub pool: PoolRecord,
    /// The class's title.
    pub title: String,
    /// The kind's name.
    pub kind_name: String,
    /// What all its places cost, in cents.
    pub cost_cents: u64,
}

/// A pool with its prices and use.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolFigures {
    /// The record, with what its class and kind are called.
    pub pool: PoolRow,
    /// By round of its class, newest first.
    pub rounds: Vec<PoolInRound>,
    /// Places in use by the newest report of its use; none without one, or where the count is withheld.
    pub in_use: Option<u32>,
    /// The block of that report; none without one.
    #[schema(value_type = Option<u64>)]
    pub in_use_at: Option<Height>,
}

/// A pool in a decided round of its class.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolInRound {
    /// The number of the round.
    #[schema(value_type = u64)]
    pub round: RoundId,
    /// Whether the decision stands, was replaced, or was reverted.
    #[schema(value_type = Option<records::DecisionStanding>)]
    pub standing: Option<DecisionStanding>,
    /// Weighted cost that one more place would save; below zero, what one more guaranteed place would cost; none where unbounded.
    pub price: Option<i64>,
    /// Places used; none where the count is withheld.
    pub used: Option<u32>,
    /// Requests that could have had it; none where the count is withheld.
    pub demand: Option<u32>,
}

/// Cells of one group in all rounds, newest first.
fn in_rounds(
    view: &ChainView,
    cells: impl Fn(&aula_ledger::rounds::PublishedReport) -> &[PublishedCell],
    ranges_of: impl Fn(&Ranges) -> &BTreeMap<u32, CellRange>,
    group: u32,
) -> Result<Vec<InRound>, StoreError> {
    let classes = titles(view)?;
    let districts: BTreeMap<u32, u32> =
        schema::schools(view)?.into_iter().map(|school| (school.id.0, school.district.0.into())).collect();
    let mut found = Vec::new();
    for round in schema::rounds(view)?.iter().rev() {
        let Some(report) = schema::published_report(view, round.round)? else { continue };
        let Some(cell) = cells(&report).iter().find(|cell| cell.group == group) else { continue };
        found.push(InRound {
            round: round.round,
            title: classes.get(&round.class).map(|c| c.definition.title.to_string()).unwrap_or_default(),
            school_year: round.school_year.0,
            standing: schema::decision_standing(view, round)?,
            counts: cell.counts,
            range: match cell.counts {
                Some(_) => None,
                None => {
                    let all = ranges(&report, |school| districts.get(&school).copied());
                    ranges_of(&all).get(&group).copied()
                }
            },
        });
    }
    Ok(found)
}

fn titles(view: &ChainView) -> Result<BTreeMap<ClassId, Class>, StoreError> {
    Ok(schema::classes(view)?.into_iter().map(|class| (class.definition.class, class)).collect())
}

/// A district; none when there is none of this number.
///
/// # Errors
/// When the database fails.
pub fn district(view: &ChainView, id: DistrictId) -> Result<Option<DistrictFigures>, StoreError> {
    let Some(district) = schema::district(view, id)? else { return Ok(None) };
    let schools = schools(view)?.into_iter().filter(|line| line.school.district == id).collect();
    let members = schema::members(view)?;
    let members = members.iter().filter(|member| member.district == Some(id));
    Ok(Some(DistrictFigures {
        schools,
        members: members.map(|member| member.name.to_string()).collect(),
        access_log: schema::access_log(view, id)?,
        rounds: in_rounds(view, |report| &report.by_district.cells, |ranges| &ranges.districts, id.0.into())?,
        district,
    }))
}

/// A school; none when there is none of this number.
///
/// # Errors
/// When the database fails.
pub fn school(view: &ChainView, id: SchoolId) -> Result<Option<SchoolFigures>, StoreError> {
    let Some(school) = schema::school(view, id)? else { return Ok(None) };
    let district = schema::district(view, school.district)?;
    let pools = pools(view, None)?.into_iter().filter(|row| row.pool.school == id).collect();
    Ok(Some(SchoolFigures {
        district_name: district.map(|district| district.name.to_string()).unwrap_or_default(),
        pools,
        rounds: in_rounds(view, |report| &report.by_school.cells, |ranges| &ranges.schools, id.0)?,
        school: SchoolLine::of(school, view.tip().time_ms),
    }))
}

/// Pools of a class, or all, by class and number.
///
/// # Errors
/// When the database fails.
pub fn pools(view: &ChainView, class: Option<ClassId>) -> Result<Vec<PoolRow>, StoreError> {
    let classes = titles(view)?;
    let pools = match class {
        Some(class) => schema::pools(view, class)?,
        None => schema::all_pools(view)?,
    };
    Ok(pools.into_iter().map(|pool| pool_row(pool, &classes)).collect())
}

fn pool_row(pool: PoolRecord, classes: &BTreeMap<ClassId, Class>) -> PoolRow {
    let class = classes.get(&pool.class);
    PoolRow {
        title: class.map(|class| class.definition.title.to_string()).unwrap_or_default(),
        kind_name: kind_name(class, &pool),
        cost_cents: pool.cost_cents(),
        pool,
    }
}

/// A pool; none when there is none of this number.
///
/// # Errors
/// When the database fails.
pub fn pool(view: &ChainView, id: PoolId) -> Result<Option<PoolFigures>, StoreError> {
    let Some(record) = schema::pool(view, id)? else { return Ok(None) };
    let mut rounds = Vec::new();
    for round in schema::rounds(view)?.iter().rev().filter(|round| round.class == record.class) {
        let report = schema::published_report(view, round.round)?;
        let round = rounds::of(view, round)?;
        let Some(decision) = &round.decision else { continue };
        let line = decision.prices.iter().find(|line| line.pool == id);
        let demand = report.as_ref().and_then(|report| report.pools.iter().find(|line| line.pool == id));
        rounds.push(PoolInRound {
            round: round.round,
            standing: round.standing,
            price: line.and_then(|line| line.price),
            used: line.and_then(|line| line.used),
            demand: demand.and_then(|line| line.demand),
        });
    }
    let min_cell = schema::params(view)?.min_cell_students;
    let utilisation = schema::utilisation(view, id)?;
    let in_use = utilisation.as_ref().and_then(|line| publish::count(line.in_use, min_cell));
    let in_use_at = utilisation.map(|line| line.at.height);
    Ok(Some(PoolFigures { pool: pool_row(record, &titles(view)?), rounds, in_use, in_use_at }))
}
