use std::path::{Path, PathBuf};

use super::*;

fn data(name: &str) -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found = here.ancestors().map(|up| up.join("shared/data").join(name)).find(|p| p.exists());
    if found.is_none() {
        eprintln!("skipped: data/{name} is not beside the project");
    }
    found
}

fn case(probability: f64, came: bool, group: &str) -> Case {
    Case { probability, came, alert: Some(probability > 0.8), groups: vec![group.to_owned()] }
}

#[test]
fn precision_recall_and_alerts_are_counted() {
    let cases = [case(0.9, true, "a"), case(0.7, false, "a"), case(0.4, true, "a"), case(0.1, false, "a")];
    let all = summarise(&cases, &[], 0.5).all;
    assert_eq!((all.precision, all.recall, all.flagged, all.auc), (Some(0.5), Some(0.5), 0.5, 0.75));
    let own = summarise(&cases, &[], 0.5).own_baseline;
    assert_eq!((own.precision, own.recall), (Some(1.0), Some(0.5)));
    let nobody = summarise(&cases, &[], 1.5).all;
    assert_eq!((nobody.precision, nobody.recall), (None, Some(0.0)));
}

#[test]
fn small_cells_are_suppressed_with_their_complement() {
    let sized = [("a", 9), ("b", 40), ("c", 30)];
    let cases: Vec<Case> =
        sized.iter().flat_map(|(g, n)| (0..*n).map(move |i| case(0.5, i % 2 == 0, g))).collect();
    let slices = summarise(&cases, &["g"], 0.5).subgroups;
    let shown: Vec<&str> = slices.iter().filter(|s| s.judged.is_some()).map(|s| s.value.as_str()).collect();
    assert_eq!(shown, ["b"], "c is what would give a away");
}

#[test]
fn the_fold_is_the_digest_modulo_five() {
    // SHA-256("1") = 6b86…875b4b and SHA-256("2") = d4735e…b86b35, as whole numbers.
    let remainder =
        |id: &str| Sha256::digest(id.as_bytes()).iter().fold(0_u32, |r, b| (r * 256 + u32::from(*b)) % 5);
    for id in ["1", "2", "student", ""] {
        assert_eq!(fold_of(id), remainder(id));
    }
}

#[test]
fn next_year_is_predicted_better_than_by_least_squares() {
    let Some(path) = data("star/star_long.csv.gz") else { return };
    let report = star::run(&path).unwrap();
    eprintln!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert!(report.rmse < report.rmse_least_squares, "{} {}", report.rmse, report.rmse_least_squares);
    assert!((25.0..33.0).contains(&report.rmse_least_squares), "{}", report.rmse_least_squares);
    let gap = (report.risk.all.predicted - report.risk.all.observed).abs();
    assert!(gap < 0.03 && report.risk.all.auc > 0.75, "{:?}", report.risk.all);
}

#[test]
fn the_warning_ranks_better_than_logistic_regression() {
    let Some(dir) = data("oulad") else { return };
    let report = oulad::run(&dir).unwrap();
    eprintln!("{}", serde_json::to_string_pretty(&report).unwrap());
    assert!(report.auc > report.auc_logistic_regression, "{} {}", report.auc, report.auc_logistic_regression);
    assert!(report.withdrawal.silent > 0.0 && report.withdrawal.auc_active < report.auc);
}
