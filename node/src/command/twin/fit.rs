//! `aula twin fit`: the mastery model from a log, as a file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::super::{Advise, Context, Failure, Outcome, absolute};
use super::LOG_HINT;
use aula_twin_model::fit::fit;
use aula_twin_model::log::{Log, Names};
use aula_twin_model::model_file;

/// Arguments of `aula twin fit`.
#[derive(Debug, Args)]
pub struct FitArgs {
    /// The log to fit on, CSV or CSV in .gz
    #[arg(long, value_name = "T.csv[.gz]")]
    pub train: PathBuf,
    /// Where the model is written, for example model.twin
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
}

/// Runs `aula twin fit`.
///
/// # Errors
/// When the log is refused or the file cannot be written.
pub fn run(context: &Context, args: &FitArgs) -> Result<Outcome, Failure> {
    let mut names = Names::default();
    let log = Log::read(&args.train, &mut names).hint(LOG_HINT)?;
    context.tell(format_args!("fitting on {} responses of {} students", log.rows.len(), log.students.len()));
    let fitted = fit(&log, &names);
    let path = absolute(&args.model)?;
    model_file::write(&path, &fitted.model, &fitted.names)
        .hint("name a file in a folder that you may write, with --model")?;
    let digest = hex::encode(fitted.model.digest());
    let report = &fitted.report;
    let text = format!(
        "{}\nmodel digest {digest}\n{} items, {} skills, {} responses, {:.1} s; log-loss on held students {:.4}",
        path.display(),
        report.items,
        report.skills,
        report.responses,
        report.fit_s,
        report.held_log_loss
    );
    Ok(Outcome::yes(json!({ "model": path, "digest": digest, "report": report }), text))
}
