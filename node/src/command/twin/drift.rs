//! `aula twin drift`: does the model still fit, by period and by subgroup.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use aula_twin_model::drift::{self, Numbers, Report};
use aula_twin_model::fit::fit;
use aula_twin_model::log::{Labels, Log, LogError, Names, Reading};
use aula_twin_model::model_file;
use aula_twin_model::table::Table;
use clap::Args;
use serde_json::json;

use super::super::{Advise, Context, Failure, Outcome};
use super::LOG_HINT;

/// Arguments of `aula twin drift`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit 0: every published slice is calibrated within the tolerance; 1: at least one is not. Every \
                        report has the fifths of each student's own sequence; --by adds columns of the log (a period, a \
                        school), --students with --student-by those of a student list. Cells under 10 students are \
                        suppressed."
)]
pub struct DriftArgs {
    /// A fitted model (aula twin fit)
    #[arg(long, value_name = "FILE", required_unless_present = "train")]
    pub model: Option<PathBuf>,
    /// Fit on this log first, instead of reading a model
    #[arg(long, value_name = "T.csv[.gz]", conflicts_with = "model")]
    pub train: Option<PathBuf>,
    /// The log to judge the model on
    #[arg(long, value_name = "E.csv[.gz]")]
    pub responses: PathBuf,
    /// Columns of the log to group by
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    pub by: Vec<String>,
    /// A table of students with a column student
    #[arg(long, value_name = "S.csv[.gz]", requires = "student_by")]
    pub students: Option<PathBuf>,
    /// Columns of the student table to group by
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…", requires = "students")]
    pub student_by: Vec<String>,
    /// Largest allowed distance, 0 to 1, of mean prediction and share right in a slice
    #[arg(long, default_value_t = 0.05)]
    pub tolerance: f64,
}

/// Runs `aula twin drift`.
///
/// # Errors
/// When a log, model or table is refused.
pub fn run(context: &Context, args: &DriftArgs) -> Result<Outcome, Failure> {
    let log_failure = |error: LogError| Failure::telling(&error, LOG_HINT);
    let (model, mut names) = match (&args.model, &args.train) {
        (Some(path), _) => model_file::read(path).hint("give a model that `aula twin fit` wrote")?,
        (None, Some(path)) => {
            let mut names = Names::default();
            let train = Log::read(path, &mut names).map_err(log_failure)?;
            context.tell(format_args!("fitting on {} responses", train.rows.len()));
            (fit(&train, &names).model, names)
        }
        (None, None) => return Err(Failure::new("no_model", "no model is given", "give --model or --train")),
    };
    let reading = Reading { labels: &args.by, ..Reading::ALL };
    let log = Log::read_some(&args.responses, &mut names, reading).map_err(log_failure)?;
    let mut further = Vec::new();
    if let Some(path) = &args.students {
        for column in &args.student_by {
            further.push(student_labels(&log, path, column)?);
        }
    }
    let report = drift::report(&model, &log, &further);
    let outside: Vec<String> = report
        .slices
        .iter()
        .filter(|s| s.numbers.as_ref().is_some_and(|n| n.calibration_gap.abs() > args.tolerance))
        .map(|s| format!("{} {}", s.group, s.value))
        .collect();
    let text = text(&report, &outside, args.tolerance);
    let answer = json!({ "within": outside.is_empty(), "outside": outside, "report": report });
    Ok(if outside.is_empty() { Outcome::yes(answer, text) } else { Outcome::no(answer, text) })
}

fn student_labels(log: &Log, path: &Path, column: &str) -> Result<Labels, Failure> {
    let table =
        Table::read(path, &["student", column]).hint("give CSV with a column student and those named")?;
    let value_of: BTreeMap<String, String> =
        table.rows().filter_map(|row| Some((row.first()?.clone(), row.get(1)?.clone()))).collect();
    Ok(drift::of_students(log, column, &value_of))
}

fn line(name: &str, numbers: &Numbers) -> String {
    let parts: Vec<String> =
        numbers.importance.iter().take(3).map(|(part, size)| format!("{part} {size:.2}")).collect();
    format!(
        "{name:<32} {:>8}  AUC {:.4}  log-loss {:.4}  gap {:+.4}  error {:.4}  {}",
        numbers.responses,
        numbers.auc,
        numbers.log_loss,
        numbers.calibration_gap,
        numbers.calibration_error,
        parts.join(", ")
    )
}

fn text(report: &Report, outside: &[String], tolerance: f64) -> String {
    let mut lines = vec![line("all", &report.all)];
    for slice in &report.slices {
        let name = format!("{} {}", slice.group, slice.value);
        lines.push(match &slice.numbers {
            Some(numbers) => line(&name, numbers),
            None => format!("{name:<32} suppressed"),
        });
    }
    lines.push(if outside.is_empty() {
        format!("every slice is calibrated within {tolerance}")
    } else {
        format!("outside {tolerance}: {}", outside.join("; "))
    });
    lines.join("\n")
}
