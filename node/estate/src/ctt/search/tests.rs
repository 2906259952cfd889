use super::*;
use crate::ctt::evaluate::evaluate;
use crate::ctt::{read, write_solution};

/// Twelve courses in two curricula, three rooms, four days of four periods.
fn small() -> Instance {
    let mut text = String::from(
        "Name: small\nCourses: 12\nRooms: 3\nDays: 4\nPeriods_per_day: 4\nCurricula: 3\nConstraints: 3\n\nCOURSES:\n",
    );
    (0..12).for_each(|c| text += &format!("c{c} t{} {} 2 {}\n", c % 7, 2 + c % 3, 10 + 7 * c));
    text +=
        "\nROOMS:\nA 200\nB 60\nC 40\n\nCURRICULA:\nq0 4 c0 c1 c2 c3\nq1 4 c3 c4 c5 c6\nq2 3 c9 c10 c0\n\n";
    text += "UNAVAILABILITY_CONSTRAINTS:\nc0 0 0\nc5 1 2\nc11 3 3\n\nEND.\n";
    read(text.as_bytes()).unwrap()
}

fn limited(iterations: u64, options: Options) -> Found {
    search(&small(), options, &mut Budget { iterations, expired: &mut || false })
}

#[test]
fn every_sum_kept_by_moves_is_what_the_evaluator_counts() {
    let instance = small();
    let tables = Tables::new(&instance);
    let mut state = State::new(&tables, weights(&tables, false));
    construct::construct(&mut state, &[]);
    let (mut random, thresholds) = (Random::new(3), Thresholds::default());
    let mut scratch = moves::Scratch::default();
    for step in 0..40_000 {
        // Hot, so that clashes of every kind come and go.
        let changed = moves::step(&mut state, &mut random, &thresholds, 40 << FRACTION, &mut scratch);
        if !changed || step % 7 != 0 {
            continue;
        }
        let lessons: Vec<Lesson> = (state.cell_of.iter().zip(&tables.course_of))
            .map(|(cell, course)| Lesson { course: *course, room: cell % 3, period: cell / 3 })
            .collect();
        let score = evaluate(&instance, &lessons);
        assert_eq!(score.occupancy, 0);
        assert_eq!(state.cost.seats as u64, score.seats_short);
        assert_eq!(state.cost.opened as u64, score.opened_room_days);
        if score.hard() == 0 {
            assert_eq!((state.cost.hard, state.cost.soft as u64), (0, score.cost()));
        } else {
            assert!(state.cost.hard > 0);
        }
    }
}

#[test]
fn the_delta_of_a_move_is_the_difference_of_the_sums() {
    let instance = small();
    let tables = Tables::new(&instance);
    for close_rooms in [false, true] {
        let mut state = State::new(&tables, weights(&tables, close_rooms));
        construct::construct(&mut state, &[]);
        let mut random = Random::new(11);
        for _ in 0..20_000 {
            let lecture = random.below(tables.course_of.len() as u32);
            let (from, to) = (state.cell_of[lecture as usize], random.below(state.at.len() as u32));
            let course = tables.course_of[lecture as usize] as usize;
            if state.at[to as usize] != NOTHING {
                continue;
            }
            let (a, b) = (state.split(from), state.split(to));
            let hard = if a.0 == b.0 { 0 } else { state.hard_delta(course, a.0, b.0) };
            let mut soft = state.rooms_delta(course, a.1, b.1) + state.room_day_delta(a, b);
            if a.0 != b.0 {
                soft += state.days_delta(course, a.0, b.0) + state.isolation_delta(course, a.0, b.0, None);
            }
            let before = state.cost;
            state.lift(lecture);
            state.put(lecture, to);
            assert_eq!((state.cost.hard - before.hard, state.cost.soft - before.soft), (hard, soft));
        }
    }
}

