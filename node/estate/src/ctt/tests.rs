use super::*;
use crate::ctt::evaluate::evaluate;

const TINY: &str = "Name: tiny\nCourses: 2\nRooms: 2\nDays: 2\nPeriods_per_day: 2\nCurricula: 1\nConstraints: 1\n\
                    COURSES:\na t 2 2 30\nb t 1 1 10\nROOMS:\nx 20\ny 40\nCURRICULA:\nq 2 a b\n\
                    UNAVAILABILITY_CONSTRAINTS:\nb 1 1\nEND.\n";

fn refused(text: &str) -> String {
    read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn blanks_and_line_ends_do_not_matter_and_names_stay_bytes() {
    let plain = read(TINY.as_bytes()).unwrap();
    let odd = TINY.replace(' ', " \t  ").replace('\n', " \r\n\r\n");
    assert_eq!(read(odd.as_bytes()).unwrap(), plain);
    let latin: Vec<u8> =
        TINY.replace("x 20", "\u{1}x 20").bytes().map(|b| if b == 1 { 0xe9 } else { b }).collect();
    let instance = read(&latin).unwrap();
    let written = write_solution(&instance, &[Lesson { course: 0, room: 0, period: 3 }]);
    assert_eq!(written, b"a \xe9x 1 1\n");
    assert_eq!(read_solution(&instance, &written).unwrap(), [Lesson { course: 0, room: 0, period: 3 }]);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    assert_eq!(
        refused(&TINY.replace("Rooms: 2", "Rooms: 3")),
        "end of file, line 18: the header says 3 Rooms, the file has 2"
    );
    assert_eq!(refused(&TINY.replace("q 2 a b", "q 2 a c")), "line 15: the course c is not in COURSES");
    assert_eq!(refused(&TINY.replace("ROOMS:", "BUSES:")), "line 11: the section \"BUSES:\" is not known");
    assert_eq!(
        refused(&TINY.replace("b 1 1\n", "b 1 2\n")),
        "line 17: day 1 period 2 is outside the week, which counts from 0"
    );
    assert_eq!(refused(&TINY.replace("y 40", "y 4x")), "line 13: capacity is \"4x\", not a whole number");
    assert_eq!(
        refused(&TINY.replace("y 40", "y 99999999999999999999")),
        "line 13: capacity is 99999999999999999999, more than 4294967295"
    );
    assert_eq!(refused(&TINY.replace("END.\n", "")), "end of file, line 17: the file stops before END.");
    assert_eq!(refused(&TINY.replace("y 40", "x 40")), "line 13: the room x is there twice");
    assert_eq!(refused(""), "end of file, line 0: the file stops before END.");
}

#[test]
fn the_extended_format_is_read_past() {
    let more = TINY.replace("b t 1 1 10", "b t 1 1 10 1").replace("x 20", "x 20 0");
    let more = more.replace(
        "Constraints: 1\n",
        "Min_Max_Daily_Lectures: 2 4\nUnavailabilityConstraints: 1\nRoomConstraints: 1\n",
    );
    let more = more.replace("END.", "ROOM_CONSTRAINTS:\na y\nEND.");
    assert_eq!(read(more.as_bytes()).unwrap(), read(TINY.as_bytes()).unwrap());
}

#[test]
fn each_kind_of_cost_is_counted() {
    let instance = read(TINY.as_bytes()).unwrap();
    let score = |text: &str| {
        let lessons = read_solution(&instance, text.as_bytes()).unwrap();
        evaluate(&instance, &lessons)
    };
    let good = score("a y 0 0\na y 1 0\nb x 0 1\n");
    assert_eq!((good.hard(), good.isolated, good.cost(), good.opened_room_days), (0, 1, 2, 3));
    let poor = score("a x 0 0\na y 0 1\nb x 1 0\n");
    // Ten without a seat, one day missing, b alone on its day, a second room.
    assert_eq!((poor.hard(), poor.cost()), (0, 10 + 5 + 2 + 1));
    assert_eq!(score("a y 0 0\na y 1 0\nb x 1 1\n").unavailable, 1);
    assert_eq!(score("a y 0 0\na y 1 0\nb x 0 0\n").conflicts, 1);
    assert_eq!(score("a y 0 0\na y 1 0\nb y 0 0\n").occupancy, 1);
    assert_eq!(score("a y 0 0\na x 0 0\nb x 0 1\n").lectures, 1);
    assert_eq!(score("a y 0 0\nb x 0 1\n").lectures, 1);
    assert_eq!(score("a y 0 0\na y 1 0\na y 1 1\nb x 0 1\n").lectures, 1);
}

/// The published solutions of the competition's archive, where the files are at hand.
#[test]
fn published_solutions_cost_what_is_published() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/timetables/cbctt");
    for (name, cost) in [("comp01", 5), ("comp11", 0)] {
        let (Ok(instance), Ok(solution)) = (
            std::fs::read(folder.join(format!("{name}.ctt"))),
            std::fs::read(folder.join(format!("{name}-UD2.sol"))),
        ) else {
            eprintln!("skipped: {} is not here", folder.display());
            return;
        };
        let instance = read(&instance).unwrap();
        // The archive writes an r before each room's name.
        let solution = String::from_utf8(solution).unwrap().replace(" r", " ");
        let score = evaluate(&instance, &read_solution(&instance, solution.as_bytes()).unwrap());
        assert_eq!((score.hard(), score.cost()), (0, cost), "{name}: {score:?}");
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(cut in 0usize..400, at in 0usize..400, byte: u8, junk: Vec<u8>) {
        let mut bytes = TINY.as_bytes().to_vec();
        let place = at.min(bytes.len() - 1);
        bytes[place] = byte;
        bytes.truncate(cut);
        let _ = read(&bytes);
        bytes.extend(junk.iter());
        let _ = read(&bytes);
        let _ = read(&junk);
    }
}

/// A room-day counts no further than the teachers who can fill it: on the second day one teacher can come, at one period.
#[test]
fn the_bound_counts_periods_in_which_somebody_can_teach() {
    let text = "Name: B\nCourses: 2\nRooms: 2\nDays: 2\nPeriods_per_day: 2\nCurricula: 0\nConstraints: 3\n\nCOURSES:\n\
                a t 2 1 20\nb u 3 1 10\n\nROOMS:\nR 30\nS 30\n\nCURRICULA:\n\nUNAVAILABILITY_CONSTRAINTS:\n\
                a 1 0\na 1 1\nb 1 0\n\nEND.\n";
    let instance = read(text.as_bytes()).unwrap();
    // Five lectures: two rooms of the first day hold two each, the fifth needs a room of the second.
    assert_eq!(bound::room_days(&instance), 3);
    let three = read(text.replace("b u 3", "b u 2").as_bytes()).unwrap();
    assert_eq!(bound::room_days(&three), 2);
    let closed = text.replace("Constraints: 3", "Constraints: 4").replace("b 1 0\n", "b 1 0\na 0 1\n");
    // Four lectures where the second room of the first day adds one only: three rooms' days in place of two.
    let closed = read(closed.replace("b u 3", "b u 2").as_bytes()).unwrap();
    assert_eq!(bound::room_days(&closed), 3);
}
