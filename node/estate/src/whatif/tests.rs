use super::*;
use crate::check::estate::read_estate;
use crate::check::table::read_csv;
use crate::energy::building::SetBack;
use crate::energy::{read_building, read_inputs};
use crate::staffing::{read_sections, read_staff};

const ESTATE: &str = r#"{"sites":[{"id":"s"}],"buildings":[{"id":"A","site":"s"},{"id":"B","site":"s"}],
  "rooms":[{"id":"A1","building":"A","capacity":30,"kwh_per_hour":2},{"id":"A2","building":"A","capacity":30,"kwh_per_hour":2},
    {"id":"B1","building":"B","capacity":60,"kwh_per_hour":2}],"closures":[{"room":"A2","day":"fri"}]}"#;
const WEEK: &str = "day,period,lesson,room,students,teacher,group\nmon,1,maths,A1,25,x,g\nmon,1,art,A2,28,y,h\nmon,2,choir,B1,50,z,k\n\
                    fri,1,art,A2,28,y,h\n";
const OFFICE: &str = r#"{"params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,"room_vol":105,"total_internal_area":142.0,
  "u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,"ach_infl":0.5,"ventilation_efficiency":0.6,"lighting_load":10,
  "thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,"t_set_cooling":26.0}}"#;

fn told(changes: &[&str]) -> Result<Compared, Unreadable> {
    let (estate, schedule) = (read_estate(ESTATE.as_bytes())?, read_csv(WEEK.as_bytes())?);
    let building = read_building(OFFICE.as_bytes())?;
    let hours = "t_out_c,internal_gains_w,solar_gains_w\n".to_owned() + &"5,0,0\n".repeat(24 * 14);
    let inputs = read_inputs(hours.as_bytes(), &building)?;
    let sections = read_sections(b"course,subject,size,hours\nalgebra,maths,25,5\n")?;
    let staff = read_staff(b"subject,teachers,hours\nmaths,1,20\n")?;
    let changes = changes.iter().map(|text| Change::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let clock = Clock { day_start: 480, period_minutes: 60 };
    let present = Present {
        estate: &estate,
        schedule: &schedule,
        energy: Some((&building, Hours::Inputs(&inputs), clock, Program::Day)),
        staffing: Some((b"period,point,low,high,series\n2027,90,80,100,algebra\n", &sections, &staff)),
    };
    compare(present, &changes)
}

#[test]
fn without_a_change_nothing_changes() {
    let same = told(&[]).unwrap();
    assert_eq!(same.now, same.then);
    assert_eq!((same.new_conflicts.len(), same.reseated.displaced, same.energy_change_ppm), (0, 0, Some(0)));
    assert_eq!((same.students_percent, told(&["students=10%"]).unwrap().students_percent), (100, 10));
    // What is closed as it stands is a conflict of today's and nobody is moved for it.
    assert_eq!(same.now.conflicts, BTreeMap::from([("closed", 1)]));
    let energy = same.now.energy.unwrap();
    assert!(energy.heating_kwh > 0.0 && energy.electricity_kwh > 0.0, "{energy:?}");
}

#[test]
fn a_closed_room_is_followed_into_the_rooms_hours_and_energy() {
    let closed = told(&["close=A2@mon"]).unwrap();
    assert_eq!((closed.reseated.displaced, closed.reseated.seated), (1, 1));
    assert_eq!(closed.reseated.moved[0].to, ["B1"]);
    assert_eq!((closed.now.opened_room_days, closed.then.opened_room_days), (4, 3));
    assert!(closed.energy_change_ppm.unwrap() < 0, "{:?}", closed.energy_change_ppm);
    assert_eq!(closed.new_conflicts, []);
    // Both houses' rooms on Monday: nobody sits anywhere, and what is not held costs nothing.
    let none = told(&["close=all@mon"]).unwrap();
    assert_eq!((none.reseated.without, none.then.lessons, none.now.lessons), (3, 1, 4));
    assert_eq!((none.reseated.seats_missing, none.then.student_hours), (103, 28.0));
}

#[test]
fn other_numbers_are_felt_where_they_are_counted() {
    let more = told(&["students=120%"]).unwrap();
    assert_eq!(
        more.new_conflicts.iter().filter(|one| one.kind == "capacity").count(),
        2,
        "{:?}",
        more.new_conflicts
    );
    let staff = |side: &Side| side.staff.clone().unwrap().staff[0].clone();
    // 90 students are four sections of five hours, 108 five.
    assert_eq!((staff(&more.now).hours, staff(&more.then).hours), (20.0, 25.0));
    assert_eq!((staff(&more.now).short, staff(&more.then).short), (0.0, 0.25));
    let fewer = told(&["staff.maths=0.5", "room.B1.capacity=40", "energy_budget=5"]).unwrap();
    assert_eq!(staff(&fewer.then).short, 0.5);
    let kinds: Vec<&str> = fewer.new_conflicts.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, ["capacity", "energy"]);
}

