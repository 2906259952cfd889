//! Arguments that are refused: the parser's text on stderr, and for who reads JSON one line on stdout as well.

use std::ffi::{OsStr, OsString};

use super::Failure;
use super::failure::line;

/// What helps when the parser has no tip of its own.
const HELP: &str = "aula --help and aula COMMAND --help show what is taken";

/// Prints the line, when it is an error and the arguments or AULA_OUTPUT, below them, ask for JSON.
pub fn tell(shown: &clap::Error, arguments: impl Iterator<Item = OsString>, environment: Option<&OsStr>) {
    if shown.use_stderr() && wants_json(arguments, environment) {
        let (message, hint) = said(&shown.render().to_string());
        line(&Failure::new("usage", message, hint));
    }
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
fn said(rendered: &str) -> (String, String) {
    let mut parts = rendered.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let message = parts.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let tip = parts.find_map(|part| part.strip_prefix("tip: ").map(str::to_owned));
    (message, tip.unwrap_or_else(|| HELP.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_by_arguments_and_below_them_by_the_environment() {
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
        assert_eq!(said(text), ("these were not provided: --seed <N> <FILE>".into(), HELP.into()));
        let tip = said("error: no '--sed'\n\n  tip: it is '--seed'\n\nUsage: x");
        assert_eq!(tip, ("no '--sed'".into(), "it is '--seed'".into()));
    }
}
