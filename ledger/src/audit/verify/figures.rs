//! Public records: that each stands in the state, and what it says, for pages that show the same figures.
//!
//! What is said is JSON, a record after the other, each under a name of its own (`round-3`, `pool-17`, `member-ACCOUNT`),
//! so that a figure is named by a path: `round-3.by_school.11.students`. Shares and sums that pages show are worked out
//! here, from proved counts alone, rounded down. Blocks that the chain shows are said too, and the genesis's parameters.
//!
//! Absent: that a report follows from its round's rows, or that the result is optimal. The round's own bundle proves
//! that; it holds the rows, so it is an auditor's.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::build::state_key;
use super::super::bundle::{ChainEvidence, Figure, FigureKey, FiguresEvidence};
use super::super::report::{Checks, Standing, Stop};
use super::{State, acts, consortium, keyed};
use crate::genesis::Parsed;
use crate::params::Params;
use crate::rounds::PublishedReport;
use crate::rounds::report::{CellCounts, PublishedGroups};
use crate::state::schema::{Budget, Class, PoolRecord};
use crate::types::{ClassId, RoundId};

/// Classes with those of their pools that are shown, to sum up what a whole class costs.
#[derive(Default)]
pub(super) struct Seen {
    classes: BTreeMap<ClassId, Class>,
    pools: Vec<PoolRecord>,
    standings: Vec<Standing>,
}

/// Checks every record and act and gives what they say, and whether the newest decision that is reported stands.
pub(super) fn verify(
    checks: &mut Checks,
    state: &State,
    chain: &ChainEvidence,
    genesis: &Parsed,
    evidence: &FiguresEvidence,
) -> Result<(Vec<Value>, Standing), Stop> {
    let keys: Vec<FigureKey> = evidence.figures.iter().map(|figure| figure.key).collect();
    let something = !keys.is_empty() || !evidence.acts.is_empty();
    let ascending = something && keys.iter().zip(keys.iter().skip(1)).all(|(a, b)| a < b);
    checks.ensure("figures", ascending, "The records are not in their order, or one is named twice.")?;
    let mut seen = Seen::default();
    let mut said = vec![json!({ "genesis": { "parameters": genesis.genesis.params } })];
    said.extend(chain.headers().map(acts::block));
    for figure in &evidence.figures {
        said.push(one(checks, state, figure, &mut seen)?);
    }
    said.extend(seen.classes.values().filter_map(|class| spend(class, &seen.pools)));
    said.extend(acts::verify(checks, chain, &evidence.acts)?);
    // Keys ascend, so the last report is that of the newest round.
    Ok((said, seen.standings.last().copied().unwrap_or(Standing::Stands)))
}

/// Whether a reported decision stands, by its class's record, which stands before it in the bundle.
fn standing(checks: &mut Checks, seen: &Seen, round: RoundId, class: ClassId) -> Result<Standing, Stop> {
    const NAME: &str = "standing";
    let Some(record) = seen.classes.get(&class) else {
        return checks.fail(
            NAME,
            format!("The record of class {class}, by which round {round} stands, is not shown."),
        );
    };
    let (standing, words) = match record.standing_round {
        Some(stands) if stands == round => (Standing::Stands, "stands".to_owned()),
        Some(stands) if stands > round => (Standing::Replaced, format!("was REPLACED by round {stands}'s")),
        _ => (Standing::Reverted, "was REVERTED".to_owned()),
    };
    checks.pass(NAME, format!("The decision of round {round} {words}."));
    Ok(standing)
}

fn one(checks: &mut Checks, state: &State, figure: &Figure, seen: &mut Seen) -> Result<Value, Stop> {
    let key = state_key(&figure.key);
    match &figure.key {
        FigureKey::Parameters => {
            let params: Params = state.open(checks, "parameters", &key, &figure.record)?;
            checks.pass(
                "parameters",
                format!("These are the parameters in force after height {}.", state.height),
            );
            Ok(json!({ "parameters": params }))
        }
        FigureKey::Budget { funder, school_year } => {
            let budget: Budget = state.open(checks, "budget", &key, &figure.record)?;
            let own = (budget.funder, budget.school_year) == (*funder, *school_year);
            checks.ensure("budget", own, "The budget's record names another funder or school year.")?;
            let words = format!(
                "Funder {funder}, school year {school_year}: {} cents funded, {} charged by pools.",
                budget.funded_cents, budget.charged_cents
            );
            checks.pass("budget", words);
            let year = json!({
                "funded_cents": budget.funded_cents,
                "charged_cents": budget.charged_cents,
                "left_cents": budget.funded_cents.0.saturating_sub(budget.charged_cents.0),
                "charged_ppm": ppm(budget.charged_cents.0, budget.funded_cents.0),
            });
            Ok(keyed(funder, keyed(school_year, year)))
        }
        FigureKey::Class(class) => {
            let record: Class = state.open(checks, "class", &key, &figure.record)?;
            checks.ensure("class", record.definition.class == *class, "The record names another class.")?;
            let (title, year) = (&record.definition.title, record.definition.school_year);
            checks.pass(
                "class",
                format!("Class {class} is {title}, school year {year}, with {} pools.", record.pools),
            );
            let said = keyed(&format!("class-{class}"), json!(record));
            seen.classes.insert(*class, record);
            Ok(said)
        }
        FigureKey::Pool { class, pool } => {
            let record: PoolRecord = state.open(checks, "pool", &key, &figure.record)?;
            let own = (record.class, record.pool) == (*class, *pool);
            checks.ensure("pool", own, "The record names another pool or class.")?;
            let words = format!(
                "Pool {pool} of class {class} has {} places at school {}, {} cents each.",
                record.capacity, record.school, record.unit_cost_cents
            );
            checks.pass("pool", words);
            let mut said = json!(record);
            if let Some(fields) = said.as_object_mut() {
                fields.insert("cost_cents".into(), json!(cost(&record)));
            }
            seen.pools.push(record);
            Ok(keyed(&format!("pool-{pool}"), said))
        }
        FigureKey::Report(round) => {
            let report: PublishedReport = state.open(checks, "report", &key, &figure.record)?;
            let words = format!(
                "This is the published report of round {round}, with its prices: the validators signed it. Figures of \
                 fewer than {} students are withheld. That the result is optimal needs the auditor's bundle, which \
                 holds the rows.",
                report.min_cell_students
            );
            checks.pass("report", words);
            let standing = standing(checks, seen, *round, report.class)?;
            seen.standings.push(standing);
            let mut said = report_figures(&report);
            if let Some(fields) = said.as_object_mut() {
                fields.insert("standing".into(), json!(standing));
            }
            Ok(keyed(&format!("round-{round}"), said))
        }
        _ => consortium::one(checks, state, figure, &key),
    }
}

