//! From rows to features, by the integer twin itself.
//!
//! The features a weight is fitted on are those the ledger's twins will compute, bit for bit, because they
//! come from the same [`step`]. A model under construction is walked before its weights exist: features do
//! not depend on them.

use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{Correctness, Event, EventBody, EventKey, SkillSet, SourceId};
use aula_twin_runtime::mastery::Prediction;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{StepError, TwinState, predict_response, step};

use super::log::{Log, Row, Student};

/// The event of a row: the n-th of its student, a second apart.
#[must_use]
pub fn event_of(log: &Log, row: &Row, n: usize) -> Option<Event> {
    let n = n as u64 + 1;
    let key = EventKey { stamp: Stamp::new(n * 1_000, 0).ok()?, source: SourceId(1), sequence: n };
    let body = EventBody::Response {
        item: row.item,
        skills: SkillSet::new(log.skills(row).to_vec()).ok()?,
        correctness: if row.correct { Correctness::Correct } else { Correctness::Incorrect },
        duration_ms: 0,
    };
    Some(Event { key, skew: Skew::Within, body })
}

/// Walks one student from nothing: `visit` sees each row's prediction and the state before the response, then
/// the response moves the state. Responses the twin refuses (a 1,025th skill) are predicted and not learnt
/// from; returns how many there were.
pub fn walk(
    log: &Log,
    student: &Student,
    params: &Params,
    mut visit: impl FnMut(&Row, &Prediction, &TwinState),
) -> usize {
    let mut state = TwinState::new(params);
    let mut refused = 0;
    for (n, row) in log.rows_of(student).iter().enumerate() {
        visit(row, &predict_response(&state, row.item, log.skills(row), params), &state);
        let stepped = event_of(log, row, n).map(|event| step(&mut state, &event, params));
        if matches!(stepped, None | Some(Err(StepError::TooManySkills | StepError::Event(_)))) {
            refused += 1;
        }
    }
    refused
}
