//! `aula-audit man [COMMAND]`: a page of the manual on stdout, made from the command line's own types.

use clap::{Args, CommandFactory};
use serde_json::json;

use crate::answer::{Answer, Failure};

/// Arguments of `aula-audit man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command whose page is wanted [default: the program's]
    command: Option<String>,
}

pub(crate) fn run(args: &ManArgs) -> Result<Answer, Failure> {
    let mut program = crate::Cli::command();
    program.build();
    let page = match &args.command {
        None => Some(program),
        Some(name) => program.get_subcommands().find(|command| command.get_name() == name).cloned(),
    };
    let page = page.ok_or_else(|| Failure {
        message: format!("there is no command {:?}", args.command.as_deref().unwrap_or_default()),
        next: "aula-audit --help lists them",
    })?;
    let name = page.get_display_name().unwrap_or("aula-audit").to_owned();
    let mut roff = Vec::new();
    // Writing into memory does not fail.
    let _ = clap_mangen::Man::new(page).render(&mut roff);
    let text = String::from_utf8_lossy(&roff).trim_end().to_owned();
    Ok(Answer { exit_code: 0, json: json!({ "name": name, "page": text }), text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_and_each_command_have_a_page_and_nothing_else_has() {
        let page = |name: Option<&str>| run(&ManArgs { command: name.map(str::to_owned) });
        let program = page(None).map(|answer| answer.text).unwrap_or_default();
        assert!(program.contains(".TH aula-audit") && program.contains("certificate"), "{program}");
        let verify = page(Some("verify")).map(|answer| answer.text).unwrap_or_default();
        assert!(verify.contains(".TH aula-audit-verify") && verify.contains("\\-\\-genesis"), "{verify}");
        assert!(page(Some("sign")).is_err());
    }
}
