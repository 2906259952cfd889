//! `aula estate optout`: who will leave a course, and whether that is told as well of each group.

use std::path::PathBuf;

use aula_estate::optout::{Course, Group, opt_out, read_enrolments, to_csv};
use clap::Args;
use serde_json::json;

use super::super::{Failure, Outcome};
use super::{read, refused, write_private};

/// Standard errors from which on a group's risks are told to people as wrong.
const APART: f64 = 3.0;
/// Courses that the text for people lists.
const SHOWN: usize = 30;

/// Arguments of `aula estate optout`.
#[derive(Debug, Args)]
#[command(
    after_help = "ENROLMENTS.csv: a student in a course a row, in order of time; opted_out (or dropped, withdrawn) is 0, 1, or empty while it is to \
                  come; course; and whatever is known of student and section when the course begins. Each row with an answer is told by models of \
                  other rows, the others by models of all.\n\n--aside keeps columns from the models and judges by them: a group whose risks are \
                  wrong is named. A risk is a reason to ask, never to refuse a place.\n\nExample:\n  aula estate optout --enrolments \
                  history.csv --aside sex,region -o leave.csv\n\nThe file has a line a student: only its owner can read it."
)]
pub struct OptOutArgs {
    /// Enrolments
    #[arg(long, value_name = "FILE")]
    pub enrolments: PathBuf,
    /// Columns that the models do not see and that are judged by
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    pub aside: Vec<String>,
    /// Where each row's risk and reason are written
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub out: PathBuf,
}

/// Runs `aula estate optout`.
///
/// # Errors
/// When the enrolments cannot be read, are refused, or too few left.
pub fn run(args: &OptOutArgs) -> Result<Outcome, Failure> {
    let fault = |error| refused(&args.enrolments, &error);
    let enrolments = read_enrolments(&read(&args.enrolments)?, &args.aside).map_err(fault)?;
    let found = opt_out(&enrolments).map_err(fault)?;
    write_private(&args.out, to_csv(&enrolments, &found).as_bytes())?;
    let judged = &found.judged;
    let measures = |which: fn(&(f64, f64)) -> f64| {
        json!({
            "auc": which(&judged.auc), "average_precision": which(&judged.average_precision), "brier": which(&judged.brier),
        })
    };
    let half = |half: &aula_estate::failures::Group| Group::from(half.clone());
    let drift = json!({
        "earlier": half(&found.drift.earlier), "later": half(&found.drift.later),
        "stability_index": found.drift.stability_index,
    });
    let importance: Vec<_> = judged.importance_ppm.iter().take(10).collect();
    let (rows, ahead) = (enrolments.known.failed.len(), enrolments.ahead.failed.len());
    let left = enrolments.known.failed.iter().filter(|left| **left).count();
    let fields = json!({
        "rows": rows, "opted_out": left, "ahead": ahead, "trees": measures(|both| both.0), "logistic": measures(|both| both.1),
        "importance_ppm": importance, "calibration": found.calibration, "drift": drift, "courses": found.courses,
        "set_aside": enrolments.set_aside, "left_out": enrolments.known.left_out,
    });
    let mut lines = vec![
        format!("{rows} enrolments, {left} left, {ahead} to come"),
        format!("boosted trees        AUC {:.4}, Brier {:.4}", judged.auc.0, judged.brier.0),
        format!("logistic regression  AUC {:.4}, Brier {:.4}", judged.auc.1, judged.brier.1),
        format!(
            "risks of the later half beside the earlier: stability index {:.3}",
            found.drift.stability_index
        ),
    ];
    let course = |one: &Course| match one.ahead {
        0 => format!("{}: {} of {} left, {:.1} expected", one.course, one.opted_out, one.rows, one.expected),
        ahead => {
            format!("{}: {:.1} of {ahead} to come are expected to leave", one.course, one.expected_ahead)
        }
    };
    lines.extend(found.courses.iter().take(SHOWN).map(course));
    let apart = |one: &&Group| one.apart.abs() > APART;
    let told = |one: &Group| {
        format!("{}: {} left where {:.1} were expected", one.group, one.opted_out, one.expected)
    };
    lines.extend(found.calibration.iter().filter(apart).map(told));
    Ok(Outcome::yes(fields, lines.join("\n")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn risks_of_students_are_their_owners_alone() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        let (enrolments, out) = (folder.path().join("history.csv"), folder.path().join("leave.csv"));
        let rows: String = (0..60).map(|row| format!("x,{},{}\n", row % 7, u8::from(row % 3 == 0))).collect();
        std::fs::write(&enrolments, format!("course,late,opted_out\n{rows}"))?;
        // What stands there may be read by others; the new file is not.
        std::fs::write(&out, "")?;
        std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o644))?;
        let told = run(&OptOutArgs { enrolments, aside: Vec::new(), out: out.clone() });
        assert!(told.is_ok(), "{:?}", told.err());
        assert_eq!(std::fs::metadata(&out)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&out)?.lines().count(), 61);
        Ok(())
    }
}
