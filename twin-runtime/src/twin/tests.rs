use super::*;
use crate::clock::{DAY_MS, Skew, Stamp};
use crate::event::tests::{any_plain_body, key};
use crate::event::{
    Attendance, Correctness, Event, EventBody, InterventionId, ResourceId, SkillSet, SourceId,
};
use crate::fixed::Signal;
use crate::model::Model;
use crate::params::{KindRule, ScoreScale};
use crate::transitions::{Rule, Transition};
use proptest::prelude::*;

pub(crate) fn params() -> Params {
    let mut params = Params::reference(Model::unfitted());
    for skill in 0..2 {
        for grade in 0..4 {
            let mean_e1 = 4_500 + 500 * u32::from(grade);
            params.scales.push(ScoreScale { skill: SkillId(skill), grade, mean_e1, deviation_e1: 400 });
        }
    }
    params.kinds = vec![
        KindRule { kind: 0, subject: Some(SkillId(0)) },
        KindRule { kind: 1, subject: Some(SkillId(1)) },
        KindRule { kind: 2, subject: None },
    ];
    params.check().unwrap();
    params
}

pub(crate) fn event(wall_ms: u64, body: EventBody) -> Event {
    Event { key: key(wall_ms, 1, wall_ms), skew: Skew::Within, body }
}

pub(crate) fn response(skill: u16, right: bool) -> EventBody {
    EventBody::Response {
        item: ItemId(u32::from(skill)),
        skills: SkillSet::new(vec![SkillId(skill)]).unwrap(),
        correctness: if right { Correctness::Correct } else { Correctness::Incorrect },
        duration_ms: 1_000,
    }
}

fn run(state: &mut TwinState, wall_ms: u64, body: EventBody) -> Vec<Transition> {
    step(state, &event(wall_ms, body), &params()).unwrap()
}

#[test]
fn nobody_advances_at_or_below_the_gate_and_once_above() {
    let (params, mut advanced) = (params(), 0);
    let mut state = TwinState::new(&params);
    for n in 1..60 {
        let records = run(&mut state, n, response(3, true));
        let mastery = state.mastery(SkillId(3), &params).level;
        let stage = state.skills()[0].stage;
        assert_eq!(stage == Stage::Advanced, advanced > 0 || mastery.e4() > 8_500);
        advanced += records.iter().filter(|r| r.rule == Rule::Advance(SkillId(3))).count();
        assert!(
            records
                .iter()
                .all(|r| r.follows(&params.thresholds) && Transition::decode(&r.encode()) == Some(*r))
        );
    }
    assert_eq!(advanced, 1);
}

#[test]
fn intervention_is_due_after_more_than_three_low_days_once() {
    let mut state = TwinState::new(&params());
    let idle = || EventBody::Session { minutes: 60, active_minutes: 0 };
    let mut due = Vec::new();
    // 0.5 falls below 0.3 with the third idle session.
    for day in 1..=8 {
        due.extend(run(&mut state, day * DAY_MS, idle()).into_iter().map(|r| (day, r.duration_ms)));
    }
    assert_eq!(due, vec![(7, 4 * DAY_MS)]);
    for n in 9..=30 {
        assert!(
            run(&mut state, n * DAY_MS, EventBody::Session { minutes: 60, active_minutes: 60 }).is_empty()
        );
    }
    assert!(state.engagement().level.e4() > 9_000 && state.engagement().trend().e4() > 0);
}

#[test]
fn exactly_three_days_are_not_more_than_three() {
    let mut state = TwinState::new(&params());
    for n in 1..=3 {
        run(&mut state, n, EventBody::Session { minutes: 60, active_minutes: 0 });
    }
    assert_eq!(state.engagement().low_since_ms, Some(3));
    let mark = || EventBody::Attendance(Attendance::Present);
    assert!(run(&mut state, 3 + 3 * DAY_MS, mark()).is_empty());
    assert_eq!(run(&mut state, 4 + 3 * DAY_MS, mark()).len(), 1);
}

#[test]
fn low_use_asks_for_rebalance_once_a_spell() {
    let mut state = TwinState::new(&params());
    let mut used = |ms, used_minutes| {
        run(
            &mut state,
            ms,
            EventBody::ResourceUse { resource: ResourceId(5), used_minutes, available_minutes: 100 },
        )
    };
    assert_eq!(used(1, 39).first().map(|r| r.rule), Some(Rule::Rebalance(ResourceId(5))));
    assert!(used(2, 10).is_empty());
    assert!(used(3, 100).is_empty());
    assert!(used(4, 100).is_empty());
    assert_eq!(used(5, 0).len() + used(6, 0).len() + used(7, 0).len(), 1);
}

#[test]
fn an_assessment_moves_three_things_together_or_none() {
    let params = params();
    let mut state = TwinState::new(&params);
    run(&mut state, 1, EventBody::InterventionOpened { intervention: InterventionId(4) });
    let before = state.clone();
    let score =
        |skill, grade, score_e1| EventBody::Assessment { skill: SkillId(skill), grade, year: 1985, score_e1 };
    let refused = step(&mut state, &event(2, score(0, 9, 5_000)), &params);
    assert_eq!(refused, Err(StepError::UnknownScale { skill: 0, grade: 9 }));
    assert_eq!(state, before);
    let records = run(&mut state, 3, score(1, 0, 3_300));
    assert_eq!(records.iter().map(|r| r.rule).collect::<Vec<_>>(), vec![Rule::Support(SkillId(1))]);
    assert!(state.mastery(SkillId(1), &params).level < state.mastery(SkillId(0), &params).level);
    assert_eq!(state.recommended(), &[1, 2, 0]);
    assert!(state.interventions().list[0].efficacy().e4() < 0);
}

