//! One round with everything public beside it: its report, its class's pools with prices, its schools, and the round to
//! compare with. The page of a round, its JSON and its exports are made of this.

use std::collections::BTreeMap;

use aula_api::records;
use aula_ledger::rounds::PublishedReport;
use aula_ledger::rounds::report::{CellCounts, PublishedCell};
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Class, PoolRecord, Round, RoundStatus, School};
use aula_ledger::types::{Cents, ClassId, PoolId, RoundId, SchoolId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::acknowledgements::{self, OwedLine};
use super::ranges::{CellRange, Ranges, Span, ranges};
use super::rounds::{self, RoundView, placed};
use super::table::Table;
use aula_store::ChainView;

/// A pool's places and what they cost, with its price in a round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PoolLine {
    /// The pool's number on the ledger.
    #[schema(value_type = u64)]
    pub pool: PoolId,
    /// Where its places are.
    #[schema(value_type = u64)]
    pub school: SchoolId,
    /// What people call the kind of place.
    pub kind: String,
    /// Places that students can be given.
    pub capacity: u32,
    /// Places that must be used, at most `capacity`.
    pub floor: u32,
    /// What a place cost, in cents.
    #[schema(value_type = u64)]
    pub unit_cost_cents: Cents,
    /// What all its places cost, in cents.
    #[schema(value_type = u64)]
    pub cost_cents: Cents,
    /// Weighted cost that one more place would save; none before the decision and where it is unbounded.
    pub price: Option<i64>,
    /// Places used; none before the decision and where the count is withheld.
    pub used: Option<u32>,
    /// Requests that could have had it; none before the decision and where the count is withheld.
    pub demand: Option<u32>,
}

/// How a school's students fared.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SchoolInRound {
    /// The number of the school that the students are of.
    #[schema(value_type = u64)]
    pub school: SchoolId,
    /// The number of the school's district.
    pub district: u16,
    /// As the ledger has it; schools of one type share tier 2.
    pub school_type: String,
    /// The figures; none when withheld.
    #[schema(value_type = Option<records::CellCounts>)]
    pub counts: Option<CellCounts>,
}

/// Everything public about a round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RoundFigures {
    /// What was fixed and what was decided.
    pub round: RoundView,
    /// The ledger's published report; none before the decision.
    #[schema(value_type = Option<records::PublishedReport>)]
    pub report: Option<PublishedReport>,
    /// What schools owe an acknowledgement for.
    pub acknowledgements: Vec<OwedLine>,
    /// The class's pools, by number; those that were retired before the round was opened are left out.
    pub pools: Vec<PoolLine>,
    /// How each school's students fared; empty before the decision.
    pub schools: Vec<SchoolInRound>,
    /// Between which numbers the withheld counts lie.
    pub ranges: Ranges,
    /// The earlier decided round of the same kinds of places, to compare with; none when there is none.
    #[schema(value_type = Option<u64>)]
    pub before: Option<RoundId>,
    /// That round's report; none without one.
    #[schema(value_type = Option<records::PublishedReport>)]
    pub report_before: Option<PublishedReport>,
}

impl RoundFigures {
    /// Reads a round; none when there is none of this number.
    ///
    /// # Errors
    /// When the database fails.
    pub fn read(view: &ChainView, id: RoundId) -> Result<Option<Self>, StoreError> {
        let Some(record) = schema::round(view, id)? else { return Ok(None) };
        let round = rounds::whole(view, &record)?;
        let report = schema::published_report(view, id)?;
        let class = schema::class(view, record.class)?;
        let known: BTreeMap<SchoolId, School> =
            schema::schools(view)?.into_iter().map(|school| (school.id, school)).collect();
        let mut pools = schema::pools(view, record.class)?;
        // None is retired while a round is open, so one retired later was the round's.
        pools.retain(|pool| pool.retired.is_none_or(|at| record.opened < at));
        let pools = pools.iter().map(|pool| pool_line(pool, class.as_ref(), &round, report.as_ref()));
        let cells = report.as_ref().map(|report| report.by_school.cells.as_slice()).unwrap_or_default();
        let schools = cells.iter().map(|cell| school_line(cell, &known));
        let district_of = |school: u32| known.get(&SchoolId(school)).map(|school| school.district.0.into());
        let ranges = report.as_ref().map(|report| ranges(report, district_of)).unwrap_or_default();
        let before = before(view, &record, class.as_ref())?;
        let report_before = match before {
            Some(before) => schema::published_report(view, before)?,
            None => None,
        };
        Ok(Some(Self {
            pools: pools.collect(),
            schools: schools.collect(),
            ranges,
            report,
            acknowledgements: acknowledgements::of_round(view, id)?,
            before,
            report_before,
            round,
        }))
    }
}