#[test]
fn the_same_iterations_give_the_same_bytes_and_a_clock_changes_nothing_else() {
    let options = Options { seed: 5, close_rooms: false };
    let mut looks = 0;
    let mut expired = || {
        looks += 1;
        looks > 30
    };
    let timed = search(&small(), options, &mut Budget { iterations: u64::MAX, expired: &mut expired });
    assert_eq!(limited(timed.iterations, options), timed);
    let other = limited(timed.iterations, Options { seed: 6, ..options });
    assert_ne!(write_solution(&small(), &other.lessons), write_solution(&small(), &timed.lessons));
}

#[test]
fn a_small_week_is_solved_and_closing_rooms_opens_as_few_as_can_be() {
    let plain = evaluate(&small(), &limited(300_000, Options::default()).lessons);
    assert_eq!(plain.hard(), 0);
    let closing = Options { close_rooms: true, ..Options::default() };
    let closed = evaluate(&small(), &limited(300_000, closing).lessons);
    assert_eq!(closed.hard(), 0);
    assert!(closed.seats_short <= plain.seats_short);
    assert!(closed.opened_room_days <= 10, "36 lectures in days of four need nine: {closed:?}");
}

#[test]
fn a_timetable_in_use_is_changed_little_and_pins_stay() {
    let instance = small();
    let given = limited(300_000, Options { seed: 9, close_rooms: false }).lessons;
    // A teacher of four lectures cannot come on what was their first time.
    let mut changed = instance.clone();
    changed.unavailable.push((given[0].course, given[0].period));
    changed.unavailable.sort_unstable();
    let moved = |weight: u32, pins: &[Lesson]| {
        let keep = Keep { given: given.clone(), weight, pins: pins.to_vec() };
        keep.check(&changed).unwrap();
        let budget = &mut Budget { iterations: 300_000, expired: &mut || false };
        let found = search_keeping(&changed, Options { seed: 2, close_rooms: false }, &keep, budget).lessons;
        assert_eq!(evaluate(&changed, &found).hard(), 0);
        assert!(pins.iter().all(|pin| found.contains(pin)), "{pins:?} {found:?}");
        crate::plan::moved(&given, &found)
    };
    let (times, rooms) = moved(100, &[]);
    assert!(times == 1 && rooms <= 3, "one lecture has to move and no other needs to: {rooms}");
    assert!(moved(0, &[]).0 > 3, "at no weight the search does as it likes");
    let pins: Vec<Lesson> = given[1..].iter().filter(|one| one.course % 3 == 1).copied().collect();
    moved(0, &pins);
}

#[test]
fn the_delta_of_a_move_holds_with_a_timetable_in_use() {
    let instance = small();
    let mut tables = Tables::new(&instance);
    let given = limited(20_000, Options::default()).lessons;
    let placed = tables.keep(&Keep { given, weight: 7, pins: Vec::new() });
    let mut state = State::new(&tables, weights(&tables, false));
    construct::construct(&mut state, &placed);
    let (mut random, thresholds) = (Random::new(5), Thresholds::default());
    let mut scratch = moves::Scratch::default();
    for _ in 0..20_000 {
        let before = state.cost;
        moves::step(&mut state, &mut random, &thresholds, 40 << FRACTION, &mut scratch);
        let mut anew = State::new(&tables, weights(&tables, false));
        (0..tables.course_of.len() as u32)
            .for_each(|lecture| anew.put(lecture, state.cell_of[lecture as usize]));
        assert_eq!((anew.cost.hard, anew.cost.soft), (state.cost.hard, state.cost.soft), "{before:?}");
    }
}

#[test]
fn pins_that_cannot_stay_are_refused() {
    let instance = small();
    let refused = |pins: Vec<Lesson>, weight: u32| {
        Keep { given: Vec::new(), weight, pins }.check(&instance).unwrap_err().to_string()
    };
    let pin = |course, room, period| Lesson { course, room, period };
    assert_eq!(
        refused(vec![pin(0, 0, 5), pin(1, 0, 5)], 0),
        "pins: room A is pinned twice on day 1, period 1"
    );
    let many: Vec<Lesson> = (0..3).map(|period| pin(0, 0, period)).collect();
    assert_eq!(refused(many, 0), "pins: c0 has 2 lectures and more pins");
    assert_eq!(refused(Vec::new(), 1_001), "weight: it is at most 1000");
}

