//! `aula twin risk`: who will need help, a term ahead, judged on students held back, and by subgroup.

use std::path::PathBuf;

use aula_twin_model::risk::{Slice, Summary, oulad, star};
use aula_twin_model::table::TableError;
use clap::{Args, Subcommand};

use super::super::{Context, Failure, Outcome};

const HINT: &str = "give the public data set in the form its README describes";

/// Arguments of `aula twin risk`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing later than the moment of prediction enters a feature. Subgroups are reported on; gender \
                        and ethnicity are never predictors. Cells under 10 students are suppressed.\n\nExamples:\n  aula twin \
                        risk star --data star_long.csv.gz\n  aula twin risk oulad --data oulad/"
)]
pub struct RiskArgs {
    /// The data set to predict on
    #[command(subcommand)]
    pub study: Study,
}

/// Public data sets, each with its question.
#[derive(Debug, Subcommand)]
pub enum Study {
    /// Next year's mathematics on Project STAR, beside least squares
    Star {
        /// The table of student-years
        #[arg(long, value_name = "star_long.csv[.gz]")]
        data: PathBuf,
    },
    /// Failing or withdrawing, at day 60 of an Open University course, beside logistic regression
    Oulad {
        /// Folder with assessments.csv, studentAssessment.csv.gz and studentInfo.csv.gz
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

/// Runs `aula twin risk`.
///
/// # Errors
/// When a table cannot be read or is refused.
pub fn run(_: &Context, args: &RiskArgs) -> Result<Outcome, Failure> {
    let failed = |error: TableError| Failure::telling(&error, HINT);
    match &args.study {
        Study::Star { data } => {
            let report = star::run(data).map_err(failed)?;
            let text = format!(
                "next year's mathematics, {} held pairs of {}: RMSE {:.2} points, least squares {:.2}\n{}",
                report.held,
                report.pairs,
                report.rmse,
                report.rmse_least_squares,
                text(&report.risk)
            );
            Ok(Outcome::yes(report, text))
        }
        Study::Oulad { data } => {
            let report = oulad::run(data).map_err(failed)?;
            let w = &report.withdrawal;
            let text = format!(
                "warning at day {}, {} held cases of {}: AUC {:.4}, logistic regression {:.4}\n{}\n\
                 withdrawal: {:.1}% withdrew, {:.1}% had handed in nothing; AUC {:.4} among those who had, {:.4} \
                 without those who withdrew; {}",
                oulad::DAY,
                report.held,
                report.cases,
                report.auc,
                report.auc_logistic_regression,
                text(&report.risk),
                100.0 * w.withdrawn,
                100.0 * w.silent,
                w.auc_active,
                w.auc_without_withdrawn,
                w.note
            );
            Ok(Outcome::yes(report, text))
        }
    }
}

fn share(x: Option<f64>) -> String {
    x.map_or("-".to_owned(), |x| format!("{x:.3}"))
}

fn text(summary: &Summary) -> String {
    let (all, own) = (&summary.all, &summary.own_baseline);
    let mut lines = vec![
        format!(
            "at risk: AUC {:.4}; flagged from {:.3}: precision {}, recall {}; predicted {:.3}, observed {:.3}",
            all.auc,
            summary.threshold,
            share(all.precision),
            share(all.recall),
            all.predicted,
            all.observed
        ),
        format!(
            "below the own baseline: {:.1}% of {} alerted, precision {}, recall {}, observed {:.3}",
            100.0 * own.flagged,
            own.cases,
            share(own.precision),
            share(own.recall),
            own.observed
        ),
    ];
    lines.extend(summary.subgroups.iter().map(line));
    lines.join("\n")
}

fn line(slice: &Slice) -> String {
    let name = format!("  {} {}", slice.group, slice.value);
    match &slice.judged {
        None => format!("{name:<40} suppressed"),
        Some(j) => format!(
            "{name:<40} {:>6}  AUC {:.3}  precision {}  recall {}  predicted {:.3}  observed {:.3}",
            j.cases,
            j.auc,
            share(j.precision),
            share(j.recall),
            j.predicted,
            j.observed
        ),
    }
}
