use super::*;
use crate::check::estate::read_estate;
use crate::check::table::read_csv;
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
