use super::*;
use crate::ctt::{Lesson, read};
use crate::energy::schedule::Program;
use crate::energy::{read_building, read_inputs};

const TOY: &[u8] = b"Name: Toy\nCourses: 2\nRooms: 2\nDays: 2\nPeriods_per_day: 3\nCurricula: 1\nConstraints: 0\n\nCOURSES:\n\
a t 2 1 20\nb u 1 1 10\n\nROOMS:\nR 30\nS 30\n\nCURRICULA:\nq 2 a b\n\nUNAVAILABILITY_CONSTRAINTS:\n\nEND.\n";
const ZONE: &str = r#"{"params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,"room_vol":105,
 "total_internal_area":142.0,"lighting_load":10,"u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,"ach_infl":0.5,
 "ventilation_efficiency":0.6,"thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,"t_set_cooling":26.0}}"#;

fn lesson(course: u32, room: u32, period: u32) -> Lesson {
    Lesson { course, room, period }
}

#[test]
fn walks_gaps_and_closed_days_are_those_of_the_lines() {
    let instance = read(TOY).unwrap();
    let given = [lesson(0, 0, 0), lesson(1, 1, 1), lesson(0, 0, 5)];
    let plan = [lesson(0, 0, 0), lesson(1, 0, 2), lesson(0, 1, 5)];
    assert_eq!(terms(&instance, &given), Terms { walks: 1, gaps: 0, student_periods: 50 });
    assert_eq!(terms(&instance, &plan), Terms { walks: 0, gaps: 1, student_periods: 50 });
    let day = |room: &str, day| RoomDay { room: room.to_owned(), day };
    assert_eq!(closed(&instance, &given, &plan), vec![day("R", 1), day("S", 0)]);
    assert_eq!(closed(&instance, &plan, &given), vec![day("S", 1)]);
    assert_eq!(moved(&given, &plan), (1, 1));
    let svg = picture(&instance, &given, &plan);
    assert_eq!(crate::xml::read(svg.as_bytes()).unwrap().name, "svg");
    assert_eq!(svg.matches("<title>a</title>").count(), 4);
    // Both weeks have their days' names; what is closed and opened says so and is drawn unlike the rest.
    assert_eq!((svg.matches(">day 0</text>").count(), svg.matches(">day 1</text>").count()), (2, 2));
    for told in ["R day 1: closed by the plan", "S day 0: closed by the plan", "S day 1: opened by the plan"]
    {
        assert!(svg.contains(&format!("<title>{told}</title>")), "{told}");
    }
    // Each kind once more in the legend.
    assert_eq!((svg.matches("stroke-dasharray").count(), svg.matches("<path ").count()), (3, 3));
    assert!(svg.contains(">a room's day that is closed by the plan</text>"));
}

#[test]
fn a_plan_that_is_worse_in_hard_terms_is_the_given_timetable() {
    let instance = read(&String::from_utf8_lossy(TOY).replace("S 30", "S 5").into_bytes()).unwrap();
    let given = [lesson(0, 0, 0), lesson(0, 0, 5), lesson(1, 0, 1)];
    // One teacher's two lectures at once; a lecture that is missing; ten students in a room of five.
    let twice = vec![lesson(0, 0, 0), lesson(0, 1, 0), lesson(1, 0, 1)];
    let few = vec![lesson(0, 0, 0), lesson(1, 0, 1)];
    let short = vec![lesson(0, 0, 0), lesson(0, 0, 3), lesson(1, 1, 1)];
    for worse in [twice, few, short] {
        let (kept, is_given) = no_worse(&instance, &given, worse);
        assert!(is_given && kept == given);
        assert_eq!((closed(&instance, &given, &kept), moved(&given, &kept)), (vec![], (0, 0)));
    }
    let other = vec![lesson(0, 0, 0), lesson(0, 0, 2), lesson(1, 0, 1)];
    assert_eq!(no_worse(&instance, &given, other.clone()), (other, false));
}

