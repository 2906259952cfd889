//! The truth audit of a round, counted: of each district how many students the seed drew and what was found, with no student
//! named.
//!
//! A district's number of drawn students tells its number of requests to the next hundred, and nothing closer. Whom the seed
//! drew for their mandate alone is counted for the whole round, not by district, and not at all where the round's number of
//! mandates is withheld: a draw of one would tell that a district has a mandated student.

use std::collections::BTreeMap;

pub use aula_api::report::{Counts, DistrictAudit, RoundAudit, Taken};
use aula_ledger::rounds::requests_in_order;
use aula_ledger::rounds::sample::{DrawnAmong, asked, audit_sample};
use aula_ledger::state::schema;
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::tx::Finding;
use aula_ledger::types::{DistrictId, Handle, RoundId};
use serde_json::json;

use super::table::Table;
use aula_store::ChainView;

fn add(counts: &mut Counts, finding: Option<Finding>) {
    counts.drawn += 1;
    let place = match finding {
        None => &mut counts.open,
        Some(Finding::Replayed) => &mut counts.replayed,
        Some(Finding::Confirmed) => &mut counts.confirmed,
        Some(Finding::Contradicted) => &mut counts.contradicted,
        Some(Finding::Withheld) => &mut counts.withheld,
        Some(Finding::ErasedAfterDraw) => &mut counts.erased_after_draw,
        Some(Finding::ErasedBeforeDraw) => &mut counts.erased_before_draw,
    };
    *place += 1;
}

/// The audit of a decided round; none of one that is not.
///
/// # Errors
/// When the database fails.
pub fn of_round(view: &ChainView, round: RoundId) -> Result<Option<RoundAudit>, StoreError> {
    let Some(decision) = schema::decision(view, round)? else { return Ok(None) };
    let requests = requests_in_order(&view.rows(&schema::requests_tree(round))?)?;
    let results = schema::audits(view, round)?;
    let findings: BTreeMap<(DistrictId, Handle), Finding> =
        results.iter().map(|one| ((one.district, one.handle), one.finding)).collect();
    let mut districts: BTreeMap<DistrictId, Counts> = BTreeMap::new();
    let (mut all, mut besides) = (Counts::default(), Counts::default());
    for (student, among) in audit_sample(&decision.seed, requests.iter().map(|(_, row)| asked(row))) {
        let finding = findings.get(&student).copied();
        if among == DrawnAmong::Mandates {
            add(&mut besides, finding);
            continue;
        }
        add(districts.entry(student.0).or_default(), finding);
        add(&mut all, finding);
    }
    let shown = schema::published_report(view, round)?.is_some_and(|report| report.mandates.is_some());
    let districts =
        districts.into_iter().map(|(district, counts)| DistrictAudit { district, counts }).collect();
    Ok(Some(RoundAudit {
        round,
        all,
        districts,
        mandates: shown.then_some(besides),
        rows_taken: taken(view, round)?,
    }))
}

fn taken(view: &ChainView, round: RoundId) -> Result<Vec<Taken>, StoreError> {
    let mut found = Vec::new();
    for one in schema::rows_takings(view, round)? {
        let member = schema::member(view, &one.auditor)?;
        found.push(Taken {
            auditor: one.auditor,
            name: member.map(|member| member.name.to_string()).unwrap_or_default(),
            first: one.first.height,
            newest: one.newest.height,
            times: one.times,
        });
    }
    Ok(found)
}

/// By district, as a table.
pub fn table(audit: &RoundAudit) -> Table {
    let columns: &[&str] = &[
        "round",
        "district",
        "drawn",
        "replayed",
        "confirmed",
        "contradicted",
        "withheld",
        "erased_after_draw",
        "erased_before_draw",
        "open",
    ];
    let row = |one: &DistrictAudit| {
        let c = one.counts;
        vec![
            json!(audit.round),
            json!(one.district),
            json!(c.drawn),
            json!(c.replayed),
            json!(c.confirmed),
            json!(c.contradicted),
            json!(c.withheld),
            json!(c.erased_after_draw),
            json!(c.erased_before_draw),
            json!(c.open),
        ]
    };
    Table { columns, rows: audit.districts.iter().map(row).collect() }
}