#[test]
fn who_has_no_room_today_takes_none_from_those_who_lose_theirs() {
    // Art on Friday stands in a closed room already. Two lessons of one name and time, of which one lasts longer and so is hit.
    let estate = ESTATE.replace(r#""closures":["#, r#""closures":[{"room":"B1","day":"fri","period":2},"#);
    let week = "day,period,length,lesson,room,students\nfri,1,1,art,A2,28\nfri,1,1,maths,A1,25\nfri,1,2,choir,B1,50\nfri,1,1,choir,B1,50\n";
    let (estate, schedule) = (read_estate(estate.as_bytes()).unwrap(), read_csv(week.as_bytes()).unwrap());
    let present = Present { estate: &estate, schedule: &schedule, energy: None, staffing: None };
    let closed = compare(present, &[Change::parse("close=A1@fri").unwrap()]).unwrap();
    let told = &closed.reseated;
    assert_eq!((told.displaced, told.seated, told.without, told.moved.len()), (1, 0, 1, 1), "{told:?}");
    // Maths alone is not held; art stays where it stood, closed as it was.
    assert_eq!((closed.then.lessons, closed.then.conflicts.get("closed")), (3, Some(&2)));
    // Without the choir's second lesson B1 is free of nobody else, and maths does not find art there.
    let free = read_csv(week.lines().take(3).collect::<Vec<_>>().join("\n").as_bytes()).unwrap();
    let present = Present { schedule: &free, ..present };
    let closed = compare(present, &[Change::parse("close=A1@fri").unwrap()]).unwrap();
    assert_eq!(closed.reseated.moved[0].to, ["B1"], "{closed:?}");
}

#[test]
fn a_spread_lesson_fills_its_rooms_and_none_beyond_its_seats() {
    let estate = ESTATE
        .replace(r#""id":"A2","building":"A","capacity":30"#, r#""id":"A2","building":"A","capacity":22"#);
    let (estate, schedule) = (
        read_estate(estate.as_bytes()).unwrap(),
        read_csv(b"day,period,lesson,room,students\nmon,1,choir,B1,51\n").unwrap(),
    );
    let present = Present { estate: &estate, schedule: &schedule, energy: None, staffing: None };
    let closed = compare(present, &[Change::parse("close=B1").unwrap()]).unwrap();
    // 30 and 22 seats hold 51, halves of 26 would not sit in the smaller.
    assert_eq!((closed.reseated.spread, closed.new_conflicts, closed.then.student_hours), (1, vec![], 51.0));
}

#[test]
fn what_is_set_twice_is_refused() {
    for twice in [
        ["students=110%", "students=90%"],
        ["staff.maths=1", "staff.maths=2"],
        ["energy_budget=1", "energy_budget=1"],
    ] {
        assert!(told(&twice).unwrap_err().to_string().contains("set twice"), "{twice:?}");
    }
    assert!(told(&["close=A1@mon", "close=A2@mon"]).is_ok());
}

#[test]
fn a_plan_and_a_whatif_have_the_same_zones() {
    let building = read_building(OFFICE.as_bytes()).unwrap();
    let text = "Name: t\nCourses: 1\nRooms: 3\nDays: 1\nPeriods_per_day: 2\nCurricula: 0\nConstraints: 0\n\nCOURSES:\nc t 1 1 9\n\nROOMS:\n\
                A1 30\nA2 30\nB1 60\n\nCURRICULA:\n\nUNAVAILABILITY_CONSTRAINTS:\n\nEND.\n";
    let instance = crate::ctt::read(text.as_bytes()).unwrap();
    let estate = read_estate(ESTATE.as_bytes()).unwrap();
    let (own, _) = zones(estate.zoned(), &building).unwrap();
    assert_eq!(crate::plan::zones(&building, &instance).unwrap(), own);
    assert!(own.zones.iter().all(|zone| zone.airing.per_person.is_some() && zone.idle_load.is_some()));
    assert!(own.zones.iter().all(|zone| zone.set_back == SetBack::CLASSES));
    // What a district says of its building stays.
    let said = OFFICE.replacen("\"ach_vent\"", "\"t_setback_heating\":16,\"ach_vent\"", 1);
    let (own, _) = zones(estate.zoned(), &read_building(said.as_bytes()).unwrap()).unwrap();
    assert!(own.zones.iter().all(|zone| zone.set_back.heat_below == Some(16_000_000)));
}

#[test]
fn hours_of_zones_stay_with_their_zones() {
    // A hall without a room stands first, and it is warm there; the rooms name their zones in another order.
    let two = OFFICE.replacen('{', r#"{"zones":[{"id":"hall"},{"id":"north"},{"id":"south"}],"#, 1);
    let building = read_building(two.as_bytes()).unwrap();
    let hours: String = (0..24 * 7).map(|_| "hall,30,0,0\nnorth,-10,0,0\nsouth,21,0,0\n").collect();
    let inputs =
        read_inputs(format!("zone,t_out_c,internal_gains_w,solar_gains_w\n{hours}").as_bytes(), &building);
    let (own, of) = zones([("S", Some("south")), ("N", Some("north"))], &building).unwrap();
    let year = crate::energy::simulate::run_inputs(&own, &inputs.unwrap());
    let heated = |room: &str| year.sums_of(&own, of[room]).heating;
    assert_eq!((own.zones.len(), heated("S")), (2, 0));
    assert!(heated("N") > 0);
}

#[test]
fn every_name_is_read_and_nothing_else() {
    for text in [
        "close=A1",
        "close=building:A@mon,1",
        "room.A.1.capacity=3",
        "students=0%",
        "staff.a b=1.5",
        "energy_budget=3",
    ] {
        assert!(Change::parse(text).is_ok(), "{text}");
    }
    for text in [
        "",
        "close",
        "close=",
        "room.A1.seats=3",
        "room.A1.capacity=x",
        "students=5",
        "students=1001%",
        "staff.a=x",
        "energy_budget=-1",
    ] {
        assert!(Change::parse(text).unwrap_err().to_string().contains("it is not a change"), "{text}");
    }
    assert!(told(&["room.Z.capacity=1"]).unwrap_err().to_string().contains("no such room"));
    assert!(told(&["staff.art=1"]).unwrap_err().to_string().contains("no such subject"));
}