/// Late periods of a day and the room B are dear, days of C cost twice those of A.
fn dear() -> Burden {
    Burden {
        at: (0..16).map(|period| 40 * (period % 4)).collect(),
        room: vec![0, 30, 5],
        room_day: vec![2_000, 3_000, 4_000],
        percent: 100,
    }
}

#[test]
fn the_delta_of_a_move_holds_where_times_and_rooms_weigh() {
    let instance = small();
    let mut tables = Tables::new(&instance);
    tables.burden(&instance, &dear());
    assert_eq!((tables.room_day(0), tables.room_day(1), tables.room_day(2)), (64, 72, 80));
    // 45 students of c5 in the last period: 45 × 120 in units of which 3,000 are 24.
    assert_eq!((tables.away(5, 7), tables.away(5, 4), tables.away_room(5, 1)), (43, 0, 11));
    let mut state = State::new(&tables, weights(&tables, true));
    construct::construct(&mut state, &[]);
    let (mut random, thresholds) = (Random::new(5), Thresholds::default());
    let mut scratch = moves::Scratch::default();
    for _ in 0..20_000 {
        moves::step(&mut state, &mut random, &thresholds, 40 << FRACTION, &mut scratch);
        let mut anew = State::new(&tables, weights(&tables, true));
        (0..tables.course_of.len() as u32)
            .for_each(|lecture| anew.put(lecture, state.cell_of[lecture as usize]));
        assert_eq!((anew.cost.hard, anew.cost.soft), (state.cost.hard, state.cost.soft));
    }
}

#[test]
fn dear_times_are_left_to_small_lectures_and_no_hard_constraint_pays_for_it() {
    let instance = small();
    let found = |burden: &Burden| {
        let options = Options { seed: 1, close_rooms: true };
        let budget = &mut Budget { iterations: 1_200_000, expired: &mut || false };
        search_weighing(&instance, options, &Keep::default(), burden, budget).lessons
    };
    let cost = |lessons: &[Lesson]| -> i64 {
        let students = |lesson: &Lesson| i64::from(instance.courses[lesson.course as usize].students);
        lessons.iter().map(|lesson| dear().at[lesson.period as usize] * students(lesson)).sum()
    };
    let (plain, weighed) = (found(&Burden::default()), found(&dear()));
    assert_eq!(found(&Burden { percent: 0, ..dear() }), plain, "at no weight it is the search without");
    let (before, after) = (evaluate(&instance, &plain), evaluate(&instance, &weighed));
    assert_eq!((after.hard(), after.seats_short <= before.seats_short), (0, true));
    // A tenth day where nine would hold all is as far as such dear times go.
    assert!(after.opened_room_days <= before.opened_room_days + 1, "{before:?} {after:?}");
    assert!(cost(&weighed) < cost(&plain), "{} {}", cost(&weighed), cost(&plain));
}

#[test]
fn a_state_stands_as_another_did() {
    let instance = small();
    let tables = Tables::new(&instance);
    let mut state = State::new(&tables, weights(&tables, true));
    construct::construct(&mut state, &[]);
    let (first, cost) = (state.cell_of.clone(), state.cost);
    let (mut random, thresholds) = (Random::new(8), Thresholds::default());
    let mut scratch = moves::Scratch::default();
    for _ in 0..5_000 {
        moves::step(&mut state, &mut random, &thresholds, 40 << FRACTION, &mut scratch);
    }
    assert_ne!(state.cell_of, first);
    state.stand(&first);
    assert_eq!((&state.cell_of, state.cost), (&first, cost));
}
