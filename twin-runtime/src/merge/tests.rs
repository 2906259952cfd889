use super::*;
use crate::clock::Skew;
use crate::event::tests::{any_plain_body, key};
use crate::twin::tests::{event, params, response};
use proptest::prelude::*;

/// A set of events from three sources, a quarter of them corrections of others, two keys doubled.
fn any_set() -> impl Strategy<Value = Vec<Event>> {
    let one = (0_u64..500, 0_u64..3, any_plain_body(), 0_u8..8, any::<prop::sample::Index>());
    proptest::collection::vec(one, 1..60).prop_map(|raw| {
        let mut events: Vec<Event> = Vec::new();
        for (n, (ms, source, body, kind, index)) in raw.into_iter().enumerate() {
            let at = key(1_000 + ms, source, 1 + u64::try_from(n / 2).unwrap());
            let earlier: Vec<EventKey> = events.iter().map(|e| e.key).filter(|k| *k < at).collect();
            let body = match kind {
                0 if !earlier.is_empty() => {
                    EventBody::Correction { target: *index.get(&earlier), replacement: Some(Box::new(body)) }
                }
                1 if !earlier.is_empty() => {
                    EventBody::Correction { target: *index.get(&earlier), replacement: None }
                }
                _ => body,
            };
            events.push(Event { key: at, skew: Skew::Within, body });
        }
        events
    })
}

fn whole(events: &[Event]) -> History {
    let mut history = History::new(&params());
    history.add(events.iter().cloned(), &params());
    history
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_order_any_batches_any_doubles_give_the_same_bytes(
        events in any_set(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 90),
        sizes in proptest::collection::vec(1_usize..9, 90),
    ) {
        let expected = whole(&events);
        // Arrivals drawn with replacement, then everything once more in reverse.
        let mut arrivals: Vec<Event> = order.iter().map(|i| i.get(&events).clone()).collect();
        arrivals.extend(events.iter().rev().cloned());
        let mut history = History::new(&params());
        let mut rest = arrivals.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (batch, tail) = rest.split_at((*size).min(rest.len()));
            history.add(batch.iter().cloned(), &params());
            rest = tail;
        }
        prop_assert_eq!(history.folded(), expected.folded());
        prop_assert_eq!(history.state().snapshot(), expected.state().snapshot());
        prop_assert!(history.events().eq(expected.events()));
    }

    #[test]
    fn replicas_apart_converge_by_exchanging_what_they_hold(events in any_set(), sides in proptest::collection::vec(1_u8..8, 60)) {
        let expected = whole(&events);
        let mut replicas: Vec<History> = (0..3).map(|_| History::new(&params())).collect();
        for (event, side) in events.iter().zip(&sides) {
            for (bit, replica) in replicas.iter_mut().enumerate() {
                if side >> bit & 1 == 1 { replica.add([event.clone()], &params()); }
            }
        }
        // A ring, twice round: everything reaches everybody.
        for round in 0..6 {
            let from: Vec<Event> = replicas[round % 3].events().cloned().collect();
            replicas[(round + 1) % 3].add(from, &params());
        }
        for replica in &replicas {
            prop_assert_eq!(replica.folded(), expected.folded());
        }
    }

    #[test]
    fn events_as_they_count_fold_to_the_same_but_for_what_corrections_note(events in any_set()) {
        let expected = whole(&events);
        let plain: Vec<Event> = counted(expected.events().cloned());
        let mut history = History::new(&params());
        history.add(plain.iter().cloned(), &params());
        let corrected = plain.iter().any(|event| matches!(event.body, EventBody::Correction { .. }));
        prop_assert!(!corrected);
        prop_assert_eq!(history.state().skills(), expected.state().skills());
        prop_assert_eq!(&history.folded().transitions, &expected.folded().transitions);
    }

    #[test]
    fn a_snapshot_and_the_later_events_equal_the_full_fold(events in any_set(), cut in any::<prop::sample::Index>()) {
        let expected = whole(&events);
        let ordered: Vec<Event> = expected.events().cloned().collect();
        let at = cut.index(ordered.len());
        let (before, after) = ordered.split_at(at);
        let prefix = whole(before);
        // Corrections that reach back before the snapshot need an earlier one: said, not guessed.
        let through = before.last().map(|e| e.key);
        let reaches_back = after.iter().any(|e| matches!(&e.body, EventBody::Correction { target, .. } if Some(*target) <= through));
        let mut resumed = History::from_state(prefix.state().clone(), through);
        let added = resumed.add(after.iter().cloned(), &params());
        prop_assert_eq!(!added.unusable.is_empty(), reaches_back);
        if !reaches_back {
            prop_assert_eq!(resumed.state().snapshot(), expected.state().snapshot());
        }
    }
}

