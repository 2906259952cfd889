use super::*;
use crate::check::estate::read_estate;
use crate::check::find;
use crate::check::table::read_csv;
use crate::in_use::Clock;

/// Two houses of a site and one of another: A has 30, 30 and 20 seats, B 40, C 100.
const ESTATE: &str = r#"{"sites":[{"id":"s"},{"id":"t"}],
  "buildings":[{"id":"A","site":"s"},{"id":"B","site":"s"},{"id":"C","site":"t"}],
  "rooms":[{"id":"A1","building":"A","capacity":30,"place":{"x":0,"y":0,"width":8,"depth":6}},
    {"id":"A2","building":"A","capacity":30,"features":["lab"],"place":{"x":30,"y":0,"width":8,"depth":6}},
    {"id":"A3","building":"A","capacity":20,"place":{"x":10,"y":0,"width":8,"depth":6}},
    {"id":"B1","building":"B","capacity":40},{"id":"C1","building":"C","capacity":100}]}"#;
const WEEK: &str = "day,period,lesson,room,students,needs\nmon,1,maths,A1,25,\nmon,1,art,A3,20,\nmon,2,maths,A1,25,\n\
                    mon,2,lab,A2,28,lab\nmon,2,art,B1,38,\ntue,1,choir,B1,40,\n";

fn told(wishes: &[&str], estate: &str, week: &str) -> Reseated {
    let (mut estate, schedule) =
        (read_estate(estate.as_bytes()).unwrap(), read_csv(week.as_bytes()).unwrap());
    for wish in wishes {
        let more = closures(wish, &estate, &schedule).unwrap();
        estate.closures.extend(more);
    }
    let answer = reseat(&schedule, &estate).unwrap();
    // Applied, the schedule has no closed room, no room twice and no lack of seats.
    let mut applied = schedule.clone();
    for one in &answer.moved {
        let at = applied.lessons.iter().position(|lesson| {
            (&lesson.name, &lesson.day, &lesson.period, &lesson.room)
                == (&one.lesson, &one.day, &one.period, &one.from)
        });
        applied.lessons[at.unwrap()].room = if one.to.len() == 1 { one.to[0].clone() } else { String::new() };
    }
    assert_eq!(find(&applied, Some(&estate)), [], "{answer:?}");
    answer
}

fn to(answer: &Reseated, lesson: &str, period: u64) -> Vec<String> {
    let own = |one: &&Moved| one.lesson == lesson && one.period == period;
    answer.moved.iter().find(own).unwrap().to.clone()
}

#[test]
fn a_closed_rooms_lessons_sit_in_the_nearest_room_that_holds_them() {
    let answer = told(&["A1"], ESTATE, WEEK);
    assert_eq!((answer.displaced, answer.seated, answer.without), (2, 2, 0));
    // In period 1 the free room of 30 in the same house; in period 2 only the other site is free.
    assert_eq!(to(&answer, "maths", 1), ["A2"]);
    assert_eq!(answer.moved[0].metres, Some(30));
    assert_eq!(to(&answer, "maths", 2), ["C1"]);
    assert!(to_csv(&answer.moved).contains("maths,,mon,1,25,A1,A2,30\n"));
}

#[test]
fn all_that_start_together_are_seated_at_once() {
    // Maths alone would take A2; the lab's lesson can go nowhere else, so that maths goes to the other house.
    let week = "day,period,lesson,room,students,needs\nmon,1,maths,A1,25,\nmon,1,lab,A4,28,lab\n";
    let estate = ESTATE.replace(
        r#"{"id":"B1""#,
        r#"{"id":"A4","building":"A","capacity":30,"features":["lab"]},{"id":"B1""#,
    );
    let answer = told(&["A1@mon", "A4@mon,1"], &estate, week);
    assert_eq!(
        (to(&answer, "lab", 1), to(&answer, "maths", 1)),
        (vec!["A2".to_owned()], vec!["B1".to_owned()])
    );
}

#[test]
fn whom_no_room_holds_is_spread_and_whom_no_rooms_hold_is_named() {
    let week =
        "day,period,lesson,room,students\nmon,1,assembly,C1,75\nmon,2,assembly,C1,100\nmon,2,maths,A1,25\n";
    let answer = told(&["C1"], ESTATE, week);
    assert_eq!((answer.seated, answer.spread, answer.without), (0, 1, 1));
    // 40 and 30 leave five, which the smallest room holds.
    assert_eq!(to(&answer, "assembly", 1), ["B1", "A1", "A3"]);
    assert_eq!((to(&answer, "assembly", 2), answer.seats_missing), (Vec::new(), 100));
}

