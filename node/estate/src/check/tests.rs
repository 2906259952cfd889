use super::estate::read_estate;
use super::ical::read_ical;
use super::schedule::{of_instance, of_lines};
use super::table::read_csv;
use super::*;

const WEEK: &str = "day,period,lesson,room,teacher,group,students,needs\n0,1,Maths,A,Ada,7a,25,\n0,1,Physics,B,Bea,7b,20,lab\n\
                    0,2,Maths,A,Ada,7b,25,\n";

fn kinds(found: &[Conflict]) -> Vec<&'static str> {
    found.iter().map(|conflict| conflict.kind).collect()
}

#[test]
fn a_clean_week_has_none_and_each_kind_is_named() {
    assert_eq!(find(&read_csv(WEEK.as_bytes()).unwrap(), None), []);
    let with = |row: &str| find(&read_csv(format!("{WEEK}{row}\n").as_bytes()).unwrap(), None);
    let room = with("0,2,Art,A,Cid,8a,10,");
    assert_eq!(kinds(&room), ["room"]);
    assert_eq!(
        (room[0].what.as_str(), &room[0].day, &room[0].period),
        ("A: Maths and Art", &0.into(), &2.into())
    );
    assert_eq!(kinds(&with("0,2,Art,C,Ada;Cid,8a,10,")), ["teacher"]);
    assert_eq!(kinds(&with("0,2,Art,C,Cid,8a; 7b,10,")), ["group"]);
    assert_eq!(kinds(&with("1,2,Art,,Cid,8a,10,")), [] as [&str; 0]);
}

