//! `aula man DIR`: the manual, a page a command, made from the command line's own types.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Advise, Failure, Outcome, absolute};

/// Arguments of `aula man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  aula man /usr/local/share/man/man1 && man aula-district-import")]
pub struct ManArgs {
    /// The folder for the pages, aula.1, aula-start.1 and so on; made when it is missing
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Writes a page for `program` and for each of its commands that is shown; `--output json` says {"folder","pages"}.
///
/// # Errors
/// When the folder cannot be written.
pub fn run(args: &ManArgs, program: clap::Command) -> Result<Outcome, Failure> {
    let folder = absolute(&args.folder)?;
    let shown = folder.display();
    let hint = "name a folder that this account may write";
    std::fs::create_dir_all(&folder).advise(format!("cannot make {shown}"), hint)?;
    clap_mangen::generate_to(program, &folder).advise(format!("cannot write pages into {shown}"), hint)?;
    let written = std::fs::read_dir(&folder).advise(format!("cannot read {shown}"), hint)?;
    let pages = written.flatten().filter(|entry| entry.path().extension().is_some_and(|e| e == "1")).count();
    let text = format!("{pages} pages are in {shown}");
    Ok(Outcome::yes(json!({ "folder": folder, "pages": pages }), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn every_shown_command_has_a_page_and_a_hidden_one_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let args = ManArgs { folder: folder.path().join("man1") };
        assert!(run(&args, Cli::command()).is_ok());
        let page = |name: &str| std::fs::read_to_string(args.folder.join(name));
        for command in Cli::command().get_subcommands() {
            assert_eq!(page(&format!("aula-{}.1", command.get_name())).is_ok(), !command.is_hide_set());
        }
        let start = page("aula-start.1").unwrap();
        assert!(start.contains("\\-\\-follower") && start.contains("AULA_API_LISTEN"), "{start}");
        assert!(!start.contains("stop\\-with\\-stdin"), "a hidden flag is shown");
        assert!(page("aula-vault-log-anchor.1").is_ok(), "a nested command has no page");
    }
}
