use std::io::Read;
use std::path::Path;

use super::schedule::Schedule;
use super::simulate::{run_inputs, run_weather};
use super::weather::read_epw;
use super::*;

const OFFICE: &str = r#"{"coupling":"simple","params":{"window_area":4.0,"walls_area":11.0,"floor_area":35.0,
 "room_vol":105,"total_internal_area":142.0,"lighting_load":11.7,"u_walls":0.2,"u_windows":1.1,"ach_vent":1.5,
 "ach_infl":0.5,"ventilation_efficiency":0.6,"thermal_capacitance_per_floor_area":165000,"t_set_heating":20.0,
 "t_set_cooling":26.0,"max_cooling_energy_per_floor_area":null,"max_heating_energy_per_floor_area":null}}"#;

/// The reference's year, where it is at hand: every hour within 1 W and 0.05 K.
#[test]
fn the_office_year_is_the_reference_s() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/buildings/rc5r1c");
    let Ok(zipped) = std::fs::read(folder.join("office.csv.gz")) else {
        eprintln!("skipped: {} is not here", folder.display());
        return;
    };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut bytes).unwrap();
    let building = read_building(OFFICE.as_bytes()).unwrap();
    let year = run_inputs(&building, &read_inputs(&bytes, &building).unwrap());
    let table = crate::table::Table::read(&bytes).unwrap();
    assert_eq!((year.hours, table.rows().len()), (8760, 8760));
    for (row, hour) in table.rows().iter().zip(&year.steps) {
        let near = |column: &str, ours: i64, unit: f64, most: f64| {
            let theirs: f64 = row[table.column(column).unwrap()].parse().unwrap();
            assert!((ours as f64 / unit - theirs).abs() <= most, "{column} {row:?} {hour:?}");
        };
        near("heating_demand_w", hour.step.demand.max(0), 1e3, 0.01);
        near("cooling_demand_w", hour.step.demand.min(0), 1e3, 0.01);
        near("t_air_c", hour.step.air, 1e6, 0.0005);
        near("t_m_next_c", hour.step.mass, 1e6, 0.0005);
    }
    let sums = year.sums(&building);
    assert!(
        (sums.heating as f64 / 1e6 - 623.0606).abs() < 0.01
            && (sums.cooling as f64 / 1e6 + 1752.4993).abs() < 0.01
    );
}

/// By hand, with ISO's coupling: at rest the mass, the air and the demand answer to the steady balance.
#[test]
fn a_steady_hour_balances() {
    let building = read_building(OFFICE.replace("\"coupling\":\"simple\",", "").as_bytes()).unwrap();
    let rows = "0,100,0\n".repeat(2000);
    let inputs =
        read_inputs(format!("t_out_c,internal_gains_w,solar_gains_w\n{rows}").as_bytes(), &building).unwrap();
    let year = run_inputs(&building, &inputs);
    let last = year.steps[1999].step;
    assert_eq!(last.air, 20_000_000);
    assert!((last.mass - year.steps[1998].step.mass).abs() <= 1);
    // Losses: windows 4.4 and walls from surface and mass, air 38.5 W/K from 20 °C: between both bounds.
    let watts = last.demand as f64 / 1e3 + 100.0;
    assert!(watts < 20.0 * (38.5 + 4.4 + 2.21) && watts > 19.0 * (38.5 + 4.4 + 2.2), "{watts}");
    // ISO: heat through the walls is that of U·A in all, so the mass loses 2.2 W/K × its temperature, 1/h_ms apart.
    let simple = read_building(OFFICE.as_bytes()).unwrap();
    let other = run_inputs(&simple, &inputs).steps[1999].step;
    assert!(other.demand < last.demand, "ISO's coupling loses a little more");
}

#[test]
fn limits_hold_and_the_air_then_misses_its_set_point() {
    let limited = OFFICE
        .replace("\"max_heating_energy_per_floor_area\":null", "\"max_heating_energy_per_floor_area\":2");
    let building = read_building(limited.as_bytes()).unwrap();
    let inputs = read_inputs(b"t_out_c,internal_gains_w,solar_gains_w\n-10,0,0\n", &building).unwrap();
    let step = run_inputs(&building, &inputs).steps[0].step;
    assert_eq!(step.demand, 70_000);
    assert!(step.air < 20_000_000);
}

