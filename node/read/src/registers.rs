//! Registers of state as tables, for exports: one row a record, counts of students only from the published reports.

use aula_ledger::position::Position;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, ProposalStatus};
use serde_json::{Value, json};

use super::rounds::{self, RoundView};
use super::statements;
use super::table::Table;
use super::{places, proposals};
use aula_store::ChainView;

/// What can be exported.
pub const NAMES: [&str; 15] = [
    "audits-of-round-N",
    "budgets",
    "classes",
    "districts",
    "members",
    "milestones",
    "parameters",
    "pools",
    "pools-of-round-N",
    "proposals",
    "rounds",
    "schools",
    "schools-of-round-N",
    "transactions",
    "validators",
];

/// A register; none when it has another name.
///
/// # Errors
/// When the database fails.
pub fn table(view: &ChainView, name: &str) -> Result<Option<Table>, StoreError> {
    Ok(Some(match name {
        "budgets" => budgets(view)?,
        "classes" => classes(view)?,
        "districts" => districts(view)?,
        "members" => members(view)?,
        "pools" => pools(view)?,
        "proposals" => proposals(view)?,
        "rounds" => all_rounds(view)?,
        "schools" => schools(view)?,
        _ => return Ok(None),
    }))
}

fn budgets(view: &ChainView) -> Result<Table, StoreError> {
    let rows = statements::budgets(view)?.into_iter().map(|one| {
        let b = &one.budget;
        let left = b.funded_cents.0.saturating_sub(b.charged_cents.0);
        vec![
            json!(b.funder),
            json!(b.school_year),
            json!(b.funded_cents),
            json!(b.charged_cents),
            json!(left),
            json!(one.statement),
            json!(one.floor),
        ]
    });
    let columns =
        &["funder", "school_year", "funded_cents", "charged_cents", "left_cents", "statement", "floor"];
    Ok(Table { columns, rows: rows.collect() })
}

fn classes(view: &ChainView) -> Result<Table, StoreError> {
    let rows = schema::classes(view)?.into_iter().map(|c| {
        let kinds: Vec<String> = c.definition.kinds.iter().map(ToString::to_string).collect();
        vec![
            json!(c.definition.class),
            json!(c.definition.title),
            json!(c.definition.school_year),
            json!(kinds.join(";")),
            json!(c.pools),
            json!(c.open_round),
            json!(c.standing_round),
        ]
    });
    let columns = &["class", "title", "school_year", "kinds", "pools", "open_round", "standing_round"];
    Ok(Table { columns, rows: rows.collect() })
}

fn districts(view: &ChainView) -> Result<Table, StoreError> {
    let rows = schema::districts(view)?.into_iter().map(|d| {
        let closed = d.closed.as_ref();
        vec![
            json!(d.id),
            json!(d.name),
            json!(d.admitted),
            json!(closed.map(|closing| closing.height)),
            json!(closed.and_then(|closing| closing.successor)),
        ]
    });
    let columns = &["district", "name", "admitted_height", "closed_height", "successor"];
    Ok(Table { columns, rows: rows.collect() })
}

fn schools(view: &ChainView) -> Result<Table, StoreError> {
    let rows = places::schools(view)?.into_iter().map(|line| {
        let (s, position) = (&line.school, line.position);
        vec![
            json!(s.id),
            json!(s.district),
            json!(s.school_type),
            json!(line.name),
            json!(position.map(Position::latitude_e6)),
            json!(position.map(Position::longitude_e6)),
            json!(s.from_year),
            json!(s.closed_from),
        ]
    });
    let columns = &[
        "school",
        "district",
        "school_type",
        "name",
        "latitude_e6",
        "longitude_e6",
        "from_year",
        "closed_from",
    ];
    Ok(Table { columns, rows: rows.collect() })
}