#[test]
fn a_correction_equals_never_having_erred() {
    let right: Vec<Event> = (1..=600).map(|n| event(n, response(1, n % 2 == 0))).collect();
    let mut wrong = right.clone();
    wrong[9] = event(10, response(2, false));
    let target = wrong[9].key;
    let fix = |ms, replacement| Event {
        key: key(ms, 9, 1),
        skew: Skew::Within,
        body: EventBody::Correction { target, replacement },
    };
    let mut history = whole(&wrong);
    history.add([fix(700, None)], &params());
    let added = history.add([fix(701, Some(Box::new(right[9].body.clone())))], &params());
    assert_eq!((added.new, added.refolded), (1, 602));
    let straight = whole(&right);
    // The corrected history has seen two events more; nothing else differs.
    assert_eq!(history.state().skills(), straight.state().skills());
    assert_eq!(history.state().ability(), straight.state().ability());
    assert_eq!(history.state().events(), straight.state().events() + 2);
}

#[test]
fn late_events_fold_only_the_suffix_since_the_checkpoint() {
    let events: Vec<Event> = (1..=1_000).map(|n| event(10 * n, response(1, n % 3 == 0))).collect();
    let mut history = History::new(&params());
    for batch in events.chunks(7) {
        let added = history.add(batch.iter().cloned(), &params());
        assert_eq!(added.refolded, batch.len());
    }
    let late = event(9_905, response(1, true));
    let added = history.add([late.clone()], &params());
    // Checkpoints at 256, 512, 768: 232 events after the last, and the late one.
    assert_eq!((added.new, added.refolded), (1, 233));
    let mut all = events;
    all.push(late);
    assert_eq!(history.folded(), whole(&all).folded());
}

#[test]
fn two_events_with_one_key_are_settled_the_same_everywhere() {
    let (a, b) = (event(5, response(1, true)), event(5, response(1, false)));
    let (mut ab, mut ba) = (whole(std::slice::from_ref(&a)), whole(std::slice::from_ref(&b)));
    assert_eq!(ab.add([b.clone()], &params()).conflicts, vec![a.key]);
    assert_eq!(ba.add([a.clone()], &params()).conflicts, vec![a.key]);
    assert_eq!(ab.folded(), ba.folded());
}

#[test]
fn refused_events_are_listed_and_change_nothing() {
    use crate::event::{InterventionId, SkillId};
    let close = event(5, EventBody::InterventionClosed { intervention: InterventionId(1) });
    let mut history = whole(std::slice::from_ref(&close));
    assert_eq!(history.folded().refused, vec![(close.key, StepError::NotOpen(1))]);
    assert_eq!(history.state(), &TwinState::new(&params()));
    // The opening arrives late: the closing is then in its place.
    history.add([event(4, EventBody::InterventionOpened { intervention: InterventionId(1) })], &params());
    assert!(history.folded().refused.is_empty());
    assert_eq!(history.state().interventions().list.len(), 1);
    let odd = event(9, EventBody::Assessment { skill: SkillId(1), grade: 99, year: 1, score_e1: 1 });
    assert_eq!(history.add([odd], &params()).unusable.len(), 1);
}

#[test]
fn a_history_that_forgets_folds_on_to_the_same_state_and_refuses_what_lies_before() {
    let answer = |ms, sequence, right| Event {
        key: key(ms, 1, sequence),
        skew: Skew::Within,
        body: response(u16::try_from(sequence % 20).unwrap(), right),
    };
    let events: Vec<Event> = (0..2_000).map(|n| answer(1_000 + n * 10, n + 1, n % 9 != 0)).collect();
    let expected = whole(&events);
    let (mut history, mut forgotten) = (History::new(&params()), 0);
    // Every hundredth event comes fifty late.
    let mut arrivals: Vec<&Event> = events.iter().collect();
    for at in (0..1_900).step_by(100) {
        arrivals.swap(at, at + 50);
    }
    for event in arrivals {
        let added = history.add([event.clone()], &params());
        assert!(added.unusable.is_empty(), "{added:?}");
        forgotten += history.forget();
    }
    assert!(forgotten > 1_000 && history.events().count() + forgotten == 2_000, "{forgotten}");
    assert_eq!(history.state().snapshot(), expected.state().snapshot());
    let tail = expected.folded().transitions.len() - history.folded().transitions.len();
    assert_eq!(history.folded().transitions, expected.folded().transitions[tail..]);
    let late = answer(1_005, 9_999, true);
    let added = history.add([late.clone()], &params());
    assert_eq!(added.unusable, [(late.key, Unusable::BeforeBase)]);
    let correction = Event {
        key: key(90_000, 1, 10_000),
        skew: Skew::Within,
        body: EventBody::Correction { target: events[3].key, replacement: None },
    };
    assert_eq!(
        history.add([correction.clone()], &params()).unusable,
        [(correction.key, Unusable::BeforeBase)]
    );
}
