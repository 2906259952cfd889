//! `aula estate failures`: which equipment will fail, and what speaks for it.

use std::path::PathBuf;

use aula_estate::failures::{
    Drift, Group, Read, SHARP, Told, calibration, drift, judge_and_tell, read_rows, to_csv,
};
use aula_estate::trees::ONE;
use clap::Args;
use serde::Serialize;

use super::super::{Failure, Outcome};
use super::{read, refused, write};

/// Arguments of `aula estate failures`.
#[derive(Debug, Args)]
#[command(
    after_help = "Events are CSV: equipment, time, kind (one of the kinds is failure; the answer is whether one follows \
                  the next day), or a table with a column failure of 0 and 1, empty while it is to come. Each row is told by models of other \
                  rows; those to come, of a log its last day for machines heard of within 30 days and not removed, by models of all.\n\nExample:\n  aula estate failures --events orders.csv -o risks.csv"
)]
pub struct FailuresArgs {
    /// Work orders and events, CSV
    #[arg(long, value_name = "FILE")]
    pub events: PathBuf,
    /// Where each row's risk, 0 to 1, and its reason are written
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: PathBuf,
}

/// Standard errors from which on a group's risks are told to people as wrong.
const APART: f64 = 3.0;

/// Rows to come that the text for people lists, those of most risk.
const SHOWN: usize = 10;

/// One model's measures.
#[derive(Debug, Serialize)]
struct Measures {
    auc: f64,
    average_precision: f64,
    brier: f64,
}

/// The one line of the answer.
#[derive(Debug, Serialize)]
struct Answer {
    rows: usize,
    failures: usize,
    ahead: usize,
    trees: Measures,
    logistic: Measures,
    importance_ppm: Vec<(String, u64)>,
    calibration: Vec<Group>,
    drift: Drift,
    left_out: Vec<String>,
}

/// Runs `aula estate failures`.
///
/// # Errors
/// When the events cannot be read, are refused, or hold too few failures.
pub fn run(args: &FailuresArgs) -> Result<Outcome, Failure> {
    let found = read_rows(&read(&args.events)?).map_err(|error| refused(&args.events, &error))?;
    let (judged, told) =
        judge_and_tell(&found.known, &found.ahead, &SHARP).map_err(|error| refused(&args.events, &error))?;
    write(&args.out, to_csv(&found, &judged, &told).as_bytes())?;
    let rows = &found.known;
    let measures = |which: fn(&(f64, f64)) -> f64| Measures {
        auc: which(&judged.auc),
        average_precision: which(&judged.average_precision),
        brier: which(&judged.brier),
    };
    let answer = Answer {
        rows: rows.failed.len(),
        failures: rows.failed.iter().filter(|failed| **failed).count(),
        ahead: told.len(),
        trees: measures(|both| both.0),
        logistic: measures(|both| both.1),
        importance_ppm: judged.importance_ppm.iter().take(10).cloned().collect(),
        calibration: calibration(rows, &judged.trees),
        drift: drift(rows, &judged.trees),
        left_out: rows.left_out.clone(),
    };
    let apart: Vec<&Group> = answer.calibration.iter().filter(|group| group.apart.abs() > APART).collect();
    let apart: Vec<String> = apart
        .iter()
        .map(|one| {
            format!("\n{}: {} failures where {:.1} were expected", one.group, one.failures, one.expected)
        })
        .collect();
    let text = format!(
        "{} rows, {} failures, {} to come\nboosted trees        AUC {:.4}, average precision {:.4}\nlogistic regression  AUC {:.4}, \
         average precision {:.4}\nrisks of the later half beside the earlier: stability index {:.3}{}{}",
        answer.rows,
        answer.failures,
        answer.ahead,
        answer.trees.auc,
        answer.trees.average_precision,
        answer.logistic.auc,
        answer.logistic.average_precision,
        answer.drift.stability_index,
        apart.join(""),
        to_come(&found, &told)
    );
    Ok(Outcome::yes(answer, text))
}

/// Those of most risk, a line each.
fn to_come(found: &Read, told: &[Told]) -> String {
    let mut order: Vec<(&String, &Told)> = found.ahead.names.iter().zip(told).collect();
    order.sort_by_key(|(_, told)| std::cmp::Reverse(told.trees));
    let line = |(name, told): &(&String, &Told)| {
        format!("\n{name}: {:.1}%, {}", 100.0 * told.trees as f64 / ONE as f64, told.reason)
    };
    order.iter().take(SHOWN).map(line).collect()
}
