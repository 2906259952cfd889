//! Public records: that each stands in the state, and what it says, for pages that show the same figures.
//!
//! Absent: that a report follows from its round's rows, or that the result is optimal. The round's own bundle proves
//! that; it holds the rows, so it is an auditor's.

use serde_json::{Map, Value, json};

use super::super::build::state_key;
use super::super::bundle::{Figure, FigureKey, FiguresEvidence};
use super::super::report::{Checks, Stop};
use super::State;
use crate::params::Params;
use crate::rounds::PublishedReport;
use crate::rounds::report::PublishedGroups;
use crate::state::schema::{Budget, Class, PoolRecord};

/// Checks every record and gives what it says.
pub(super) fn verify(
    checks: &mut Checks,
    state: &State,
    evidence: &FiguresEvidence,
) -> Result<Vec<Value>, Stop> {
    let keys: Vec<FigureKey> = evidence.figures.iter().map(|figure| figure.key).collect();
    let ascending = !keys.is_empty() && keys.iter().zip(keys.iter().skip(1)).all(|(a, b)| a < b);
    checks.ensure("figures", ascending, "The records are not in their order, or one is named twice.")?;
    evidence.figures.iter().map(|figure| one(checks, state, figure)).collect()
}

fn one(checks: &mut Checks, state: &State, figure: &Figure) -> Result<Value, Stop> {
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
            let year = json!({ "funded_cents": budget.funded_cents, "charged_cents": budget.charged_cents });
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
            Ok(json!({ "class": record }))
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
            Ok(json!({ "pool": record }))
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
            Ok(keyed(&format!("round-{round}"), report_figures(&report)))
        }
    }
}

fn keyed(name: &impl std::fmt::Display, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_string(), value)]))
}

/// The report with its groups and pools by number, so that a figure is named by a path: `round-3.by_school.11.students`.
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
    let cells = groups.cells.iter().map(|cell| (cell.group.to_string(), json!(cell.counts)));
    let mut fields: Map<String, Value> = cells.collect();
    fields.insert("first_choice_ratio_ppm".into(), json!(groups.first_choice_ratio_ppm));
    fields.insert("placed_ratio_ppm".into(), json!(groups.placed_ratio_ppm));
    Value::Object(fields)
}