/// The newest decided round before this one whose class has the same kinds: of this class, or of an earlier year's. One that
/// was taken back is nothing to compare with.
fn before(view: &ChainView, record: &Round, class: Option<&Class>) -> Result<Option<RoundId>, StoreError> {
    let Some(wanted) = class.map(|class| &class.definition.kinds) else { return Ok(None) };
    let classes = schema::classes(view)?;
    let same = |class: ClassId| {
        classes.iter().any(|one| one.definition.class == class && one.definition.kinds == *wanted)
    };
    let earlier = schema::rounds(view)?;
    let of_kind = |round: &&Round| {
        round.round < record.round && matches!(round.status, RoundStatus::Decided { .. }) && same(round.class)
    };
    for round in earlier.iter().rev().filter(of_kind) {
        if schema::reversion(view, round.round)?.is_none() {
            return Ok(Some(round.round));
        }
    }
    Ok(None)
}

fn pool_line(
    pool: &PoolRecord,
    class: Option<&Class>,
    round: &RoundView,
    report: Option<&PublishedReport>,
) -> PoolLine {
    let prices = round.decision.as_ref().map(|decision| decision.prices.as_slice()).unwrap_or_default();
    let price = prices.iter().find(|line| line.pool == pool.pool);
    let demand = report.and_then(|report| report.pools.iter().find(|line| line.pool == pool.pool));
    PoolLine {
        pool: pool.pool,
        school: pool.school,
        kind: kind_name(class, pool),
        capacity: pool.capacity,
        floor: pool.floor,
        unit_cost_cents: pool.unit_cost_cents,
        cost_cents: Cents(pool.cost_cents()),
        price: price.and_then(|line| line.price),
        used: price.and_then(|line| line.used),
        demand: demand.and_then(|line| line.demand),
    }
}

/// What people call a pool's kind.
pub fn kind_name(class: Option<&Class>, pool: &PoolRecord) -> String {
    let kinds = class.map(|class| class.definition.kinds.as_slice()).unwrap_or_default();
    let name = kinds.get(usize::from(pool.kind.0)).map(ToString::to_string);
    name.unwrap_or_else(|| format!("kind {}", pool.kind))
}

fn school_line(cell: &PublishedCell, known: &BTreeMap<SchoolId, School>) -> SchoolInRound {
    let school = SchoolId(cell.group);
    let record = known.get(&school);
    SchoolInRound {
        school,
        district: record.map_or(0, |record| record.district.0),
        school_type: record.map(|record| record.school_type.to_string()).unwrap_or_default(),
        counts: cell.counts,
    }
}

/// A round's schools as a table.
pub fn school_table(figures: &RoundFigures) -> Table {
    let columns: &[&str] = &[
        "round",
        "standing",
        "school",
        "district",
        "school_type",
        "students",
        "placed",
        "first_choice",
        "waitlisted",
        "placed_per_weighted_pupil_e6",
        "students_low",
        "students_high",
        "placed_low",
        "placed_high",
        "first_choice_low",
        "first_choice_high",
        "waitlisted_low",
        "waitlisted_high",
    ];
    let row = |line: &SchoolInRound| {
        let c = line.counts;
        let range = figures.ranges.schools.get(&line.school.0);
        let low = |part: fn(&CellRange) -> Span| json!(range.map(|range| part(range).low));
        let high = |part: fn(&CellRange) -> Span| json!(range.map(|range| part(range).high));
        vec![
            json!(figures.round.round),
            json!(figures.round.standing),
            json!(line.school),
            json!(line.district),
            json!(line.school_type),
            json!(c.map(|c| c.students)),
            json!(c.map(|c| placed(&c))),
            json!(c.map(|c| c.first_choice)),
            json!(c.map(|c| c.waitlisted)),
            json!(c.map(|c| c.placed_per_weighted_pupil_e6)),
            low(|range| range.students),
            high(|range| range.students),
            low(|range| range.placed),
            high(|range| range.placed),
            low(|range| range.first_choice),
            high(|range| range.first_choice),
            low(|range| range.waitlisted),
            high(|range| range.waitlisted),
        ]
    };
    Table { columns, rows: figures.schools.iter().map(row).collect() }
}

/// A round's pools as a table.
pub fn pool_table(figures: &RoundFigures) -> Table {
    let columns: &[&str] = &[
        "round",
        "standing",
        "pool",
        "school",
        "kind",
        "capacity",
        "floor",
        "unit_cost_cents",
        "cost_cents",
        "price",
        "used",
        "demand",
    ];
    let row = |line: &PoolLine| -> Vec<Value> {
        vec![
            json!(figures.round.round),
            json!(figures.round.standing),
            json!(line.pool),
            json!(line.school),
            json!(line.kind),
            json!(line.capacity),
            json!(line.floor),
            json!(line.unit_cost_cents),
            json!(line.cost_cents),
            json!(line.price),
            json!(line.used),
            json!(line.demand),
        ]
    };
    Table { columns, rows: figures.pools.iter().map(row).collect() }
}
