//! Interventions that open and close by themselves: low engagement for longer than the parameters allow opens one, and it closes once
//! engagement is no longer low, with what changed in between.
//!
//! Flow: a folded state and the time → [`due`] → an event of the district's own source, folded with the others → [`register`].
//! Invariants: one runs at a time for a student; an intervention that people opened is not touched: those of this module have
//! numbers from [`FIRST`] on. What closes with its effect closes with a difference, not a cause. Absent: what is done in it, which
//! is people's work, and who owns it.

use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{Event, EventBody, EventKey, InterventionId, SourceId};
use aula_twin_runtime::life::Intervention;
use aula_twin_runtime::params::Params;
use aula_twin_runtime::twin::TwinState;

/// The first number of interventions that open by themselves.
pub const FIRST: u32 = 1 << 31;
/// The source of their events: no device and no feed has this number.
pub const SERVICE: SourceId = SourceId(u64::from_be_bytes(*b"service\0"));

/// What a state and a time ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Engagement was low for long enough, and none runs: the next number.
    Open(InterventionId),
    /// The one that runs by itself, and engagement is no longer low.
    Close(InterventionId),
}

/// Those of a state that opened by themselves, in their order.
pub fn register(state: &TwinState) -> impl Iterator<Item = &Intervention> {
    state.interventions().list.iter().filter(|one| one.intervention.0 >= FIRST)
}

/// What is due of a state at this time.
pub fn due(state: &TwinState, params: &Params, now_ms: u64) -> Option<Due> {
    let engagement = state.engagement();
    let is_low = engagement.level < params.thresholds.engagement_low;
    let running = register(state).find(|one| one.closed_ms.is_none());
    match (running, is_low) {
        (Some(one), false) => Some(Due::Close(one.intervention)),
        (None, true) => {
            let since = engagement.low_since_ms?;
            let long = now_ms.saturating_sub(since) > params.thresholds.engagement_low_ms;
            long.then(|| Due::Open(InterventionId(next(state))))
        }
        _ => None,
    }
}

/// From when on one is due, if nothing changes until then; none while engagement is not low or one runs.
pub fn due_from_ms(state: &TwinState, params: &Params) -> Option<u64> {
    let engagement = state.engagement();
    let runs = register(state).any(|one| one.closed_ms.is_none());
    if runs || engagement.level >= params.thresholds.engagement_low {
        return None;
    }
    Some(engagement.low_since_ms?.saturating_add(params.thresholds.engagement_low_ms).saturating_add(1))
}

/// The event that makes it so, behind every other of the student.
pub fn event(state: &TwinState, due: Due, now_ms: u64) -> Option<Event> {
    let last = state.watermark().map_or(0, |key| key.stamp.wall_ms().saturating_add(1));
    let stamp = Stamp::new(now_ms.max(last), 0).ok()?;
    let (body, sequence) = match due {
        Due::Open(id) => (EventBody::InterventionOpened { intervention: id }, 2 * offset(id) + 1),
        Due::Close(id) => (EventBody::InterventionClosed { intervention: id }, 2 * offset(id) + 2),
    };
    let key = EventKey { stamp, source: SERVICE, sequence };
    Some(Event { key, skew: Skew::Within, body })
}

fn offset(id: InterventionId) -> u64 {
    u64::from(id.0.saturating_sub(FIRST))
}

fn next(state: &TwinState) -> u32 {
    register(state).map(|one| one.intervention.0).max().map_or(FIRST, |last| last.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aula_twin_runtime::clock::DAY_MS;
    use aula_twin_runtime::event::Attendance;
    use aula_twin_runtime::merge::History;
    use aula_twin_runtime::model::Model;

    const START: u64 = 1_790_000_000_000;

    fn params() -> Params {
        Params::reference(Model::unfitted())
    }

    /// The state after so many absences in a row, a day apart, and what else happened.
    fn state(absences: u64, more: &[Event]) -> TwinState {
        let params = params();
        let mut history = History::new(&params);
        let absence = |n| Event {
            key: EventKey {
                stamp: Stamp::new(START + n * DAY_MS, 0).expect("a time"),
                source: SourceId(1),
                sequence: n + 1,
            },
            skew: Skew::Within,
            body: EventBody::Attendance(Attendance::Absent),
        };
        history.add((0..absences).map(absence).chain(more.iter().cloned()), &params);
        assert_eq!(history.folded().refused, []);
        history.state().clone()
    }

    #[test]
    fn it_opens_after_the_days_and_closes_with_what_changed() {
        let params = params();
        let low = (1..40).find(|n| due_from_ms(&state(*n, &[]), &params).is_some()).expect("it gets low");
        let (fine, sad) = (state(low - 1, &[]), state(low, &[]));
        assert_eq!((due_from_ms(&fine, &params), due(&fine, &params, u64::MAX)), (None, None));
        let from = due_from_ms(&sad, &params).expect("low");
        assert_eq!(from, START + (low - 1) * DAY_MS + 3 * DAY_MS + 1);
        assert_eq!(due(&sad, &params, from - 1), None);
        let opens = due(&sad, &params, from).expect("due");
        assert_eq!(opens, Due::Open(InterventionId(FIRST)));
        let opened = event(&sad, opens, from).expect("an event");
        // The same again while it runs is nothing.
        let runs = state(low, std::slice::from_ref(&opened));
        assert_eq!((due(&runs, &params, from + DAY_MS), due_from_ms(&runs, &params)), (None, None));
        // Full sessions bring engagement back.
        let session = |n: u64| Event {
            key: EventKey {
                stamp: Stamp::new(from + n * DAY_MS, 0).expect("a time"),
                source: SourceId(2),
                sequence: n,
            },
            skew: Skew::Within,
            body: EventBody::Session { minutes: 30, active_minutes: 30 },
        };
        let mut events = vec![opened];
        events.extend((1..6).map(session));
        let well = state(low, &events);
        let closes = due(&well, &params, from).expect("due");
        assert_eq!(closes, Due::Close(InterventionId(FIRST)));
        // A clock behind the student's events still puts it behind them.
        events.push(event(&well, closes, 0).expect("an event"));
        let closed = state(low, &events);
        let told: Vec<_> = register(&closed).map(|one| one.closed_ms.is_some()).collect();
        assert_eq!((told, due(&closed, &params, u64::MAX)), (vec![true], None));
    }
}
