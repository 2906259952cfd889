//! Arguments that are refused, as a program that reads JSON sees it: exit 2, the parser's text on stderr, one line on stdout.

use std::process::Command;

use serde_json::Value;

type Wrong = Box<dyn std::error::Error>;

#[test]
fn refused_arguments_are_one_line_for_who_asks_for_json_and_none_for_others() -> Result<(), Wrong> {
    let run = |args: &str, environment: Option<&str>| -> Result<(Option<i32>, String, String), Wrong> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aula"));
        command.args(args.split_whitespace()).env_remove("AULA_OUTPUT");
        if let Some(form) = environment {
            command.env("AULA_OUTPUT", form);
        }
        let output = command.output()?;
        Ok((output.status.code(), String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?))
    };
    for (args, environment) in [
        ("sim --output json", None),
        ("--output=json sim --seed many", None),
        ("status --nonsense", Some("json")),
        ("--output json", None),
    ] {
        let (code, stdout, stderr) = run(args, environment)?;
        assert_eq!((code, stdout.lines().count()), (Some(2), 1), "{args}: {stdout}");
        let told: Value = serde_json::from_str(&stdout)?;
        assert_eq!(told["error"]["code"], "usage", "{args}");
        let said = |name: &str| told["error"][name].as_str().is_some_and(|text| !text.is_empty());
        assert!(
            said("message") && said("hint") && stderr.contains("Usage") | stderr.contains("error"),
            "{args}"
        );
    }
    for (args, environment) in [("sim", None), ("--output text sim", Some("json"))] {
        let (code, stdout, _) = run(args, environment)?;
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{args}");
    }
    let (code, stdout, _) = run("--help", Some("json"))?;
    assert!(code == Some(0) && stdout.contains("Usage"), "help is help");
    Ok(())
}
