use super::calendar::{easter, holiday, weekday};
use super::*;

fn day(text: &str) -> i64 {
    Date::read(text).unwrap().number()
}

#[test]
fn dates_and_holidays_are_those_of_the_calendar() {
    assert_eq!((day("1970-01-01"), weekday(day("1970-01-01")), weekday(day("2017-01-02"))), (0, 3, 0));
    assert_eq!(Date::of(day("2016-02-29")), Date { year: 2016, month: 2, day: 29 });
    for (year, expected) in
        [(2015, "2015-04-05"), (2016, "2016-03-27"), (2017, "2017-04-16"), (2026, "2026-04-05")]
    {
        assert_eq!(easter(year), day(expected));
    }
    let of_year = |year: i32| -> Vec<String> {
        let first = Date { year, month: 1, day: 1 }.number();
        let days = (first..first + 365).filter(|day| holiday(*day)).map(Date::of);
        days.map(|date| format!("{:02}-{:02}", date.month, date.day)).collect()
    };
    let expected = ["01-01", "01-02", "04-14", "04-17", "05-01", "05-29", "08-28", "12-25", "12-26"];
    assert_eq!(of_year(2017), expected, "New Year 2017 was a Sunday");
    for wrong in ["2017-02-29", "2017-13-01", "17-1-1", "", "2017-01", "99999999999-01-01"] {
        assert!(Date::read(wrong).is_err(), "{wrong}");
    }
}

/// Two years of a school that is warm by day and in term, colder weather using more.
fn invented(noise: bool) -> (String, String) {
    let (mut meter, mut weather) =
        (String::from("datetime,kWh\n"), String::from("datetime,air_temperature [degC]\n"));
    let mut random = crate::random::Random::new(4);
    for number in day("2015-01-01") * 24..day("2017-01-01") * 24 {
        let (date, hour) = (Date::of(number / 24), number % 24);
        let when = format!("{}-{:02}-{:02} {hour:02}:00:00", date.year, date.month, date.day);
        let air = 10.0 - 8.0 * ((number / 24 % 365) as f64 / 58.1).cos() + f64::from(random.below(60)) / 10.0;
        let open = weekday(number / 24) < 5 && (8..17).contains(&hour) && date.month != 8;
        let jitter = if noise { f64::from(random.below(100)) / 50.0 } else { 1.0 };
        let value = 10.0 + if open { 40.0 } else { 0.0 } + (15.0 - air).max(0.0) + jitter;
        weather += &format!("{when},{air}\n");
        meter += &format!("{when},{}\n", if number % 1000 == 7 { 0.0 } else { value });
    }
    (meter, weather)
}

#[test]
fn a_school_year_is_expected_from_the_one_before() {
    let (meter, weather) = invented(true);
    let meter = read_meter(meter.as_bytes()).unwrap();
    assert_eq!((meter.left_out, meter.readings.len()), (18, 731 * 24 - 18));
    let judged =
        judge(&meter, &read_weather(weather.as_bytes()).unwrap(), Date::read("2015-12-31").unwrap()).unwrap();
    assert!(judged.cv_rmse < 0.15 && judged.nmbe.abs() < 0.03, "{} {}", judged.cv_rmse, judged.nmbe);
    assert!(judged.expected.len() > 8700);
}

#[test]
fn nothing_after_the_training_is_looked_at() {
    let (meter, weather) = invented(false);
    let weather = read_weather(weather.as_bytes()).unwrap();
    let until = Date::read("2015-12-31").unwrap();
    let mut meter = read_meter(meter.as_bytes()).unwrap();
    let before = judge(&meter, &weather, until).unwrap();
    meter
        .readings
        .iter_mut()
        .filter(|reading| reading.moment >= (until.number() + 1) * 24)
        .for_each(|r| r.value *= 3.0);
    let after = judge(&meter, &weather, until).unwrap();
    assert!(before.expected.iter().zip(&after.expected).all(|(a, b)| a.1 == b.1));
}

#[test]
fn faults_are_said() {
    let meter = |text: &str| read_meter(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(meter("datetime,kWh\n2017-01-01 00:00,x\n"), "row 1: \"x\" is not a number");
    assert!(meter("datetime,kWh\n2017-01-41 00:00,1\n").starts_with("row 1: "));
    assert_eq!(meter("datetime,kWh\n2017-01-01 00:00,0\n"), "file: it has no reading above 0");
    let few = read_meter(b"datetime,kWh\n2017-01-01 00:00,1\n").unwrap();
    let error = judge(&few, &Weather::default(), Date::read("2017-01-01").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "meter: 1 readings to fit to; four weeks are needed");
    assert!(read_weather(b"datetime,rain\n").is_err());
}

/// The bars of the Cambridge archive's two buildings, where the files are at hand.
#[test]
fn the_archive_s_buildings_are_expected_better_than_by_their_profiles() {
    use std::io::Read;
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/buildings/cambridge");
    let files = |names: &[String]| -> Option<Vec<u8>> {
        let mut all = Vec::new();
        for name in names {
            let zipped = std::fs::read(folder.join(name)).ok()?;
            flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut all).ok()?;
        }
        Some(all)
    };
    let named = |kind: &str, years: std::ops::RangeInclusive<u32>| {
        years.map(|y| format!("{kind}{y}.csv.gz")).collect::<Vec<_>>()
    };
    let Some(weather) = files(&named("weather-", 2015..=2017)) else {
        eprintln!("skipped: {} is not here", folder.display());
        return;
    };
    let weather = read_weather(&weather).unwrap();
    for (building, first, bar) in [("b0", 2015, 0.136), ("b1", 2016, 0.263)] {
        let meter = files(&named(&format!("UCam_Building_{building}-electricity-"), first..=2017)).unwrap();
        let judged =
            judge(&read_meter(&meter).unwrap(), &weather, Date::read("2016-12-31").unwrap()).unwrap();
        println!("{building}: CV(RMSE) {:.4}, NMBE {:.4}", judged.cv_rmse, judged.nmbe);
        assert!(judged.cv_rmse < bar, "{building}: {}", judged.cv_rmse);
        // The second one used less in its last year than in the only one before, which no calendar tells.
        let most = if building == "b0" { 0.05 } else { 0.1 };
        assert!(judged.nmbe.abs() < most, "{building}: {}", judged.nmbe);
    }
}
