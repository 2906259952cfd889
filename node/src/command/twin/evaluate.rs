//! `aula twin evaluate`: how well the model predicts students it has not seen.

use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::super::{Advise, Context, Failure, Outcome};
use super::LOG_HINT;
use aula_twin_model::baselines::{self, Baselines};
use aula_twin_model::evaluate::{Evaluation, evaluate};
use aula_twin_model::features::walk;
use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names, Reading, Row};
use aula_twin_model::risk::fold_of;
use aula_twin_runtime::model::Model;
use aula_twin_runtime::params::Params;

/// Arguments of `aula twin evaluate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Strictly causal: a prediction is made before its own response is seen. Test students move \
                        only their own state, and begin with none, whatever their names; unseen items and skills take priors. Rows may stand in any \
                        order: a student's are taken by seq, and predictions are written in the file's order."
)]
pub struct EvaluateArgs {
    /// The log to fit on, CSV or CSV in .gz
    #[arg(long, value_name = "T.csv[.gz]", required_unless_present = "split", requires = "test")]
    pub train: Option<PathBuf>,
    /// The log to predict; its students are new ones, also where the training log has their names (said on stderr)
    #[arg(long, value_name = "E.csv[.gz]", requires = "train")]
    pub test: Option<PathBuf>,
    /// One log for both: students whose SHA-256 is 0 modulo 5 are predicted, the others fitted on
    #[arg(long, value_name = "LOG.csv[.gz]", conflicts_with_all = ["train", "test"])]
    pub split: Option<PathBuf>,
    /// Write each prediction: student,seq,p, a line a response in the log's own order, names as they stand there
    #[arg(long, value_name = "OUT.csv")]
    pub predictions: Option<PathBuf>,
    /// Write what each part contributed to each prediction, in log-odds: student,seq,PART,…
    #[arg(long, value_name = "OUT.csv")]
    pub explain: Option<PathBuf>,
    /// Also fit and judge BKT, PFA, Elo and Best-LR on the same logs
    #[arg(long)]
    pub baselines: bool,
}

/// The measures of the predictions, printed as one line.
#[derive(Debug, Serialize)]
struct Report {
    auc: f64,
    accuracy: f64,
    rmse: f64,
    log_loss: f64,
    responses: usize,
    fit_s: f64,
    updates_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    baselines: Option<Baselines>,
}

/// Runs `aula twin evaluate`.
///
/// # Errors
/// When a log is refused or the predictions cannot be written.
pub fn run(context: &Context, args: &EvaluateArgs) -> Result<Outcome, Failure> {
    let mut names = Names::default();
    let held = |student: &str| fold_of(student) == 0;
    let fitted_on = |student: &str| !held(student);
    let (train_path, test_path, some) = match (&args.split, &args.train, &args.test) {
        (Some(both), _, _) => (both, both, true),
        (None, Some(train), Some(test)) => (train, test, false),
        _ => return Err(Failure::new("no_log", "no log is given", LOG_HINT)),
    };
    for out in [&args.predictions, &args.explain].into_iter().flatten() {
        apart(out, &[train_path, test_path])?;
    }
    if let (Some(one), Some(other)) = (&args.predictions, &args.explain) {
        apart(one, &[other])?;
    }
    let read = |path: &Path, names: &mut Names, keep: &dyn Fn(&str) -> bool| {
        Log::read_some(path, names, if some { Reading { keep, ..Reading::ALL } } else { Reading::ALL })
    };
    let train = read(train_path, &mut names, &fitted_on).advise_log()?;
    let train_names = names.clone();
    let test = read(test_path, &mut names, &held).advise_log()?;
    let shared = test.shared(&train);
    if let Some(first) = shared.first() {
        let count = shared.len();
        context.tell(format_args!(
            "aula: {count} names of students are in both logs, {first:?} first: each is predicted as a new student"
        ));
    }
    context.tell(format_args!(
        "fitting on {} responses of {} students",
        train.rows.len(),
        train.students.len()
    ));
    let fitted = fit(&train, &train_names);
    context.tell(format_args!("fitted in {:.1} s; predicting {}", fitted.report.fit_s, test.rows.len()));
    let evaluation = evaluate(&fitted, &test);
    if let Some(path) = &args.predictions {
        write_predictions(path, &test, &evaluation)
            .advise(format!("cannot write {}", path.display()), "check the folder's owner and space")?;
    }
    if let Some(path) = &args.explain {
        write_explanations(path, &test, &fitted.model)
            .advise(format!("cannot write {}", path.display()), "check the folder's owner and space")?;
    }
    let compared = args.baselines.then(|| {
        context.tell("fitting BKT, PFA, Elo and Best-LR");
        baselines::compare(&train, &test, &train_names)
    });
    let m = evaluation.metrics;
    let report = Report {
        auc: m.auc,
        accuracy: m.accuracy,
        rmse: m.rmse,
        log_loss: m.log_loss,
        responses: test.rows.len(),
        fit_s: fitted.report.fit_s,
        updates_per_s: evaluation.updates_per_s,
        baselines: compared,
    };
    let text = text(&report);
    Ok(Outcome::yes(report, text))
}

