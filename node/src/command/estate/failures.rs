//! `aula estate failures`: which equipment will fail, and what speaks for it.

use std::path::PathBuf;

use aula_estate::failures::{Drift, Group, calibration, drift, judge, read_rows, to_csv};
use clap::Args;
use serde::Serialize;

use super::super::{Failure, Outcome};
use super::{read, refused, write};

/// Arguments of `aula estate failures`.
#[derive(Debug, Args)]
#[command(
    after_help = "Events are CSV: equipment, time, kind (one of the kinds is failure; the answer is whether one follows \
                  the next day), or a table with a column failure of 0 and 1. Each row is told by models of other \
                  rows.\n\nExample:\n  aula estate failures --events orders.csv -o risks.csv"
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
    let rows = read_rows(&read(&args.events)?).map_err(|error| refused(&args.events, &error))?;
    let judged = judge(&rows).map_err(|error| refused(&args.events, &error))?;
    write(&args.out, to_csv(&rows, &judged).as_bytes())?;
    let measures = |which: fn(&(f64, f64)) -> f64| Measures {
        auc: which(&judged.auc),
        average_precision: which(&judged.average_precision),
        brier: which(&judged.brier),
    };
    let answer = Answer {
        rows: rows.failed.len(),
        failures: rows.failed.iter().filter(|failed| **failed).count(),
        trees: measures(|both| both.0),
        logistic: measures(|both| both.1),
        importance_ppm: judged.importance_ppm.iter().take(10).cloned().collect(),
        calibration: calibration(&rows, &judged.trees),
        drift: drift(&rows, &judged.trees),
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
        "{} rows, {} failures\nboosted trees        AUC {:.4}, average precision {:.4}\nlogistic regression  AUC {:.4}, \
         average precision {:.4}\nrisks of the later half beside the earlier: stability index {:.3}{}",
        answer.rows,
        answer.failures,
        answer.trees.auc,
        answer.trees.average_precision,
        answer.logistic.auc,
        answer.logistic.average_precision,
        answer.drift.stability_index,
        apart.join("")
    );
    Ok(Outcome::yes(answer, text))
}