#[test]
fn an_estate_adds_seats_features_closures_and_energy() {
    let estate = r#"{"sites":[{"id":"s"}],"buildings":[{"id":"h","site":"s"}],"energy_budget_kwh_per_day":4,
        "rooms":[{"id":"A","building":"h","capacity":24,"kwh_per_hour":2},{"id":"B","capacity":30,"kwh_per_hour":1}],
        "closures":[{"room":"B","day":0,"period":1},{"day":3}]}"#;
    let estate = read_estate(estate.as_bytes()).unwrap();
    let found = find(&read_csv(WEEK.as_bytes()).unwrap(), Some(&estate));
    assert_eq!(kinds(&found), ["capacity", "feature", "capacity", "closed", "energy"]);
    assert_eq!(found[4].what, "rooms in use take 5.0 kWh, the day's budget is 4.0");
    let other = format!("{WEEK}3,5,Art,Z,Cid,8a,1,\n3,5,Art,B,Dan,8b,1,\n");
    let found = find(&read_csv(other.as_bytes()).unwrap(), Some(&estate));
    assert_eq!(kinds(&found)[3..], ["closed", "unknown_room", "closed", "energy"]);
    for (wrong, why) in [
        (r#"{"buildings":[{"id":"h","site":"x"}]}"#, "buildings: site: \"x\" is not in the estate"),
        (
            r#"{"rooms":[{"id":"A","capacity":1},{"id":"A","capacity":2}]}"#,
            "rooms: the id \"A\" is there twice",
        ),
        (r#"{"rooms":[{"id":"A","capacity":1,"building":"q"}]}"#, "building: \"q\" is not in the estate"),
    ] {
        assert_eq!(read_estate(wrong.as_bytes()).unwrap_err().to_string(), why);
    }
}

#[test]
fn times_overlap_and_touching_is_none() {
    let rows = "date,start,end,lesson,room\n2026-09-07,08:00,09:00,a,R\n2026-09-07,09:00,12:00,b,R\n2026-09-07,09:15,09:30,c,R\n\
                2026-09-07,11:00,11:30,d,R\n2026-09-08,11:00,11:30,e,R\n";
    let found = find(&read_csv(rows.as_bytes()).unwrap(), None);
    let named: Vec<&str> = found.iter().map(|conflict| conflict.what.as_str()).collect();
    assert_eq!(named, ["R: b and c", "R: b and d"]);
    assert_eq!((found[0].day.as_str(), found[0].period.as_str()), (Some("2026-09-07"), Some("09:15")));
    let double = "day,period,length,room\nmon,1,2,R\nmon,2,1,R\ntue,2,1,R\n";
    assert_eq!(kinds(&find(&read_csv(double.as_bytes()).unwrap(), None)), ["room"]);
}

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Maths\\, hard\r\nLOCATION:A\r\n\
    DTSTART;TZID=Europe/Zurich:20260907T080000\r\nDTEND;TZID=Europe/Zurich:20260907T084500\r\nORGANIZER;CN=\"Ada: L\":mailto:a@x\r\n\
    RRULE:FREQ=WEEKLY;COUNT=4;BYDAY=MO,WE\r\nEXDATE:20260914T080000\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Phys\r\n ics\r\n\
    LOCATION:A\r\nDTSTART:20260916T083000\r\nDURATION:PT45M\r\nCATEGORIES:7a,7b\r\nBEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VALARM\r\n\
    END:VEVENT\r\nEND:VCALENDAR\r\n";

#[test]
fn a_calendar_repeats_and_conflicts() {
    let schedule = read_ical(CALENDAR.as_bytes()).unwrap();
    let days: Vec<&str> = schedule.lessons.iter().filter_map(|lesson| lesson.day.as_str()).collect();
    assert_eq!(days, ["2026-09-07", "2026-09-09", "2026-09-16", "2026-09-16"]);
    assert_eq!(schedule.lessons[0].teachers, ["Ada: L"]);
    let found = find(&schedule, None);
    assert_eq!((found.len(), found[0].what.as_str()), (1, "A: Maths, hard and Physics"));
    let refused =
        |from: &str, to: &str| read_ical(CALENDAR.replace(from, to).as_bytes()).unwrap_err().to_string();
    assert_eq!(refused("FREQ=WEEKLY", "FREQ=YEARLY"), "line 10: a repetition by FREQ=YEARLY is not handled");
    assert_eq!(refused("COUNT=4;", ""), "line 3: a repetition ends: COUNT or UNTIL");
    assert_eq!(
        refused("20260916T083000", "20261316T083000"),
        "line 18: \"20261316T083000\" is not a date and time of RFC 5545"
    );
    assert_eq!(refused("END:VCALENDAR", "X:1"), "end of file: the calendar is not whole");
}

#[test]
fn timetables_of_instances_are_checked_by_teacher_and_curriculum() {
    let text = "Name: t\nCourses: 2\nRooms: 2\nDays: 2\nPeriods_per_day: 2\nCurricula: 1\nConstraints: 0\nCOURSES:\na t 2 2 30\n\
                b u 1 1 10\nROOMS:\nx 20\ny 40\nCURRICULA:\nq 2 a b\nUNAVAILABILITY_CONSTRAINTS:\nEND.\n";
    let instance = crate::ctt::read(text.as_bytes()).unwrap();
    let lectures = crate::ctt::read_solution(&instance, b"a x 0 0\nb y 0 0\na y 1 0\n").unwrap();
    assert_eq!(kinds(&find(&of_instance(&instance, &lectures), None)), ["group", "capacity"]);
    assert_eq!(kinds(&find(&of_lines(b"a x 0 0\nb x 0 0\n").unwrap(), None)), ["room"]);
}

#[test]
fn a_campus_year_is_checked_whole() {
    let mut text = String::from("week,day,period,lesson,room,teacher,group,students,capacity\n");
    for lesson in 0..100_000u32 {
        let (week, slot, room) = (lesson / 2500, lesson % 2500 / 100, lesson % 100);
        text += &format!("{},{},{},l{lesson},r{room},t{room},g{room},20,30\n", week + 1, slot / 5, slot % 5);
    }
    text += "40,4,4,extra,r99,t0,g200,31,30\n";
    let found = find(&read_csv(text.as_bytes()).unwrap(), None);
    assert_eq!(kinds(&found), ["room", "teacher", "capacity"]);
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(cut in 0usize..900, at in 0usize..900, byte: u8, junk: Vec<u8>, text in "[a-zA-Z0-9:;=,\n-]{0,200}") {
        for good in [WEEK, CALENDAR] {
            let mut bytes = good.as_bytes().to_vec();
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut);
            let _ = (read_csv(&bytes), read_ical(&bytes), of_lines(&bytes), read_estate(&bytes));
        }
        let calendar = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{text}\nEND:VEVENT\nEND:VCALENDAR\n");
        let _ = (read_csv(&junk), read_ical(&junk), of_lines(&junk), read_estate(&junk), read_ical(calendar.as_bytes()));
    }
}

#[test]
fn what_comes_and_goes_is_told_apart() {
    let read = |text: &str| find(&read_csv(text.as_bytes()).unwrap(), None);
    let before = read("day,period,room,lesson\nmon,1,R,a\nmon,1,R,b\ntue,1,S,a\ntue,1,S,b\n");
    let after = read("day,period,room,lesson\nmon,1,R,a\nmon,1,R,b\nmon,1,R,b\ntue,1,S,a\n");
    let (new, gone) = (new_ones(&before, &after), new_ones(&after, &before));
    assert_eq!((before.len(), after.len(), new.len(), gone.len()), (2, 2, 1, 1));
    // The third lesson of the room meets the first again.
    assert_eq!((new[0].what.as_str(), gone[0].what.as_str()), ("R: a and b", "S: a and b"));
    assert_eq!(new_ones(&after, &after), []);
}
