//! How a program answers arguments that its parser refuses: the parser's text on stderr, and for who reads JSON one line on stdout as
//! well. Help is answered here too: it is what a parser gives in place of arguments.
//!
//! Absent: the form of that line, which is the program's.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::process::ExitCode;

/// What was wrong with the arguments, for a line of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, in one sentence.
    pub message: String,
    /// The parser's tip, or where help is.
    pub hint: String,
}

/// Prints what the parser has to show in place of arguments, and gives the exit code: 0 of help that was read, else 2. A refusal goes to
/// `tell` as well when the arguments or `environment`, the form of output that is set below them, ask for JSON.
pub fn answer(
    shown: &clap::Error,
    environment: Option<&OsStr>,
    help: &str,
    tell: impl FnOnce(Refusal),
) -> ExitCode {
    // Help that nobody could read is not a success.
    let lost = shown.print().and_then(|()| std::io::stdout().flush()).is_err();
    if shown.use_stderr() && wants_json(std::env::args_os().skip(1), environment) {
        tell(refusal(&shown.render().to_string(), help));
    }
    ExitCode::from(if lost || shown.use_stderr() { 2 } else { 0 })
}

/// Whether arguments, which the parser refused, or the environment ask for JSON.
fn wants_json(arguments: impl Iterator<Item = OsString>, environment: Option<&OsStr>) -> bool {
    let (mut json, mut follows) = (environment.is_some_and(|form| form == "json"), false);
    for argument in arguments.take_while(|argument| argument != "--") {
        if follows {
            json = argument == "json";
        } else if let Some(form) = argument.to_str().and_then(|text| text.strip_prefix("--output=")) {
            json = form == "json";
        }
        follows = argument == "--output";
    }
    json
}

/// What is wrong, and the parser's tip or where help is.
fn refusal(rendered: &str, help: &str) -> Refusal {
    let mut parts = rendered.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = parts.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let tip = parts.find_map(|part| part.strip_prefix("tip: ").map(str::to_owned));
    Refusal { message, hint: tip.unwrap_or_else(|| help.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_by_arguments_in_either_form_and_below_them_by_the_environment() {
        let asks = |text: &str, environment: Option<&str>| {
            wants_json(text.split(' ').map(OsString::from), environment.map(OsStr::new))
        };
        assert!(asks("sim --output json", None) && asks("--output=json sim", None));
        assert!(asks("sim", Some("json")) && !asks("sim", Some("text")) && !asks("sim json", None));
        assert!(!asks("--output text sim", Some("json")) && !asks("sim -- --output json", None));
    }

    #[test]
    fn what_is_wrong_is_one_sentence_and_a_tip_is_the_next_step() {
        let text = "error: these were not provided:\n  --seed <N>\n  <FILE>\n\nUsage: x\n\nFor more";
        let told = refusal(text, "read it");
        assert_eq!(told.message, "these were not provided: --seed <N> <FILE>");
        assert_eq!(told.hint, "read it");
        let tip = refusal("error: no '--sed'\n\n  tip: it is '--seed'\n\nUsage: x", "read it");
        assert_eq!((tip.message.as_str(), tip.hint.as_str()), ("no '--sed'", "it is '--seed'"));
    }
}
