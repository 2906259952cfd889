use super::*;
use crate::fixed::Proportion;
use proptest::prelude::*;

pub(crate) fn key(wall_ms: u64, source: u64, sequence: u64) -> EventKey {
    EventKey { stamp: Stamp::new(wall_ms, 0).unwrap(), source: SourceId(source), sequence }
}

fn response(skills: Vec<u16>) -> EventBody {
    EventBody::Response {
        item: ItemId(7),
        skills: SkillSet::new(skills.into_iter().map(SkillId).collect()).unwrap(),
        correctness: Correctness::Correct,
        duration_ms: 1_500,
    }
}

fn event(body: EventBody) -> Event {
    Event { key: key(1_700_000_000_000, 3, 9), skew: Skew::Within, body }
}

#[test]
fn pinned_vector_of_a_response() {
    let bytes = event(response(vec![2, 1])).encode();
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        "01\
         0068e5cf8b01000000000000\
         0300000000000000\
         0900000000000000\
         00\
         00070000000200000001000200\
         01dc050000"
    );
}

#[test]
fn trailing_bytes_other_versions_and_long_ones_are_refused() {
    let good = event(response(vec![1])).encode();
    assert!(Event::decode(&good).is_ok());
    let mut longer = good.clone();
    longer.push(0);
    assert_eq!(Event::decode(&longer), Err(EventError::Malformed));
    let mut other = good.clone();
    other[0] = 2;
    assert_eq!(Event::decode(&other), Err(EventError::Version(2)));
    assert_eq!(Event::decode(&[]), Err(EventError::Malformed));
    assert_eq!(Event::decode(&[1; 257]), Err(EventError::TooLong(257)));
}

#[test]
fn skills_out_of_order_have_no_second_encoding() {
    let mut bytes = event(response(vec![1, 2])).encode();
    let at = bytes.len() - 5 - 4;
    bytes.swap(at, at + 2);
    assert_eq!(Event::decode(&bytes), Err(EventError::Malformed));
}

#[test]
fn every_limit_refuses() {
    let cases = [
        EventBody::Session { minutes: 0, active_minutes: 0 },
        EventBody::Session { minutes: 1_441, active_minutes: 0 },
        EventBody::Session { minutes: 10, active_minutes: 11 },
        EventBody::ResourceUse { resource: ResourceId(1), used_minutes: 2, available_minutes: 1 },
        EventBody::Assessment { skill: SkillId(1), grade: 21, year: 1985, score_e1: 0 },
    ];
    for body in cases {
        assert!(matches!(event(body.clone()).check(), Err(EventError::Range(_))), "{body:?}");
        let nested = EventBody::Correction { target: key(1, 1, 1), replacement: Some(Box::new(body)) };
        assert!(matches!(event(nested).check(), Err(EventError::Range(_))));
    }
    assert_eq!(SkillSet::new(vec![]), Err(EventError::Skills(0)));
    assert_eq!(SkillSet::new((0..17).map(SkillId).collect()), Err(EventError::Skills(17)));
}

#[test]
fn corrections_do_not_nest_and_look_back() {
    let inner = EventBody::Correction { target: key(1, 1, 1), replacement: None };
    let outer = EventBody::Correction { target: key(1, 1, 1), replacement: Some(Box::new(inner)) };
    assert_eq!(event(outer).check(), Err(EventError::NestedCorrection));
    let mut first = event(EventBody::InputRecorded { input: 0, value: 0 });
    first.key.sequence = 0;
    assert_eq!(first.check(), Err(EventError::Sequence));
    let itself = EventBody::Correction { target: key(1_700_000_000_000, 3, 9), replacement: None };
    assert_eq!(event(itself).check(), Err(EventError::CorrectsLater));
}

/// Bodies of every kind but corrections.
pub(crate) fn any_plain_body() -> impl Strategy<Value = EventBody> {
    let skills = proptest::collection::vec(0_u16..12, 1..4);
    prop_oneof![
        4 => (0_u32..20, skills, any::<bool>(), 0_u32..100_000).prop_map(|(item, skills, right, ms)| {
            EventBody::Response {
                item: ItemId(item),
                skills: SkillSet::new(skills.into_iter().map(SkillId).collect()).unwrap(),
                correctness: if right { Correctness::Correct } else { Correctness::Incorrect },
                duration_ms: ms,
            }
        }),
        1 => (-10_000_i16..=10_000).prop_map(|v| EventBody::Written { sentiment: Signal::new(v).unwrap() }),
        1 => (1_u16..=1_440, 0_u16..=10_000).prop_map(|(minutes, share)| {
            let share = Proportion::new(share).unwrap().e4();
            let active = u32::from(minutes) * u32::from(share) / 10_000;
            EventBody::Session { minutes, active_minutes: u16::try_from(active).unwrap() }
        }),
        1 => prop_oneof![
            Just(Attendance::Present), Just(Attendance::Late), Just(Attendance::Absent), Just(Attendance::Excused)
        ].prop_map(EventBody::Attendance),
        1 => (0_u32..4, 1_u16..=1_440).prop_map(|(resource, minutes)| EventBody::ResourceUse {
            resource: ResourceId(resource), used_minutes: minutes / 2, available_minutes: minutes
        }),
        1 => (0_u16..2, 0_u8..4, 4_000_u32..7_000).prop_map(|(skill, grade, score_e1)| EventBody::Assessment {
            skill: SkillId(skill), grade, year: 1985 + u16::from(grade), score_e1
        }),
        1 => (0_u32..3).prop_map(|id| EventBody::InterventionOpened { intervention: InterventionId(id) }),
        1 => (0_u32..3).prop_map(|id| EventBody::InterventionClosed { intervention: InterventionId(id) }),
        1 => (0_u16..3, 0_u16..300).prop_map(|(input, value)| EventBody::InputRecorded { input, value }),
    ]
}

proptest! {
    #[test]
    fn bytes_round_trip(body in any_plain_body(), skew in 0_u64..3, wrap in any::<bool>()) {
        let skew = [Skew::Within, Skew::AheadMs(7), Skew::BehindMs(9)][usize::try_from(skew).unwrap()];
        let body = if wrap {
            EventBody::Correction { target: key(5, 1, 1), replacement: Some(Box::new(body)) }
        } else { body };
        let event = Event { key: key(60, 1, 2), skew, body };
        let bytes = event.encode();
        prop_assert!(bytes.len() <= MAX_EVENT_BYTES);
        prop_assert_eq!(Event::decode(&bytes), Ok(event));
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Some(first) = bytes.first_mut() { *first = EVENT_VERSION; }
        if let Ok(event) = Event::decode(&bytes) {
            prop_assert_eq!(event.encode(), bytes);
        }
    }
}