/// Refuses to write over a file that is read, by whatever name, before anything is fitted.
fn apart(out: &Path, others: &[&PathBuf]) -> Result<(), Failure> {
    let file = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let same = |other: &&&PathBuf| {
        let both_there = file(out).is_some() && file(out) == file(other);
        both_there || std::path::absolute(out).ok() == std::path::absolute(other).ok()
    };
    match others.iter().find(same) {
        None => Ok(()),
        Some(other) => {
            let message = format!("{} would be written over {}", out.display(), other.display());
            Err(Failure::new("overwrites_input", message, "name another file for the output"))
        }
    }
}

trait AdviseLog<T> {
    fn advise_log(self) -> Result<T, Failure>;
}

impl<T> AdviseLog<T> for Result<T, aula_twin_model::log::LogError> {
    fn advise_log(self) -> Result<T, Failure> {
        self.hint(LOG_HINT)
    }
}

fn text(report: &Report) -> String {
    let mut lines = vec![format!(
        "AUC {:.4}  accuracy {:.4}  RMSE {:.4}  log-loss {:.4}\n{} responses, fitted in {:.1} s, {:.0} updates a second",
        report.auc,
        report.accuracy,
        report.rmse,
        report.log_loss,
        report.responses,
        report.fit_s,
        report.updates_per_s
    )];
    if let Some(b) = &report.baselines {
        for (name, m) in [("BKT", b.bkt), ("PFA", b.pfa), ("Elo", b.elo), ("Best-LR", b.best_lr)] {
            lines.push(format!("{name:<8} AUC {:.4}  log-loss {:.4}", m.auc, m.log_loss));
        }
    }
    lines.join("\n")
}

/// Every row of the log in its file's order: whose it is, the row, and its place among the rows. Names are for programs that join
/// by them, so nothing is put before one that a spreadsheet would take for a formula.
fn in_file_order(log: &Log) -> impl Iterator<Item = (&str, &Row, usize)> {
    log.of_file.iter().filter_map(|place| {
        let place = *place as usize;
        let row = log.rows.get(place)?;
        // Of students, ranges ascend: the first that ends behind the row.
        let student = log.students.get(log.students.partition_point(|one| one.range.1 <= place))?;
        Some((student.name.as_str(), row, place))
    })
}

fn write_predictions(path: &Path, log: &Log, evaluation: &Evaluation) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_writer(BufWriter::new(std::fs::File::create(path)?));
    out.write_record(["student", "seq", "p"])?;
    for (student, row, place) in in_file_order(log) {
        let p = evaluation.predictions_e6.get(place).copied().unwrap_or_default();
        out.write_record([student, &row.seq.to_string(), &format!("{:.6}", f64::from(p) / 1e6)])?;
    }
    out.into_inner().map_err(|e| csv::Error::from(e.into_error()))?.flush()?;
    Ok(())
}

