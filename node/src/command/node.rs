//! `aula node`: a copy of the running node's database, a node from such a copy, and what a running one logs.

use std::io::ErrorKind;
use std::path::PathBuf;

use aula_files::{Access, replace};
use aula_home::Home;
use aula_server::upkeep::{backup, control};
use clap::{Args, Subcommand};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use super::{Advise, Context, Failure, Outcome, absolute};
use crate::terminal::MOST_FILTER_BYTES;

/// Arguments of `aula node`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula node backup -o /mnt/backup/2026-11-29\n  aula node restore /mnt/backup/2026-11-29 --home \
                  /srv/district-07\n  aula node log-level aula=debug,warn\n\nThe copy holds the database, config.toml, genesis.json and operator.json. It holds no key and no \
                  sign guard: copy keys/ by hand once. A vault has its own: aula backup."
)]
pub struct NodeArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Copy the node's database into a new folder, also while the node runs
    Backup {
        /// The new folder
        #[arg(short = 'o', long = "into", value_name = "DIR")]
        into: PathBuf,
    },
    /// Put a copy into this home, after every file and the whole state were checked
    Restore {
        /// A folder that `aula node backup` made
        #[arg(value_name = "DIR")]
        from: PathBuf,
    },
    /// Change what the running processes of this home log, within seconds: above --log, AULA_LOG and config.toml, also after a restart
    LogLevel {
        /// What is logged, as with --log: `debug` or `aula=debug,warn`
        #[arg(value_name = "FILTER", required_unless_present = "reset", conflicts_with = "reset")]
        filter: Option<String>,
        /// Log again what was given at the start, or stands in config.toml
        #[arg(long)]
        reset: bool,
    },
}

/// Copies, puts a copy back, or says what is logged.
///
/// # Errors
/// When the copy cannot be made, or is not whole; when the filter is not one.
pub fn run(context: &Context, args: &NodeArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Backup { into } => {
            let into = absolute(into)?;
            let told = control::backup(&context.home, into)?;
            let text = format!(
                "copied height {} into {}: {} files, {} bytes\nIt has neither a key nor a sign guard.",
                told.height,
                told.folder.display(),
                told.files,
                told.bytes
            );
            Ok(Outcome::yes(told, text))
        }
        Action::Restore { from } => {
            let told = backup::restore(&absolute(from)?, &context.home)?;
            let guard = match told.sign_guard {
                true => {
                    "This home has a sign guard of its own. If it is a copy too, the node follows until it knows what its key may have \
                         signed."
                }
                false => {
                    "This home has no sign guard: with its old key the node follows and signs nothing until it is started with \
                          --confirmed-height, a height above everything that the key may have signed."
                }
            };
            let text = format!(
                "restored height {}: {} files, {} bytes, every one as it was copied, and the state is the certified one\n{guard}\n\
                 next: aula start --home {}",
                told.height,
                told.files,
                told.bytes,
                context.home.path().display()
            );
            Ok(Outcome::yes(told, text))
        }
        Action::LogLevel { filter, .. } => log_level(&context.home, filter.as_deref()),
    }
}

/// Leaves it in the home, where `aula start` and `aula district run` look; none: takes it away.
fn log_level(home: &Home, filter: Option<&str>) -> Result<Outcome, Failure> {
    if !home.path().is_dir() {
        let message = format!("there is no folder {}", home.path().display());
        return Err(Failure::new("no_home", message, "name the node's folder with --home"));
    }
    let (path, hint) = (home.log_filter_file(), "run it as the user that owns the home");
    let Some(filter) = filter else {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).advise(format!("cannot remove {}", path.display()), hint);
            }
            _ => {}
        }
        let text = "what was given at the start, or stands in config.toml, is logged again";
        return Ok(Outcome::yes(json!({ "filter": null }), text));
    };
    let (what, next) = (
        format!("{filter:?} is not a valid log filter"),
        "write error, warn, info, debug or trace, also by module: aula=debug,warn",
    );
    if filter.len() as u64 > MOST_FILTER_BYTES {
        let long = filter.len();
        let message = format!("{long} bytes are not a valid log filter: it has {MOST_FILTER_BYTES} at most");
        return Err(Failure::because(message, next));
    }
    // Nothing at all would be read as errors alone.
    if filter.trim().is_empty() {
        return Err(Failure::because(what, next));
    }
    EnvFilter::try_new(filter).advise(what, next)?;
    replace(&path, Access::Private, filter.as_bytes())
        .advise(format!("cannot write {}", path.display()), hint)?;
    let text =
        format!("{filter:?} is logged by the running processes of this home within seconds, until --reset");
    Ok(Outcome::yes(json!({ "filter": filter }), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_left_in_the_home_until_it_is_reset() -> Result<(), Failure> {
        let folder = tempfile::tempdir().advise("a folder", "give the tests a TMPDIR")?;
        let home = Home::at(folder.path().to_owned());
        let kept = || std::fs::read_to_string(home.log_filter_file()).ok();
        log_level(&home, None)?;
        log_level(&home, Some("aula=debug,warn"))?;
        assert_eq!(kept().as_deref(), Some("aula=debug,warn"));
        for filter in ["a=b=c", "", " "] {
            let refused = log_level(&home, Some(filter)).err().map(|failure| failure.message);
            assert!(refused.is_some_and(|why| why.contains("is not a valid log filter")), "{filter:?}");
        }
        let long = log_level(&home, Some(&"aula=debug,".repeat(2_000))).err().map(|failure| failure.message);
        assert!(long.is_some_and(|why| why.starts_with("22000 bytes are not a valid log filter")));
        assert_eq!(kept().as_deref(), Some("aula=debug,warn"), "what was refused changes nothing");
        log_level(&home, None)?;
        assert_eq!(kept(), None);
        let nowhere = log_level(&Home::at(folder.path().join("none")), Some("debug"));
        assert!(nowhere.is_err_and(|failure| failure.code == "no_home"));
        Ok(())
    }
}
