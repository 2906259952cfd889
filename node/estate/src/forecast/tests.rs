use super::*;

fn run(text: &str, periods: u32) -> Vec<Forecast> {
    forecast(&read_history(text.as_bytes()).unwrap(), periods)
}

#[test]
fn one_history_goes_on_within_its_interval() {
    let rows: String = (2000..2020).map(|year| format!("{year},{}\n", 400 + (year % 5) * 6)).collect();
    let all = run(&format!("period,value\n{rows}"), 3);
    assert_eq!(all.iter().map(|f| f.period.as_str()).collect::<Vec<_>>(), ["2020", "2021", "2022"]);
    assert!(
        all.iter().all(|f| f.low < f.point && f.point < f.high && f.low > 300.0 && f.high < 520.0),
        "{all:?}"
    );
    assert!(all[2].high - all[2].low > all[0].high - all[0].low, "further is less certain");
    let csv = to_csv(&read_history(format!("period,value\n{rows}").as_bytes()).unwrap(), &all);
    assert_eq!((csv.lines().count(), csv.lines().next().unwrap()), (4, "period,point,low,high"));
}

#[test]
fn a_class_follows_the_one_below() {
    let mut text = String::from("series,grade,year,enrol\n");
    for school in 0..12 {
        for year in 2010..2016i64 {
            for grade in 1..=4i64 {
                // The cohort that enters in a year, nine in ten of which go on each year.
                let cohort = 60 + ((year - grade + school) * 37).rem_euclid(41);
                text += &format!(
                    "s{school},{grade},{year},{}\n",
                    (cohort as f64 * 0.9f64.powi(grade as i32)).round()
                );
            }
        }
    }
    let all = run(&text, 1);
    for forecast in all.iter().filter(|f| f.key.grade > Some(1)) {
        let (school, grade) = (forecast.key.series[1..].parse::<i64>().unwrap(), forecast.key.grade.unwrap());
        let truth = (60 + ((2016 - grade + school) * 37).rem_euclid(41)) as f64 * 0.9f64.powi(grade as i32);
        assert!((forecast.point / truth - 1.0).abs() < 0.04, "{forecast:?} {truth}");
    }
}

#[test]
fn rows_that_are_added_up_are_counted_and_columns_left_aside_are_named() {
    let history =
        read_history(b"year,value,lunch,grade\n2001,5,0,1\n2001,7,1,1\n2001,1,1,2\n2002,9,1,1\n").unwrap();
    assert_eq!((history.summed, history.unused.as_slice()), (1, ["lunch".to_owned()].as_slice()));
    let once = read_history(b"school,year,enrol\na,2001,5\nb,2001,7\n").unwrap();
    assert_eq!((once.summed, once.unused.len()), (0, 0));
}

#[test]
fn a_school_is_its_number_within_its_district() {
    let text = "distid,schid,year,enrol\n1,1,2001,5\n1,2,2001,7\n2,1,2001,9\n";
    let names = |text: &str| -> Vec<String> {
        let history = read_history(text.as_bytes()).unwrap();
        assert_eq!(history.summed, 0);
        history.cells.keys().map(|key| key.series.clone()).collect()
    };
    assert_eq!(names(text), ["1-1", "1-2", "2-1"]);
    assert_eq!(names("schid,year,enrol\n4,2001,5\n6,2001,7\n"), ["4", "6"]);
    // A series that is named is one whatever ids stand beside it.
    let named = read_history(text.replace("distid", "school").as_bytes()).unwrap();
    assert_eq!(
        (named.cells.len(), named.summed, named.unused.as_slice()),
        (2, 1, ["schid".to_owned()].as_slice())
    );
}

#[test]
fn months_keep_their_season_and_labels() {
    let value = |month: i64| if month % 12 == 7 { 20 } else { 100 + month % 12 };
    let rows: String =
        (24_000..24_060).map(|m: i64| format!("{:04}-{:02},{}\n", m / 12, m % 12 + 1, value(m))).collect();
    let all = run(&format!("period,requests\n{rows}"), 12);
    assert_eq!((all[0].period.as_str(), all[7].period.as_str()), ("2005-01", "2005-08"));
    assert!(all[7].point < 25.0 && all[6].point > 95.0, "{all:?}");
    assert_eq!(run("period,value\n2019-20,5\n2020-21,6\n", 1)[0].period, "2021-22");
}

#[test]
fn faults_are_said() {
    let refused = |text: &str| read_history(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        refused("year,seats\n1,2\n"),
        "header: there is no column \"value\" or \"enrol\" or \"enrolment\" or \"enrollment\" or \"requests\" or \"count\"; there are year, seats"
    );
    assert_eq!(refused("year,value\n1,-2\n"), "row 1: the value is a number from 0");
    assert_eq!(refused("year,value\n2001,2\nx,3\n"), "row 2: the period is not written as the others");
    assert_eq!(refused("year,value\n2001,\n"), "file: it has no value");
}

/// The last year of Michigan's schools, where the file is at hand: four in five within their interval, told all schools
/// at once and told each school alone.
#[test]
fn four_in_five_of_held_enrolments_are_within() {
    use std::collections::BTreeMap;
    use std::io::Read;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/michigan/school93_98.csv.gz");
    let Ok(zipped) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not here", path.display());
        return;
    };
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(&zipped[..]).read_to_end(&mut bytes).unwrap();
    let table = crate::table::Table::read(&bytes).unwrap();
    let [district, school, year, enrol] =
        ["distid", "schid", "year", "enrol"].map(|name| table.column(name).unwrap());
    let (mut known, mut held) = (BTreeMap::<String, String>::new(), BTreeMap::new());
    for row in table.rows() {
        let name = format!("{}-{}", row[district], row[school]);
        if row[year] == "1998" {
            held.insert(name, row[enrol].parse::<f64>());
        } else {
            known
                .entry(name.clone())
                .or_default()
                .push_str(&format!("{name},{},{}\n", row[year], row[enrol]));
        }
    }
    let all = format!("school,year,enrol\n{}", known.values().cloned().collect::<String>());
    let alone = known.values().flat_map(|rows| {
        read_history(format!("school,year,enrol\n{rows}").as_bytes())
            .map_or(Vec::new(), |history| forecast(&history, 1))
    });
    for (kind, forecasts) in [("together", run(&all, 1)), ("alone", alone.collect())] {
        let judged = forecasts
            .iter()
            .filter(|f| f.period == "1998")
            .filter_map(|f| Some((f, held.get(&f.key.series)?.clone().ok()?)));
        let judged: Vec<(&Forecast, f64)> = judged.collect();
        let within = judged.iter().filter(|(f, truth)| f.low <= *truth && *truth <= f.high).count();
        let share = within as f64 / judged.len() as f64;
        println!("{kind}: {within} of {} within, {share:.3}", judged.len());
        assert!(judged.len() > 1600 && (0.76..0.86).contains(&share), "{kind}: {share}");
    }
}