fn epw() -> String {
    let mut text = String::from("LOCATION,Test,-,CHE,x,0,47.38,8.54,1.0,400\n");
    text += &"A,0\n".repeat(6);
    text += "DATA PERIODS,1,1,Data,Tuesday, 1/ 1,12/31\n";
    for hour in 0..8760 {
        let light = if (8..17).contains(&(hour % 24)) { 200 } else { 0 };
        text += &format!(
            "2013,1,1,{},60,x,{}.5,0,50,1,0,0,0,{light},{light},50\n",
            hour % 24 + 1,
            hour / 24 % 20
        );
    }
    text
}

#[test]
fn a_closed_day_needs_less() {
    let building = read_building(OFFICE.as_bytes()).unwrap();
    let weather = read_epw(epw().as_bytes()).unwrap();
    assert_eq!((weather.first_weekday, weather.hours.len()), (1, 8760));
    assert_eq!(read_epw(format!("\u{feff}{}", epw()).as_bytes()).unwrap(), weather, "a mark of its encoding");
    let plan = |days: &[&str]| {
        let rows: String = days.iter().map(|day| format!("0,{day},08:00,12:30,2\n")).collect();
        let schedule =
            Schedule::read(format!("zone,day,start,end,people\n{rows}").as_bytes(), &["0"]).unwrap();
        run_weather(&building, &weather, Some(&schedule)).sums(&building)
    };
    let (week, short) = (plan(&["mon", "tue", "wed", "thu", "fri"]), plan(&["mon", "tue", "wed", "thu"]));
    assert!(short.heating < week.heating && short.electricity < week.electricity);
    // 52 weeks and a Tuesday of 4.5 hours at 11.7 W/m².
    assert_eq!(week.electricity / 1_000_000, (261 * 9 * 409 + 261 * 9 / 2) / 2 / 1000);
}

#[test]
fn a_by_pass_cools_with_outdoor_air_and_a_closed_zone_is_not_aired() {
    let weather = read_epw(epw().as_bytes()).unwrap();
    let rows = "zone,day,start,end,people\n0,mon,08:00,12:00,20\n0,wed,08:00,15:00,20\n";
    let schedule = Schedule::read(rows.as_bytes(), &["0"]).unwrap();
    let year = |params: &str| {
        let text = OFFICE.replace("\"ach_vent\"", &format!("{params}\"ach_vent\""));
        let building = read_building(text.as_bytes()).unwrap();
        let year = run_weather(&building, &weather, Some(&schedule));
        (year.sums(&building), year)
    };
    let (plain, _) = year("");
    // What is said of it as the plain form has it changes no bit.
    let same = year("\"fresh_air_per_person\":0,\"ventilation_set_back\":1,\"bypass\":false,");
    assert_eq!(same.0, plain);
    let (passed, _) = year("\"bypass\":true,");
    assert!(-passed.cooling < -plain.cooling && passed.heating <= plain.heating + 1_000_000, "{passed:?}");
    // Where the by-pass alone suffices, the air is at its set point and nothing is cooled.
    let (_, hours) = year("\"bypass\":true,\"fresh_air_per_person\":7,");
    let open = hours.steps.iter().filter(|hour| hour.step.demand == 0 && hour.step.air == 26_000_000);
    assert!(open.count() > 10);
    let (closed, _) = year("\"ventilation_set_back\":0,");
    assert!(closed.heating < plain.heating, "{closed:?} {plain:?}");
    // Twenty people want 140 l/s, more than three times the room's own air.
    let (aired, _) = year("\"fresh_air_per_person\":7,");
    assert!(aired.heating > plain.heating && -aired.cooling < -plain.cooling, "{aired:?} {plain:?}");
}

