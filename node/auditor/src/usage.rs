//! Arguments that are refused: the parser's text on stderr, and for who reads JSON one line on stdout as well.

use std::ffi::OsString;

use serde_json::json;

use crate::answer::say_failed;

/// What helps when the parser has no tip of its own.
const HELP: &str = "aula-audit --help and aula-audit COMMAND --help show what is taken";

/// Prints the line, when it is an error and the arguments ask for JSON.
pub(crate) fn tell(shown: &clap::Error, arguments: impl Iterator<Item = OsString>) {
    if shown.use_stderr() && wants_json(arguments) {
        let (message, hint) = said(&shown.render().to_string());
        say_failed("usage", &message, &hint, json!({ "valid": false }));
    }
}

/// Whether the arguments, which the parser refused, ask for JSON.
fn wants_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let (mut json, mut follows) = (false, false);
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
    fn json_is_asked_for_in_either_form_and_not_by_a_file_of_that_name() {
        let asks = |line: &str| wants_json(line.split(' ').map(OsString::from));
        assert!(asks("verify --output json") && asks("--output=json verify"));
        assert!(!asks("verify json") && !asks("--output text verify") && !asks("verify -- --output json"));
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        let text = "error: these were not provided:\n  --genesis <G>\n  <FILE>\n\nUsage: x\n\nFor more";
        assert_eq!(said(text).0, "these were not provided: --genesis <G> <FILE>");
        assert_eq!(said("error: no '--gen'\n\n  tip: it is '--genesis'\n\nUsage: x").1, "it is '--genesis'");
    }
}
