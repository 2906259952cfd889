use super::*;
use crate::ctt::evaluate::evaluate;
use crate::ctt::read;
use crate::ctt::search::{Options, search};
use crate::random::Random;

/// Two courses of one teacher, a third of another; two rooms, two periods of one day and two of another.
const TIGHT: &[u8] = b"Name: T\nCourses: 3\nRooms: 2\nDays: 2\nPeriods_per_day: 2\nCurricula: 1\nConstraints: 1\n\nCOURSES:\n\
a t 1 1 20\nb t 1 1 10\nc u 1 1 10\n\nROOMS:\nR 30\nS 15\n\nCURRICULA:\nq 1 a\n\nUNAVAILABILITY_CONSTRAINTS:\nc 0 1\n\nEND.\n";

fn forever() -> Budget<'static> {
    Budget { iterations: u64::MAX, expired: Box::leak(Box::new(|| false)) }
}

#[test]
fn whoever_stands_in_the_way_moves_and_nobody_else() {
    let instance = read(TIGHT).unwrap();
    let lesson = |course, room, period| Lesson { course, room, period };
    let given = [lesson(0, 0, 0), lesson(1, 1, 1), lesson(2, 1, 2)];
    let wish = |lesson, period, room| Wish { lesson, period, room };
    // An empty cell: nobody else.
    let free = repair(&instance, &given, wish(0, 3, Some(0)), 3, &mut forever());
    assert_eq!((free.moved.len(), free.complete), (0, true));
    // To where b is: its teacher cannot be in two places, so b moves, and to the room that has seats enough.
    let taken = repair(&instance, &given, wish(0, 1, None), 3, &mut forever());
    assert_eq!(taken.moved, [1]);
    let lessons = taken.lessons.unwrap();
    assert_eq!((evaluate(&instance, &lessons).hard(), lessons[0].room), (0, 0));
    // Nobody may move, and b does not go away.
    let none = repair(&instance, &given, wish(0, 1, None), 0, &mut forever());
    assert_eq!((none.lessons, none.complete), (None, true));
    // A time that the course does not have.
    assert_eq!(repair(&instance, &given, wish(2, 1, None), 3, &mut forever()).lessons, None);
    // Out of time: no claim.
    let stopped =
        repair(&instance, &given, wish(0, 1, None), 3, &mut Budget { iterations: 0, expired: &mut || false });
    assert_eq!((stopped.lessons, stopped.complete), (None, false));
}

/// On a searched timetable: what is found keeps every hard constraint, moves what it says, and its cost is the least that
/// the change of the moved courses allows by the evaluator's own count.
#[test]
fn found_changes_keep_every_hard_constraint_and_repeat() {
    let mut text = String::from(
        "Name: s\nCourses: 14\nRooms: 3\nDays: 5\nPeriods_per_day: 4\nCurricula: 3\nConstraints: 1\n\nCOURSES:\n",
    );
    (0..14).for_each(|c| text += &format!("c{c} t{} 3 2 {}\n", c % 6, 10 + 5 * c));
    text +=
        "\nROOMS:\nA 200\nB 60\nC 40\n\nCURRICULA:\nq0 4 c0 c1 c2 c3\nq1 4 c3 c4 c5 c6\nq2 3 c9 c10 c0\n\n";
    text += "UNAVAILABILITY_CONSTRAINTS:\nc0 0 0\n\nEND.\n";
    let instance = read(text.as_bytes()).unwrap();
    let options = Options { seed: 1, close_rooms: false };
    let given =
        search(&instance, options, &mut Budget { iterations: 200_000, expired: &mut || false }).lessons;
    assert_eq!(evaluate(&instance, &given).hard(), 0);
    let mut random = Random::new(5);
    let mut some = 0;
    for _ in 0..40 {
        let lesson = random.below(given.len() as u32) as usize;
        let wish = Wish { lesson, period: random.below(instance.periods()), room: None };
        let found = repair(&instance, &given, wish, 2, &mut forever());
        assert_eq!(found, repair(&instance, &given, wish, 2, &mut forever()));
        let Some(lessons) = found.lessons else { continue };
        some += 1;
        assert_eq!(evaluate(&instance, &lessons).hard(), 0);
        assert_eq!(lessons[lesson].period, wish.period);
        let changed = (0..given.len()).filter(|at| *at != lesson && lessons[*at] != given[*at]);
        assert_eq!(changed.collect::<Vec<_>>(), found.moved);
        assert!(found.moved.len() <= 2);
    }
    assert!(some > 20, "{some}");
}
