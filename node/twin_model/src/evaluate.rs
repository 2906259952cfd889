//! Judges a fitted model on students it has not seen.

use std::time::Instant;

use aula_twin_runtime::event::Event;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{TwinState, predict_response, step_predicted};

use super::features::event_of;
use super::fit::Fitted;
use super::log::Log;
use super::metrics::{Metrics, judge};

/// Predictions of one log, in its order, and how fast they came.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Probability of a right answer, before each response, millionths.
    pub predictions_e6: Vec<u32>,
    /// Measures over all responses.
    pub metrics: Metrics,
    /// Responses predicted and stepped a second, one thread, grouped by student, parsing excluded.
    pub updates_per_s: f64,
}

/// Walks every student of a log from nothing: predict, then learn.
#[must_use]
pub fn evaluate(fitted: &Fitted, log: &Log) -> Evaluation {
    let params = Params::reference(fitted.model.clone());
    let mut predictions_e6 = Vec::with_capacity(log.rows.len());
    let mut elapsed = 0.0;
    for student in &log.students {
        let rows = log.rows_of(student);
        let events: Vec<Option<Event>> = rows.iter().enumerate().map(|(n, r)| event_of(log, r, n)).collect();
        let started = Instant::now();
        let mut state = TwinState::new(&params);
        for (row, event) in rows.iter().zip(&events) {
            let stepped = event.as_ref().and_then(|event| step_predicted(&mut state, event, &params).ok());
            // What the twin refuses (a 1,025th skill) is predicted and teaches nothing.
            let probability = stepped
                .and_then(|s| s.predicted)
                .unwrap_or_else(|| predict_response(&state, row.item, log.skills(row), &params).probability);
            predictions_e6.push(probability.e6());
        }
        elapsed += started.elapsed().as_secs_f64();
    }
    let pairs: Vec<(f64, bool)> =
        predictions_e6.iter().zip(&log.rows).map(|(p, row)| (f64::from(*p) / 1e6, row.correct)).collect();
    let updates_per_s = log.rows.len() as f64 / elapsed.max(1e-9);
    Evaluation { predictions_e6, metrics: judge(&pairs), updates_per_s }
}