/// One line a response: what each part added to the log-odds. The parts of a line sum to its prediction's.
fn write_explanations(path: &Path, log: &Log, model: &Model) -> Result<(), csv::Error> {
    let mut out = csv::Writer::from_writer(BufWriter::new(std::fs::File::create(path)?));
    let params = Params::reference(model.clone());
    let (mut names, mut parts): (Vec<String>, Vec<i64>) = (Vec::new(), Vec::new());
    for student in &log.students {
        walk(log, student, &params, |_, prediction, _| {
            if names.is_empty() {
                names = prediction.contributions(model).map(|part| part.0.to_owned()).collect();
            }
            parts.extend(prediction.contributions(model).map(|part| part.1));
        });
    }
    out.write_record(["student", "seq"].into_iter().chain(names.iter().map(String::as_str)))?;
    for (student, row, place) in in_file_order(log) {
        let of_row = parts.iter().skip(place * names.len()).take(names.len());
        let values = of_row.map(|part| format!("{:.6}", *part as f64 / 1e6));
        out.write_record([student.to_owned(), row.seq.to_string()].into_iter().chain(values))?;
    }
    out.into_inner().map_err(|e| csv::Error::from(e.into_error()))?.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_output_takes_the_place_of_a_log_under_any_name() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let (log, link, new) =
            (folder.path().join("log.csv"), folder.path().join("link.csv"), folder.path().join("new.csv"));
        std::fs::write(&log, "student\n")?;
        std::os::unix::fs::symlink(&log, &link)?;
        assert!(apart(&log, &[&log]).is_err_and(|failure| failure.code == "overwrites_input"));
        assert!(apart(&link, &[&new, &log]).is_err_and(|failure| failure.code == "overwrites_input"));
        assert!(apart(&new, &[&new]).is_err(), "two outputs in one file");
        assert!(apart(&new, &[&log]).is_ok());
        Ok(())
    }

    #[test]
    fn predictions_stand_as_the_file_has_its_rows_under_the_names_that_it_has()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        let head = "student,seq,item,skills,correct\n";
        let row =
            |student: &str, seq: u32| format!("{student},{seq},i{},k{},{}\n", seq % 5, seq % 3, seq % 2);
        let train: String = ["a", "=b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .flat_map(|student| (0..20).map(|seq| row(student, seq)))
            .collect();
        std::fs::write(path("train.csv"), format!("{head}{train}"))?;
        // `=b` and `c` are in both, their rows are mixed, and seq falls.
        let order = [("c", 3), ("=b", 2), ("c", 1), ("=b", 1), ("@new", 7), ("c", 2)];
        let write = |name: &str, rows: &[(&str, u32)]| {
            let body: String = rows.iter().map(|(student, seq)| row(student, *seq)).collect();
            std::fs::write(path(name), format!("{head}{body}"))
        };
        let mut sorted = order;
        sorted.sort_unstable();
        write("mixed.csv", &order)?;
        write("sorted.csv", &sorted)?;
        let context = Context {
            home: aula_home::Home::resolve(Some(folder.path()))?,
            output: crate::terminal::OutputFormat::Json,
            log: None,
        };
        let lines = |test: &str| -> Result<Vec<String>, Box<dyn std::error::Error>> {
            let (out, explained) = (path(&format!("{test}.out")), path(&format!("{test}.why")));
            let args = EvaluateArgs {
                train: Some(path("train.csv")),
                test: Some(path(test)),
                split: None,
                predictions: Some(out.clone()),
                explain: Some(explained.clone()),
                baselines: false,
            };
            run(&context, &args).map_err(|failure| failure.message)?;
            let told = std::fs::read_to_string(explained)?;
            let keys = |text: &str| -> Vec<String> {
                text.lines().map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join(",")).collect()
            };
            let text = std::fs::read_to_string(out)?;
            assert_eq!(keys(&text), keys(&told), "both outputs");
            Ok(text.lines().skip(1).map(str::to_owned).collect())
        };
        let (mixed, by_student) = (lines("mixed.csv")?, lines("sorted.csv")?);
        let begins = |line: &String| line.rsplit_once(',').map(|parts| parts.0.to_owned());
        let wanted: Vec<_> = order.iter().map(|(student, seq)| Some(format!("{student},{seq}"))).collect();
        assert_eq!(mixed.iter().map(begins).collect::<Vec<_>>(), wanted);
        // The same figures, whatever the order of the file.
        let mut again = mixed;
        again.sort_unstable();
        assert_eq!(again, by_student);
        Ok(())
    }
}