#[test]
fn refused_events_change_nothing() {
    let params = params();
    let mut state = TwinState::new(&params);
    run(&mut state, 10, EventBody::InterventionOpened { intervention: InterventionId(1) });
    let before = state.snapshot();
    let cases = [
        (10, EventBody::InputRecorded { input: 0, value: 9 }, StepError::OutOfOrder),
        (9, EventBody::InputRecorded { input: 0, value: 9 }, StepError::OutOfOrder),
        (11, EventBody::InterventionOpened { intervention: InterventionId(1) }, StepError::AlreadyOpen(1)),
        (11, EventBody::InterventionClosed { intervention: InterventionId(2) }, StepError::NotOpen(2)),
    ];
    for (ms, body, why) in cases {
        assert_eq!(step(&mut state, &event(ms, body), &params), Err(why));
    }
    let session = EventBody::Session { minutes: 1, active_minutes: 2 };
    assert!(matches!(step(&mut state, &event(11, session), &params), Err(StepError::Event(_))));
    assert_eq!(state.snapshot(), before);
    for id in 2..=64 {
        run(
            &mut state,
            20 + u64::from(id),
            EventBody::InterventionOpened { intervention: InterventionId(id) },
        );
    }
    let one_more = EventBody::InterventionOpened { intervention: InterventionId(65) };
    assert_eq!(step(&mut state, &event(100, one_more), &params), Err(StepError::TooManyInterventions));
}

#[test]
fn a_student_holds_1024_skills_and_refuses_one_more() {
    let params = params();
    let mut state = TwinState::new(&params);
    for skill in (0..1_024).rev() {
        run(&mut state, 2_000 - u64::from(skill), response(skill, true));
    }
    let before = state.clone();
    let refused = step(&mut state, &event(3_000, response(1_024, true)), &params);
    assert_eq!((refused, state == before), (Err(StepError::TooManySkills), true));
    assert!(state.snapshot().len() < MAX_SNAPSHOT_BYTES);
    assert_eq!(TwinState::from_snapshot(&state.snapshot()), Ok(state.clone()));
    let fields: Vec<_> = leaves(&state, &params).into_iter().map(|l| l.field).collect();
    assert!(fields.is_sorted_by(|a, b| a < b));
    assert_eq!(fields.iter().filter(|f| f.starts_with("skill/")).count(), 1_024);
}

#[test]
fn snapshots_refuse_what_is_not_canonical() {
    let mut state = TwinState::new(&params());
    run(&mut state, 1, response(1, true));
    run(&mut state, 2, response(2, true));
    state.skills.swap(0, 1);
    assert_eq!(TwinState::from_snapshot(&state.snapshot()), Err(SnapshotError::Table("skills")));
    state.skills.swap(0, 1);
    state.items.swap(0, 1);
    assert_eq!(TwinState::from_snapshot(&state.snapshot()), Err(SnapshotError::Table("items")));
    state.items.swap(0, 1);
    let mut bytes = state.snapshot();
    bytes.push(0);
    assert_eq!(TwinState::from_snapshot(&bytes), Err(SnapshotError::Malformed));
    bytes[0] = 7;
    assert_eq!(TwinState::from_snapshot(&bytes), Err(SnapshotError::Version(7)));
    let long = vec![1; MAX_SNAPSHOT_BYTES + 1];
    assert_eq!(TwinState::from_snapshot(&long), Err(SnapshotError::TooLong(MAX_SNAPSHOT_BYTES + 1)));
    assert_eq!(TwinState::from_snapshot(&[]), Err(SnapshotError::Malformed));
}

#[test]
fn a_device_ahead_of_time_does_not_start_a_spell_in_the_future() {
    let params = params();
    let mut state = TwinState::new(&params);
    let stamp = Stamp::new(40 * DAY_MS, 0).unwrap();
    state.engagement.level = Proportion::clamped(2_000);
    let ahead = Event {
        key: EventKey { stamp, source: SourceId(1), sequence: 1 },
        skew: Skew::judge(stamp, DAY_MS, 500),
        body: EventBody::Written { sentiment: Signal::MIN },
    };
    assert!(step(&mut state, &ahead, &params).unwrap().is_empty());
    assert_eq!(state.engagement().low_since_ms, Some(DAY_MS));
}

proptest! {
    #[test]
    fn any_events_step_without_panic_and_snapshots_resume(bodies in proptest::collection::vec(any_plain_body(), 1..80), cut in 0_usize..80) {
        let params = params();
        let mut whole = TwinState::new(&params);
        let mut resumed = TwinState::new(&params);
        for (n, body) in bodies.into_iter().enumerate() {
            let event = event(1 + u64::try_from(n).unwrap() * 3_600_000, body);
            let before = whole.clone();
            let result = step(&mut whole, &event, &params);
            if result.is_err() { prop_assert_eq!(&whole, &before); }
            if n == cut { resumed = TwinState::from_snapshot(&resumed.snapshot()).unwrap(); }
            prop_assert_eq!(step(&mut resumed, &event, &params), result);
        }
        prop_assert_eq!(whole.digest(), resumed.digest());
        prop_assert_eq!(leaves(&whole, &params), leaves(&resumed, &params));
    }

    #[test]
    fn hostile_snapshots_never_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Some(first) = bytes.first_mut() { *first = SNAPSHOT_VERSION; }
        if let Ok(state) = TwinState::from_snapshot(&bytes) { prop_assert_eq!(state.snapshot(), bytes); }
    }
}
