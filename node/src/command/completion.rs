//! `aula completion SHELL`: a completion script on stdout.

use clap::Args;
use clap_complete::Shell;

use super::{Failure, Outcome};

/// Arguments of `aula completion`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  aula completion bash > ~/.local/share/bash-completion/completions/aula")]
pub struct CompletionArgs {
    /// The shell that will read the script
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the script for the whole `program`; `--output json` wraps it in `{"shell","script"}`.
///
/// # Errors
/// None today; the signature is that of every subcommand.
pub fn run(args: &CompletionArgs, mut program: clap::Command) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut program, "aula", &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    Ok(Outcome::yes(serde_json::json!({ "shell": args.shell.to_string(), "script": script }), script))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_bash_script_completes_subcommands() {
        let outcome =
            run(&CompletionArgs { shell: Shell::Bash }, Cli::command()).map(|o| o.answer).ok().flatten();
        assert!(outcome.is_some_and(|a| a.text.contains("keys") && a.text.contains("_aula")));
    }
}