#[test]
fn a_building_on_a_day_is_closed_and_nothing_else() {
    let answer = told(&["building:A@mon"], ESTATE, WEEK);
    assert_eq!(answer.displaced, 4);
    assert!(answer.moved.iter().all(|one| one.to.iter().all(|room| !room.starts_with('A'))), "{answer:?}");
    // Monday's first period has two lessons for B1 and C1; in the second B1 is held, C1 takes one and the lab has no room.
    assert_eq!((answer.seated, answer.without), (3, 1));
    assert_eq!(to(&answer, "lab", 2), Vec::<String>::new());
    assert_eq!(told(&["site:t"], ESTATE, WEEK).displaced, 0);
    assert_eq!(told(&["all@tue"], ESTATE, WEEK).without, 1);
}

#[test]
fn a_weekday_is_closed_on_a_calendar_of_dates() {
    // 2026-09-11 is a Friday.
    let week = "date,start,end,lesson,room,students\n2026-09-10,08:00,09:00,maths,A1,25\n2026-09-11,08:00,09:00,maths,A1,25\n\
                2026-09-18,10:00,11:00,maths,A1,25\n";
    let days = |wish: &str| {
        let moved = told(&[wish], ESTATE, week).moved;
        moved.iter().map(|one| one.day.as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(days("A1@fri"), ["2026-09-11", "2026-09-18"]);
    assert_eq!(days("building:A@Friday,10:00"), ["2026-09-18"]);
    assert_eq!(days("A1@2026-09-10"), ["2026-09-10"]);
    assert_eq!(days("A1@sat"), [""; 0]);
}

#[test]
fn faults_are_said() {
    let (estate, schedule) = (read_estate(ESTATE.as_bytes()).unwrap(), read_csv(WEEK.as_bytes()).unwrap());
    let refused = |wish: &str| closures(wish, &estate, &schedule).unwrap_err().to_string();
    assert!(refused("Z9").starts_with("\"Z9\": the estate has no such rooms"));
    assert!(refused("building:Z").contains("no such rooms"));
    assert!(refused("A1@someday").contains("not a number, weekday or date"));
}

/// A year of weather whose days are 10 °C but for one Tuesday in June of 38.
fn weather() -> crate::energy::weather::Weather {
    let mut text = String::from("LOCATION,x,,,,,47.0,8.0,1,400\n");
    (0..6).for_each(|_| text.push_str("-\n"));
    text.push_str("DATA PERIODS,1,1,Data,Monday,1/1,12/31\n");
    for hour in 0..8760 {
        let air = if hour / 24 == 155 { 38 } else { 10 };
        text.push_str(&format!("2013,1,1,1,60,-,{air},0,50,101325,0,0,300,0,0,0,0,0,0,0\n"));
    }
    crate::energy::weather::read_epw(text.as_bytes()).unwrap()
}

#[test]
fn the_warmest_day_takes_out_what_is_too_warm_then() {
    let estate = read_estate(ESTATE.as_bytes()).unwrap();
    let schedule = read_csv(WEEK.as_bytes()).unwrap();
    let office = r#"{"params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,"room_vol":105,"total_internal_area":142.0,
      "u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,"ach_infl":0.5,"ventilation_efficiency":0.6,
      "thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,"t_set_cooling":26.0}}"#;
    let building = crate::energy::read_building(office.as_bytes()).unwrap();
    let clock = Clock { day_start: 480, period_minutes: 60 };
    let told = |limit: i64, wanted| {
        warm_day((&estate, &schedule), (&building, &weather()), clock, (limit, false), wanted).unwrap()
    };
    let day = told(26_000_000, None).unwrap();
    assert_eq!((day.day_of_year, day.weekday), (156, 1));
    // B1 is the one room that is used on Tuesdays, and forty people warm it; what stood empty stayed cool.
    assert_eq!(day.rooms.iter().map(|warm| warm.room.as_str()).collect::<Vec<_>>(), ["B1"]);
    assert_eq!(day.closures.len(), 1);
    let closed = Estate { closures: day.closures, ..estate.clone() };
    assert_eq!(to(&reseat(&schedule, &closed).unwrap(), "choir", 1), ["C1"]);
    // In a year of weeks the day is one of the week that was run, not of all.
    let weeks = read_csv(b"week,day,period,lesson,room,students\n1,tue,1,choir,B1,40\n2,tue,1,choir,B1,40\n")
        .unwrap();
    let one = warm_day((&estate, &weeks), (&building, &weather()), clock, (26_000_000, false), None);
    let closed = Estate { closures: one.unwrap().unwrap().closures, ..estate.clone() };
    let moved = reseat(&weeks, &closed).unwrap().moved;
    assert_eq!(moved.iter().map(|one| one.week).collect::<Vec<_>>(), [Some(1)]);
    assert_eq!(told(60_000_000, None), None);
    assert_eq!(told(26_000_000, Some(1)), None, "a Monday of 10 °C");
    let beyond = warm_day((&estate, &schedule), (&building, &weather()), clock, (0, false), Some(400));
    assert!(beyond.unwrap_err().to_string().contains("not a day of a year"));
}
