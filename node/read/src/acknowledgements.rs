//! What schools owe an acknowledgement for, and which are late: by the block time of a view, never by a clock.

use aula_ledger::rounds::PublishedReport;
use aula_ledger::state::StoreError;
use aula_ledger::state::schema::{self, Acknowledgement, DecisionStanding};
use aula_ledger::types::{PoolId, RoundId, SchoolId, TimeMs};
use serde::Serialize;

use aula_store::ChainView;

/// Where an acknowledgement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// Acknowledged in time.
    Received,
    /// Acknowledged after it had been recorded as missed.
    ReceivedLate,
    /// Missed, and recorded so.
    Escalated,
    /// Missed, and nobody has recorded it yet.
    Overdue,
    /// Not due yet.
    Waiting,
    /// Nobody owes it any more: the school's district was closed without a successor.
    Closed,
}

impl Owed {
    /// Of an acknowledgement, at the view's block time.
    ///
    /// # Errors
    /// When the database fails.
    pub fn of(view: &ChainView, owed: &Acknowledgement) -> Result<Self, StoreError> {
        let school = schema::school(view, owed.school)?;
        let heir = school.map(|school| schema::heir(view, school.district)).transpose()?.flatten();
        Ok(if heir.is_none() && owed.received.is_none() {
            Self::Closed
        } else {
            Self::at(owed, view.tip().time_ms)
        })
    }

    /// Of an acknowledgement that somebody owes, at a block time.
    const fn at(owed: &Acknowledgement, now: TimeMs) -> Self {
        match (owed.received.is_some(), owed.escalated.is_some()) {
            (true, false) => Self::Received,
            (true, true) => Self::ReceivedLate,
            (false, true) => Self::Escalated,
            (false, false) if now.0 > owed.due_ms.0 => Self::Overdue,
            (false, false) => Self::Waiting,
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::ReceivedLate => "received late",
            Self::Escalated => "missed, and escalated",
            Self::Overdue => "overdue",
            Self::Waiting => "waiting",
            Self::Closed => "closed: its district is, and nobody has its business",
        }
    }

    /// True when the school has let the time pass and has not acknowledged yet.
    pub const fn is_late(self) -> bool {
        matches!(self, Self::Escalated | Self::Overdue)
    }
}

/// A pool's acknowledgement.
#[derive(Debug, Clone, Serialize)]
pub struct OwedLine {
    /// In which round.
    pub round: RoundId,
    /// Of which pool's places.
    pub pool: PoolId,
    /// Who owes it.
    pub school: SchoolId,
    /// Places given, where the round's report shows them.
    pub places: Option<u32>,
    /// The last block time that is in time.
    pub due_ms: TimeMs,
    /// Where it stands.
    pub state: Owed,
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
    Ok(OwedLine { round, pool, school, places, due_ms, state: Owed::of(view, owed)? })
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
