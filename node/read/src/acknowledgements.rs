//! What schools owe an acknowledgement for, and which are late: by the block time of a view, never by a clock.

pub use aula_api::report::{Owed, OwedLine};
use aula_ledger::rounds::PublishedReport;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Acknowledgement, DecisionStanding};
use aula_ledger::types::RoundId;

use aula_store::ChainView;

/// Where an acknowledgement stands, at the view's block time.
///
/// # Errors
/// When the database fails.
pub fn owed(view: &ChainView, owed: &Acknowledgement) -> Result<Owed, StoreError> {
    let school = schema::school(view, owed.school)?;
    let heir = school.map(|school| schema::heir(view, school.district)).transpose()?.flatten();
    Ok(if heir.is_none() && owed.received.is_none() {
        Owed::Closed
    } else {
        Owed::at(owed, view.tip().time_ms)
    })
}

/// The acknowledgements of a round, by pool.
///
/// # Errors
/// When the database fails.
pub fn of_round(view: &ChainView, round: RoundId) -> Result<Vec<OwedLine>, StoreError> {
    let report = schema::published_report(view, round)?;
    let owed = schema::acknowledgements(view, round)?;
    owed.iter().map(|owed| line(view, owed, report.as_ref())).collect()
}

fn line(
    view: &ChainView,
    owed: &Acknowledgement,
    report: Option<&PublishedReport>,
) -> Result<OwedLine, StoreError> {
    let places = report.and_then(|report| report.prices.iter().find(|line| line.pool == owed.pool)?.used);
    let (round, pool, school, due_ms) = (owed.round, owed.pool, owed.school, owed.due_ms);
    Ok(OwedLine { round, pool, school, places, due_ms, state: self::owed(view, owed)? })
}

/// Every acknowledgement that is late in a round whose decision stands: the longest overdue first.
///
/// # Errors
/// When the database fails.
pub fn late(view: &ChainView) -> Result<Vec<OwedLine>, StoreError> {
    let mut found = Vec::new();
    for round in schema::rounds(view)? {
        if schema::decision_standing(view, &round)? == Some(DecisionStanding::Stands) {
            found.extend(of_round(view, round.round)?.into_iter().filter(|line| line.state.is_late()));
        }
    }
    found.sort_by_key(|line| (line.due_ms, line.round, line.pool));
    Ok(found)
}