#[test]
fn a_by_pass_airs_a_zone_without_cooling() {
    let weather = read_epw(epw().as_bytes()).unwrap();
    let schedule = Schedule::read(b"zone,day,start,end,people\n0,tue,08:00,12:00,30\n", &["0"]).unwrap();
    let year = |params: &str, cooling: &str| {
        let text = OFFICE.replace("\"ach_vent\"", &format!("{params}\"ach_vent\"")).replace(
            "\"max_cooling_energy_per_floor_area\":null",
            &format!("\"max_cooling_energy_per_floor_area\":{cooling}"),
        );
        let building = read_building(text.as_bytes()).unwrap();
        let warm = heat::warmth(&building, &weather, Some(&schedule), 26_000_000, false).remove(0);
        (warm, run_weather(&building, &weather, Some(&schedule)))
    };
    let air = "\"fresh_air_per_person\":7,";
    let (kept, _) = year(air, "null");
    let (passed, _) = year(&format!("{air}\"bypass\":true,"), "null");
    assert!(
        passed.degree_hours < 0.5 * kept.degree_hours && passed.warmest_c < kept.warmest_c,
        "{passed:?} {kept:?}"
    );
    // None of it is below the upper set point for the by-pass's sake, and where it suffices the air is just there.
    let (_, hours) = year(&format!("{air}\"bypass\":true,"), "0");
    let held = hours.steps.iter().filter(|hour| hour.step.air == 26_000_000 && hour.step.demand == 0);
    assert!(held.count() > 10);
    assert!(hours.steps.iter().all(|hour| hour.step.demand >= 0));
}

#[test]
fn degree_hours_are_those_of_open_hours_without_cooling() {
    let building = read_building(OFFICE.as_bytes()).unwrap();
    let weather = read_epw(epw().as_bytes()).unwrap();
    let schedule = Schedule::read(b"zone,day,start,end,people\n0,tue,08:00,12:00,30\n", &["0"]).unwrap();
    let cooled = heat::warmth(&building, &weather, Some(&schedule), 26_000_000, true);
    assert_eq!((cooled[0].hours_over, cooled[0].degree_hours), (0, 0.0));
    let warm = &heat::warmth(&building, &weather, Some(&schedule), 26_000_000, false)[0];
    assert!(warm.hours_over > 0 && warm.hours_over <= 53 * 5, "{warm:?}");
    assert!(warm.degree_hours > 0.0 && warm.warmest_c > 26.0, "{warm:?}");
    let lower = &heat::warmth(&building, &weather, Some(&schedule), 25_000_000, false)[0];
    assert!(lower.degree_hours >= warm.degree_hours + f64::from(warm.hours_over));
}

#[test]
fn faults_are_said() {
    let refused = |text: &str| read_building(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(refused(&OFFICE.replace("\"floor_area\":35.0,", "")), "params: floor_area is missing");
    assert_eq!(
        refused(&OFFICE.replace("0.6", "1.6")),
        "params.ventilation_efficiency: it is a number from 0 to 1"
    );
    assert_eq!(refused(&OFFICE.replace("simple", "tight")), "coupling: it is \"iso\" or \"simple\"");
    assert!(refused(&OFFICE.replace("142.0", "50.0")).contains("do not allow the method"));
    assert!(refused("{").starts_with("JSON: "));
    let short = epw().lines().take(100).collect::<Vec<_>>().join("\n");
    assert_eq!(
        read_epw(short.as_bytes()).unwrap_err().to_string(),
        "end of file: 92 hours; a year has 8760 or 8784"
    );
    assert_eq!(read_epw(b"hello").unwrap_err().to_string(), "line 1: EPW has LOCATION here");
    let building = read_building(OFFICE.as_bytes()).unwrap();
    let inputs = |text: &str| read_inputs(text.as_bytes(), &building).unwrap_err().to_string();
    assert!(
        inputs("t_out_c,internal_gains_w\n1,2\n").starts_with("header: there is no column \"solar_gains_w\"")
    );
    assert!(
        inputs("t_out_c,internal_gains_w,solar_gains_w\n1,x,3\n")
            .starts_with("row 1: internal_gains_w is a number")
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(cut in 0usize..1000, at in 0usize..1000, byte: u8, junk: Vec<u8>) {
        for text in [OFFICE.to_owned(), epw().lines().take(10).collect::<Vec<_>>().join("\n")] {
            let mut bytes = text.into_bytes();
            let place = at % bytes.len();
            bytes[place] = byte;
            bytes.truncate(cut);
            let _ = (read_building(&bytes), read_epw(&bytes));
        }
        let building = read_building(OFFICE.as_bytes()).unwrap();
        let _ = (read_building(&junk), read_epw(&junk), read_inputs(&junk, &building), Schedule::read(&junk, &["0"]));
    }
}