fn members(view: &ChainView) -> Result<Table, StoreError> {
    let rows = schema::members(view)?.into_iter().map(|m| {
        vec![
            json!(m.account),
            json!(m.name),
            json!(m.roles.names(";")),
            json!(m.district),
            json!(m.school),
            json!(m.standing.name()),
            json!(m.since),
        ]
    });
    let columns = &["account", "name", "roles", "district", "school", "standing", "since_height"];
    Ok(Table { columns, rows: rows.collect() })
}

fn pools(view: &ChainView) -> Result<Table, StoreError> {
    let rows = places::pools(view, None)?.into_iter().map(|row| {
        let p = row.pool;
        vec![
            json!(p.pool),
            json!(p.class),
            json!(row.title),
            json!(p.school),
            json!(row.kind_name),
            json!(p.capacity),
            json!(p.floor),
            json!(p.unit_cost_cents),
            json!(row.cost_cents),
            json!(p.funder),
        ]
    });
    let columns = &[
        "pool",
        "class",
        "title",
        "school",
        "kind",
        "capacity",
        "floor",
        "unit_cost_cents",
        "cost_cents",
        "funder",
    ];
    Ok(Table { columns, rows: rows.collect() })
}

fn proposals(view: &ChainView) -> Result<Table, StoreError> {
    let rows = proposals::lines(view)?.into_iter().map(|line| {
        let p = &line.record;
        let decided = match p.status {
            ProposalStatus::Open => None,
            ProposalStatus::Applied { height } | ProposalStatus::Refused { height } => Some(height),
        };
        let change = serde_json::to_value(&p.change).unwrap_or_default();
        vec![
            json!(p.proposal),
            json!(p.proposer),
            change["change"].clone(),
            json!(line.what),
            Value::String(change.to_string()),
            json!(p.proposed),
            json!(p.open_until),
            json!(line.approvals),
            json!(line.against),
            json!(line.needed),
            json!(line.standing),
            json!(decided),
        ]
    });
    let columns = &[
        "proposal",
        "proposer",
        "change",
        "what",
        "content",
        "proposed_height",
        "open_until",
        "for",
        "against",
        "needed",
        "standing",
        "decided_height",
    ];
    Ok(Table { columns, rows: rows.collect() })
}

fn all_rounds(view: &ChainView) -> Result<Table, StoreError> {
    let columns = &[
        "round",
        "class",
        "title",
        "school_year",
        "status",
        "standing",
        "opened",
        "requests",
        "placed",
        "waitlisted",
        "first_choice",
        "mandates_met",
        "objective",
        "dual",
        "gap_ppm",
        "optimal",
        "gini_ppm",
        "bottom_decile_utility_e4",
        "justified_envy_pairs",
        "price_of_fairness_ppm",
    ];
    let mut rows = Vec::new();
    for round in rounds::all(view)? {
        rows.push(round_row(view, &round)?);
    }
    Ok(Table { columns, rows })
}

fn round_row(view: &ChainView, round: &RoundView) -> Result<Vec<Value>, StoreError> {
    let report = schema::published_report(view, round.round)?;
    let (decision, report) = (round.decision.as_ref(), report.as_ref());
    Ok(vec![
        json!(round.round),
        json!(round.class),
        json!(round.title),
        json!(round.school_year),
        json!(round.status_word()),
        json!(round.standing),
        json!(round.opened),
        json!(decision.and_then(|d| d.requests)),
        json!(decision.and_then(|d| d.placed)),
        json!(decision.and_then(|d| d.waitlisted)),
        json!(decision.and_then(|d| d.first_choice)),
        json!(decision.map(|d| d.mandates_met)),
        json!(decision.map(|d| d.objective)),
        json!(decision.map(|d| d.dual)),
        json!(decision.map(|d| d.gap_ppm)),
        json!(decision.map(|d| d.optimal)),
        json!(report.map(|r| r.gini_ppm)),
        json!(report.and_then(|r| r.bottom_decile_utility_e4)),
        json!(report.and_then(|r| r.justified_envy_pairs)),
        json!(report.and_then(|r| r.price_of_fairness_ppm)),
    ])
}
