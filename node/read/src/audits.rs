//! The truth audit of a round, counted: of each district how many students the seed drew and what was found, with no student
//! named.
//!
//! A district's number of drawn students tells its number of requests to the next hundred, and nothing closer. Whom the seed
//! drew for their mandate alone is counted for the whole round, not by district, and not at all where the round's number of
//! mandates is withheld: a draw of one would tell that a district has a mandated student.

use std::collections::BTreeMap;

use aula_ledger::proof::sample::{DrawnAmong, asked, audit_sample};
use aula_ledger::rounds::requests_in_order;
use aula_ledger::state::schema;
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::tx::Finding;
use aula_ledger::types::{AccountId, DistrictId, Handle, Height, RoundId};
use serde::Serialize;
use serde_json::json;

use super::table::Table;
use aula_store::ChainView;

/// What became of a number of drawn students.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Drawn by the seed.
    pub drawn: u32,
    /// The events give the anchored state; whether they are true was not looked at.
    pub replayed: u32,
    /// The same, and the district's records bear the events out.
    pub confirmed: u32,
    /// The events give another state, or a record speaks against them.
    pub contradicted: u32,
    /// The district gave nothing.
    pub withheld: u32,
    /// Erased once the requests were fixed, so that nothing could be given.
    pub erased_after_draw: u32,
    /// Erased before that.
    pub erased_before_draw: u32,
    /// Nothing is on record yet.
    pub open: u32,
}

impl Counts {
    fn add(&mut self, finding: Option<Finding>) {
        self.drawn += 1;
        let place = match finding {
            None => &mut self.open,
            Some(Finding::Replayed) => &mut self.replayed,
            Some(Finding::Confirmed) => &mut self.confirmed,
            Some(Finding::Contradicted) => &mut self.contradicted,
            Some(Finding::Withheld) => &mut self.withheld,
            Some(Finding::ErasedAfterDraw) => &mut self.erased_after_draw,
            Some(Finding::ErasedBeforeDraw) => &mut self.erased_before_draw,
        };
        *place += 1;
    }
}

/// A district's part of a round's audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DistrictAudit {
    /// Which district.
    pub district: DistrictId,
    /// The district that answers for it: itself, or its successor; none when it was closed without one, and what is open
    /// then stays so.
    pub answered_by: Option<DistrictId>,
    /// What became of its drawn students.
    #[serde(flatten)]
    pub counts: Counts,
}

/// An auditor who took the round's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// Its account.
    pub auditor: AccountId,
    /// Its name.
    pub name: String,
    /// In which block it did first.
    pub first: Height,
    /// In which block it did last.
    pub newest: Height,
    /// How often.
    pub times: u32,
}

/// A round's truth audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoundAudit {
    /// Which round.
    pub round: RoundId,
    /// Of all districts.
    pub all: Counts,
    /// By district.
    pub districts: Vec<DistrictAudit>,
    /// Of whom the seed drew besides, for their mandate alone; none where the number of mandates is withheld.
    pub mandates: Option<Counts>,
    /// Who took the round's rows.
    pub rows_taken: Vec<Taken>,
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
            besides.add(finding);
            continue;
        }
        districts.entry(student.0).or_default().add(finding);
        all.add(finding);
    }
    let shown = schema::published_report(view, round)?.is_some_and(|report| report.mandates.is_some());
    let districts = districts
        .into_iter()
        .map(|(district, counts)| {
            Ok(DistrictAudit { district, answered_by: schema::heir(view, district)?, counts })
        })
        .collect::<Result<_, StoreError>>()?;
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
