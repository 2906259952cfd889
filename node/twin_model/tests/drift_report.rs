//! The drift report finds a change of times, names the slice, and hides small cells.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use aula_twin_model::drift::{self, FIFTHS};
use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names, Reading};

/// Students of two terms; in the second one, `fall` of the answers that would be right are wrong.
fn drawn(students: std::ops::Range<u64>, fall: f64) -> String {
    let mut body = "student,seq,item,skills,correct,term\n".to_owned();
    for student in students {
        let mut seed = student.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
        let mut uniform = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((seed >> 11) as f64) / (1_u64 << 53) as f64
        };
        uniform();
        let ability = 2.0 * uniform() - 1.0;
        let second = student % 2 == 1;
        for seq in 0..30 {
            let item = (uniform() * 20.0) as u64;
            let p = 1.0 / (1.0 + (-(ability + 0.5 - (item as f64 - 10.0) / 6.0)).exp());
            let p = if second { p * (1.0 - fall) } else { p };
            let correct = u8::from(uniform() < p);
            let term = if second { "spring" } else { "autumn" };
            let _ = writeln!(body, "s{student},{seq},i{item},k{},{correct},{term}", item % 4);
        }
    }
    body
}

fn report(fall: f64) -> drift::Report {
    let mut names = Names::default();
    let train = Log::parse(drawn(0..300, 0.0).as_bytes(), Path::new("train"), &mut names).unwrap();
    let model = fit(&train, &names).model;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log.csv");
    std::fs::write(&path, drawn(1_000..1_200, fall)).unwrap();
    let labels = ["term".to_owned()];
    let log = Log::read_some(&path, &mut names, Reading { labels: &labels, ..Reading::ALL }).unwrap();
    let school: BTreeMap<String, String> = (1_000..1_200)
        .map(|n| {
            (
                format!("s{n}"),
                if n < 1_005 {
                    "tiny"
                } else if n < 1_100 {
                    "north"
                } else {
                    "south"
                }
                .to_owned(),
            )
        })
        .collect();
    let schools = drift::of_students(&log, "school", &school);
    drift::report(&model, &log, &[schools])
}

fn gap(report: &drift::Report, group: &str, value: &str) -> Option<f64> {
    let slice = report.slices.iter().find(|s| s.group == group && s.value == value).unwrap();
    slice.numbers.as_ref().map(|n| n.calibration_gap)
}

#[test]
fn a_fall_in_one_term_shows_in_that_term() {
    let (steady, fallen) = (report(0.0), report(0.4));
    assert!(gap(&steady, "term", "spring").unwrap().abs() < 0.05, "{:?}", gap(&steady, "term", "spring"));
    assert!(gap(&fallen, "term", "spring").unwrap() > 0.05, "{:?}", gap(&fallen, "term", "spring"));
    assert!(gap(&fallen, "term", "autumn").unwrap().abs() < 0.05);
    let fifths = fallen.slices.iter().filter(|s| s.group == FIFTHS).count();
    assert_eq!(fifths, 5);
    let responses: usize = fallen
        .slices
        .iter()
        .filter(|s| s.group == "term")
        .filter_map(|s| Some(s.numbers.as_ref()?.responses))
        .sum();
    assert_eq!(responses, fallen.all.responses);
}

#[test]
fn a_small_school_and_the_one_that_would_give_it_away_publish_nothing() {
    let report = report(0.0);
    assert_eq!(gap(&report, "school", "tiny"), None);
    assert_eq!(gap(&report, "school", "north"), None);
    assert!(gap(&report, "school", "south").is_some());
}

#[test]
fn importance_names_every_part_and_the_largest_first() {
    let all = report(0.0).all;
    assert_eq!(all.importance.len(), 1 + 16 + 4);
    assert!(all.importance.is_sorted_by(|a, b| a.1 >= b.1));
    assert!(all.importance[0].1 > 0.1, "{:?}", all.importance);
}