/// Parts per million, rounded down; none of nothing.
fn ppm(part: u64, whole: u64) -> Option<u64> {
    let ppm = (u128::from(part) * 1_000_000).checked_div(whole.into())?;
    u64::try_from(ppm).ok()
}

fn cost(pool: &PoolRecord) -> u64 {
    pool.unit_cost_cents.0.saturating_mul(pool.capacity.into())
}

/// Places and cost of a class by kind, named `spend-CLASS`; nothing when one of its pools is not shown.
fn spend(class: &Class, pools: &[PoolRecord]) -> Option<Value> {
    let id = class.definition.class;
    let own: Vec<&PoolRecord> = pools.iter().filter(|pool| pool.class == id).collect();
    if own.len() as u64 != u64::from(class.pools) {
        return None;
    }
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut all = (0u64, 0u64);
    for pool in own {
        let name = class.definition.kinds.get(usize::from(pool.kind.0))?.to_string();
        let sum = kinds.entry(name).or_default();
        for sum in [sum, &mut all] {
            *sum = (sum.0.saturating_add(pool.capacity.into()), sum.1.saturating_add(cost(pool)));
        }
    }
    let line = |(places, cost_cents): (u64, u64)| json!({ "places": places, "cost_cents": cost_cents });
    let mut said: Map<String, Value> = kinds.into_iter().map(|(kind, sum)| (kind, line(sum))).collect();
    said.insert("all_kinds".into(), line(all));
    Some(keyed(&format!("spend-{id}"), Value::Object(said)))
}

/// The report with its groups and pools by number, so that a figure is named by a path.
fn report_figures(report: &PublishedReport) -> Value {
    let mut value = serde_json::to_value(report).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        let groups = [
            ("by_band", &report.by_band),
            ("by_school", &report.by_school),
            ("by_district", &report.by_district),
        ];
        for (name, group) in groups {
            fields.insert(name.into(), group_figures(group));
        }
        fields.insert("totals".into(), json!(report.totals.as_ref().map(cell_figures)));
        let mut pools: Map<String, Value> = report
            .pools
            .iter()
            .map(|line| (line.pool.to_string(), json!({ "demand": line.demand })))
            .collect();
        for line in &report.prices {
            if let Some(Value::Object(pool)) = pools.get_mut(&line.pool.to_string()) {
                pool.insert("price".into(), json!(line.price));
                pool.insert("used".into(), json!(line.used));
            }
        }
        fields.insert("pools".into(), Value::Object(pools));
        fields.remove("prices");
    }
    value
}

fn group_figures(groups: &PublishedGroups) -> Value {
    let cell = |counts: &Option<CellCounts>| json!(counts.as_ref().map(cell_figures));
    let cells = groups.cells.iter().map(|one| (one.group.to_string(), cell(&one.counts)));
    let mut fields: Map<String, Value> = cells.collect();
    fields.insert("first_choice_ratio_ppm".into(), json!(groups.first_choice_ratio_ppm));
    fields.insert("placed_ratio_ppm".into(), json!(groups.placed_ratio_ppm));
    Value::Object(fields)
}

/// A cell with how many were placed, and the shares.
fn cell_figures(counts: &CellCounts) -> Value {
    let placed = counts.students.saturating_sub(counts.waitlisted);
    let share = |n: u32| ppm(n.into(), counts.students.into());
    let mut value = json!(counts);
    if let Some(fields) = value.as_object_mut() {
        let derived = [
            ("placed", json!(placed)),
            ("placed_ppm", json!(share(placed))),
            ("first_choice_ppm", json!(share(counts.first_choice))),
            ("waitlisted_ppm", json!(share(counts.waitlisted))),
        ];
        fields.extend(derived.map(|(name, value)| (name.to_owned(), value)));
    }
    value
}
