use super::*;
use crate::random::Random;

/// Pumps that fail the day after two alarms within a week, and otherwise seldom.
fn log() -> String {
    let mut text = String::from("equipment,time,kind\n");
    let mut random = Random::new(9);
    for machine in 0..40 {
        let (mut alarms, mut fails) = (Vec::<i64>::new(), false);
        for day in 0..300i64 {
            let date = crate::fit::Date::of(17_000 + day);
            let when = format!("{}-{:02}-{:02} 08:00", date.year, date.month, date.day);
            let mut event = |kind: &str| text.push_str(&format!("pump {machine},{when},{kind}\n"));
            if day % 30 == 0 {
                event("inspection");
            }
            if fails {
                event("failure");
                alarms.clear();
            }
            if random.below(18) == 0 {
                event("alarm");
                alarms.push(day);
            }
            let near = alarms.iter().filter(|alarm| day - **alarm < 7).count();
            fails = (near >= 2 && random.below(10) < 7) || random.below(400) == 0;
        }
    }
    text
}

#[test]
fn what_a_log_tells_is_found_and_said() {
    let read = read_rows(log().as_bytes()).unwrap();
    let rows = &read.known;
    assert!(rows.columns.contains(&"alarm in 7 d".to_owned()), "{:?}", rows.columns);
    let judged = judge(rows).unwrap();
    assert!(
        judged.auc.0 > 0.85 && judged.average_precision.0 > 0.4,
        "{:?} {:?}",
        judged.auc,
        judged.average_precision
    );
    assert!(judged.importance_ppm[0].0.starts_with("alarm"), "{:?}", judged.importance_ppm);
    assert_eq!(judge(rows).unwrap(), judged, "the same rows give the same trees");
    let highest = (0..judged.trees.len()).max_by_key(|row| judged.trees[*row]).unwrap();
    assert!(judged.reasons[highest].starts_with("alarm"), "{}", judged.reasons[highest]);
    assert_eq!(to_csv(&read, &judged, &[]).lines().count(), rows.failed.len() + 1);
}

#[test]
fn the_logs_last_day_is_told_ahead_of_machines_that_were_heard_of_lately_and_are_not_removed() {
    // Pump 0 is not heard of after a fifth of the log, pump 1 not in its last weeks, and pump 2 is removed days before its end.
    let ends = [("pump 0,", "2016-09-18"), ("pump 1,", "2017-04-25"), ("pump 2,", "2017-05-05")];
    let kept = |line: &&str| {
        ends.iter().all(|(pump, end)| line.strip_prefix(pump).is_none_or(|rest| rest[..10] < **end))
    };
    let mut text: String = log().lines().filter(kept).map(|line| format!("{line}\n")).collect();
    text += "pump 2,2017-05-05 08:00,removed\n";
    let read = read_rows(text.as_bytes()).unwrap();
    let last = *read.ahead.moments.first().unwrap();
    let is_told = |pump: &str| read.ahead.names.iter().any(|name| name.starts_with(pump));
    assert_eq!((read.ahead.names.len(), read.ahead.failed.len()), (38, 38));
    assert!(!is_told("pump 0 ") && is_told("pump 1 ") && !is_told("pump 2 "), "{:?}", read.ahead.names);
    assert!(read.ahead.moments.iter().all(|day| *day == last));
    assert!(read.known.columns.iter().all(|column| !column.contains("removed")), "{:?}", read.known.columns);
    // Nobody says of a machine that it did not fail after its last event.
    let newest = |pump: &str| {
        let own = read.known.names.iter().zip(&read.known.moments).filter(|(name, _)| name.starts_with(pump));
        own.map(|(_, day)| *day).max().unwrap()
    };
    assert!(newest("pump 0 ") < last - 200, "{}", newest("pump 0 "));
    assert!(newest("pump 1 ") < last - 15 && newest("pump 2 ") < last - 5);
    let (judged, told) = judge_and_tell(&read.known, &read.ahead, &SHARP).unwrap();
    let csv = to_csv(&read, &judged, &told);
    let lines: Vec<&str> = csv.lines().skip(1 + read.known.names.len()).collect();
    assert_eq!((told.len(), lines.len()), (38, 38));
    assert!(lines.iter().all(|line| line.split(',').nth(1) == Some("")), "{lines:?}");
    assert!(told.iter().all(|told| (0..=crate::trees::ONE).contains(&told.trees)), "{told:?}");
}