#[test]
fn a_closed_room_day_needs_less_and_lights_count_by_the_hour() {
    let instance = read(TOY).unwrap();
    let building = zones(&read_building(ZONE.as_bytes()).unwrap(), &instance).unwrap();
    assert_eq!(building.zones.iter().map(|zone| zone.id.as_str()).collect::<Vec<_>>(), ["R", "S"]);
    let rows = "-5,0,0\n".repeat(24 * 7 * 4);
    let inputs =
        read_inputs(format!("t_out_c,internal_gains_w,solar_gains_w\n{rows}").as_bytes(), &building).unwrap();
    let week = Week { day_start: 8 * 60, period_minutes: 60, program: Program::Hours };
    let year = |lessons: &[Lesson]| {
        load(&building, Hours::Inputs(&inputs), &schedule(&instance, lessons, week).unwrap()).0
    };
    let two = year(&[lesson(0, 0, 0), lesson(1, 1, 1), lesson(0, 0, 3)]);
    let one = year(&[lesson(0, 0, 0), lesson(1, 0, 1), lesson(0, 0, 3)]);
    assert!(one.heating_kwh < two.heating_kwh, "{one:?} {two:?}");
    // Three lectures a week for four weeks, 350 W of light each.
    assert!((one.electricity_kwh - 4.2).abs() < 1e-9 && (two.electricity_kwh - 4.2).abs() < 1e-9, "{one:?}");
    // Whole mWh, whatever many zones they are added up over.
    for kwh in [two.heating_kwh, two.cooling_kwh, two.electricity_kwh, two.energy_kwh] {
        assert!(kwh.to_string().split('.').nth(1).map_or(0, str::len) <= 6, "{kwh}");
    }
    assert!((one.energy_kwh - one.electricity_kwh - one.heating_kwh - one.cooling_kwh).abs() < 1e-9);
}

#[test]
fn a_room_run_by_the_houses_day_costs_its_whole_day() {
    let instance = read(TOY).unwrap();
    let building = zones(&read_building(ZONE.as_bytes()).unwrap(), &instance).unwrap();
    let rows = "5,0,0\n".repeat(24 * 7 * 4);
    let inputs =
        read_inputs(format!("t_out_c,internal_gains_w,solar_gains_w\n{rows}").as_bytes(), &building).unwrap();
    let year = |lessons: &[Lesson], program| {
        let week = Week { day_start: 8 * 60, period_minutes: 60, program };
        load(&building, Hours::Inputs(&inputs), &schedule(&instance, lessons, week).unwrap()).0
    };
    let two = [lesson(0, 0, 0), lesson(1, 1, 1), lesson(0, 0, 5)];
    let one = [lesson(0, 0, 0), lesson(1, 0, 1), lesson(0, 0, 5)];
    // 350 W of light. By their own hours no room is empty between lessons; by the house's day, 8 to 11, each opened room-day
    // has three hours: three and two opened room-days, three lessons, what is left at four fifths.
    let close = |kwh: f64, hours: f64| assert!((kwh - 0.35 * 4.0 * hours).abs() < 1e-9, "{kwh} {hours}");
    close(year(&two, Program::Hours).electricity_kwh, 3.0);
    close(year(&two, Program::Day).electricity_kwh, 3.0 + 0.8 * 6.0);
    close(year(&one, Program::Day).electricity_kwh, 3.0 + 0.8 * 3.0);
    assert!(year(&one, Program::Day).heating_kwh < year(&two, Program::Day).heating_kwh);
}

#[test]
fn what_does_not_fit_is_said() {
    let instance = read(TOY).unwrap();
    let late = Week { day_start: 23 * 60, period_minutes: 60, program: Program::Hours };
    assert!(schedule(&instance, &[], late).unwrap_err().to_string().contains("do not fit a week"));
    let two = ZONE.replacen('{', r#"{"zones":[{"id":"R"},{"id":"T"}],"#, 1);
    let refused = zones(&read_building(two.as_bytes()).unwrap(), &instance).unwrap_err();
    assert!(refused.to_string().contains("like the room \"S\""), "{refused}");
}

#[test]
fn energy_is_felt_at_warm_hours_in_poor_rooms_and_on_opened_days() {
    let instance = read(TOY).unwrap();
    // S has twice the lights of R; the first hours of a day are cool, the last are hot.
    let two = ZONE.replacen('{', r#"{"zones":[{"id":"R"},{"id":"S","lighting_load":20}],"#, 1);
    let building = zones(&read_building(two.as_bytes()).unwrap(), &instance).unwrap();
    let day: String = (0..24).map(|hour| if hour < 9 { "10,0,0\n" } else { "30,0,0\n" }).collect();
    let text = format!("t_out_c,internal_gains_w,solar_gains_w\n{}", day.repeat(7 * 4));
    let inputs = read_inputs(text.as_bytes(), &building).unwrap();
    let week = Week { day_start: 8 * 60, period_minutes: 60, program: Program::Day };
    let given = [lesson(0, 0, 0), lesson(1, 1, 1), lesson(0, 0, 5)];
    let found = burden(&instance, &building, Hours::Inputs(&inputs), &given, week);
    assert_eq!((found.at.len(), found.room.len(), found.room_day.len(), found.percent), (6, 2, 2, 100));
    // A student's 100 W at ten degrees are aired away; at thirty what the house does not keep until the night is cooled.
    let hour = |period: usize| found.at[period] as f64 / 4e3;
    assert!(hour(0) < 40.0 && hour(1) > 60.0 && hour(2) > 60.0, "{:?}", found.at);
    assert_eq!(found.at.iter().min(), found.at[..1].iter().chain(&found.at[3..4]).min());
    assert!(found.room_day[1] > found.room_day[0], "{:?}", found.room_day);
}
