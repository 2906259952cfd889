//! How fast the tracker should move: prior variances, drifts and rates, chosen by predictive likelihood.
//!
//! Each candidate is walked over held students by the integer twin, and judged by the log-loss of the
//! tracker's own probability before each answer. Coordinate search over short lists; the lists, not the log,
//! are what was chosen by hand.

use aula_twin_runtime::event::Event;
use aula_twin_runtime::fixed::Variance;
use aula_twin_runtime::model::TrackerParams;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::{TwinState, predict_response, step};

use super::features::event_of;
use super::log::{Log, Row, Student};

/// Responses a candidate is judged on, at most: a dozen candidates over 60,000 take a second.
const MAX_RESPONSES: usize = 60_000;

fn variance(x: f64) -> Variance {
    Variance::clamped((x * 1e6).round() as i64)
}

/// Mean log-loss of the tracker, nats.
fn cost(students: &[Vec<(Row, Event)>], log: &Log, params: &Params) -> f64 {
    let (mut total, mut count) = (0.0, 0.0_f64);
    for events in students {
        let mut state = TwinState::new(params);
        for (row, event) in events {
            let prediction = predict_response(&state, row.item, log.skills(row), params);
            let p = (prediction.tracker_e6 as f64 / 1e6).clamp(1e-5, 1.0 - 1e-5);
            total -= (if row.correct { p } else { 1.0 - p }).ln();
            count += 1.0;
            // A refused response teaches this student nothing under any candidate.
            let _ = step(&mut state, event, params);
        }
    }
    total / count.max(1.0)
}

/// The best tracker parameters for these students, starting from those of `params`.
#[must_use]
pub fn search(log: &Log, students: &[&Student], params: &Params, ability_variance: f64) -> TrackerParams {
    let mut sample = Vec::new();
    let mut taken = 0;
    for student in students {
        if taken >= MAX_RESPONSES {
            break;
        }
        let rows = log.rows_of(student).iter().enumerate();
        let events: Vec<_> = rows.filter_map(|(n, row)| Some((*row, event_of(log, row, n)?))).collect();
        taken += events.len();
        sample.push(events);
    }
    let mut params = params.clone();
    let a = ability_variance;
    params.model.tracker.ability_variance = variance(a);
    params.model.tracker.skill_variance = variance(0.3 * a);
    params.model.tracker.ability_drift = variance(0.001);
    params.model.tracker.skill_drift = variance(0.003);
    type Set = fn(&mut TrackerParams, Variance);
    let lists: [(Vec<f64>, Set); 4] = [
        (vec![0.0, 0.03, 0.1, 0.3, 0.7, 1.5], |t, v| t.skill_variance = v),
        (vec![0.0, 0.0003, 0.001, 0.003, 0.01, 0.03], |t, v| t.ability_drift = v),
        (vec![0.0, 0.003, 0.01, 0.03, 0.1, 0.3], |t, v| t.skill_drift = v),
        (vec![0.4 * a, 0.7 * a, a, 1.4 * a, 2.0 * a], |t, v| t.ability_variance = v),
    ];
    let mut best = cost(&sample, log, &params);
    for round in 0..2 {
        for (values, set) in &lists {
            let kept = params.model.tracker;
            let mut winner = kept;
            for value in values {
                params.model.tracker = kept;
                set(&mut params.model.tracker, variance(*value));
                let now = cost(&sample, log, &params);
                // A hair's breadth is not worth a change: 10⁻⁵ nats.
                if now < best - 1e-5 {
                    (best, winner) = (now, params.model.tracker);
                }
            }
            params.model.tracker = winner;
        }
        if round == 0 && taken < 2_000 {
            break;
        }
    }
    params.model.tracker
}