#[test]
fn machines_that_are_long_gone_do_not_fill_a_long_log() {
    // Counted to the log's end, 1,100 machines over 2,000 days would be more than may be read.
    let mut text = String::from("equipment,time,kind\n");
    for machine in 0..1_100 {
        text += &format!("old {machine},2015-01-01,inspection\n");
    }
    text += "pump,2015-01-01,inspection\npump,2020-06-23,failure\n";
    let read = read_rows(text.as_bytes()).unwrap();
    assert_eq!(
        (read.known.names.len(), read.known.failed.iter().filter(|failed| **failed).count()),
        (2_000, 1)
    );
    assert_eq!(read.ahead.names, ["pump 2020-06-23"]);
}

#[test]
fn a_row_without_an_answer_is_one_to_come() {
    let rows: String =
        (0..200u32).map(|row| format!("{},{}\n", 20 + row % 7, u32::from(row % 7 == 6))).collect();
    let read = read_rows(format!("heat,failure\n{rows}26,\n20,\n").as_bytes()).unwrap();
    assert_eq!(
        (read.known.failed.len(), read.ahead.names.as_slice()),
        (200, ["201".to_owned(), "202".to_owned()].as_slice())
    );
    let told = judge_and_tell(&read.known, &read.ahead, &SHARP).unwrap().1;
    assert!(told[0].trees > 4 * told[1].trees && told[0].reason == "heat 26", "{told:?}");
}

#[test]
fn an_answer_in_other_words_is_left_out() {
    let mut text = String::from("id,heat,type,broke,failure\n");
    for row in 0..200u32 {
        let failed = u32::from(row % 7 == 0);
        text += &format!(
            "{row},{},{},{},{failed}\n",
            20 + row % 7,
            ["a", "b"][row as usize % 2],
            failed * u32::from(row % 2 == 0)
        );
    }
    let rows = read_rows(text.as_bytes()).unwrap().known;
    assert_eq!(rows.columns, ["heat", "type=a", "type=b"]);
    assert_eq!(rows.left_out, ["id", "broke"]);
    assert!(judge(&rows).unwrap().auc.0 > 0.99);
}

#[test]
fn faults_are_said() {
    let refused = |text: &str| read_rows(text.as_bytes()).unwrap_err().to_string();
    assert!(refused("a,b\n1,2\n").starts_with("header: there is neither an answer"));
    assert_eq!(refused("a,failure\n1,2\n"), "row 1: the answer is 0 or 1");
    assert!(refused("equipment,time,kind\nx,2020,alarm\n").starts_with("row 1: "));
    assert_eq!(refused("equipment,time,kind\nx,2020-01-01,alarm\n"), "kind: no event is a \"failure\"");
    let few = read_rows(b"a,failure\n1,1\n2,0\n").unwrap().known;
    assert!(judge(&few).unwrap_err().to_string().starts_with("file: 1 failures in 2 rows"));
}

/// AI4I 2020, where it is at hand: the trees see what the line cannot.
#[test]
fn trees_are_ahead_of_the_line_on_ai4i() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../../shared/data/forecasts/ai4i2020.csv");
    let Ok(bytes) = std::fs::read(&path) else {
        eprintln!("skipped: {} is not here", path.display());
        return;
    };
    let rows = read_rows(&bytes).unwrap().known;
    assert_eq!(rows.left_out, ["UID", "Product ID", "TWF", "HDF", "PWF", "OSF", "RNF"]);
    let judged = judge(&rows).unwrap();
    println!("AI4I: AUC {:?}, AP {:?}, Brier {:?}", judged.auc, judged.average_precision, judged.brier);
    assert!(
        judged.auc.0 > 0.95 && judged.auc.0 > judged.auc.1 && judged.brier.0 < judged.brier.1,
        "{judged:?}"
    );
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(junk: Vec<u8>, text in "[a-z,\n0-9\"-]{0,200}") {
        let _ = read_rows(&junk);
        let _ = read_rows(format!("equipment,time,kind\n{text}").as_bytes());
        if let Ok(history) = crate::forecast::read_history(format!("period,value\n{text}").as_bytes()) {
            let _ = crate::forecast::forecast(&history, 3);
        }
        let _ = (crate::fit::read_meter(&junk), crate::fit::read_weather(text.as_bytes()));
    }
}
