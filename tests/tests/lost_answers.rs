//! An answer that standard output does not take is lost: no command says yes then.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use aula_tests::program;

/// Runs a program with nothing but a full device to write its answer to.
fn told_to_a_full_disk(name: &str, args: &[&str]) -> Result<(Option<i32>, String)> {
    let full = OpenOptions::new().write(true).open("/dev/full")?;
    let home = tempfile::tempdir()?;
    let mut command = Command::new(program(name)?);
    let out = command.args(args).env("AULA_HOME", home.path()).stdin(Stdio::null()).stdout(full).output()?;
    Ok((out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned()))
}

#[test]
fn an_answer_that_cannot_be_written_is_could_not_and_says_so() -> Result<()> {
    let evidence = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ledger/vectors/evidence");
    let path = |name: &str| evidence.join(name).to_str().map(str::to_owned).context("a path in UTF-8");
    let (round, genesis) = (path("round.bundle")?, path("genesis.json")?);
    let (instance, certificate) = (path("small.srap")?, path("small.cert")?);
    let verify = ["verify", round.as_str(), "--genesis", &genesis];
    let optimize = ["optimize", instance.as_str()];
    let json = ["--output", "json"];
    let of_aula = [
        optimize.to_vec(),
        [&optimize[..], &json].concat(),
        vec!["completion", "bash"],
        vec!["--help"],
        vec!["optimize", "--help"],
        vec!["--version"],
    ];
    let of_audit = [
        verify.to_vec(),
        [&verify[..], &json].concat(),
        vec!["inspect", &round],
        vec!["certificate", &instance, &certificate],
        vec!["--help"],
        vec!["--version"],
    ];
    let asked = of_aula.iter().map(|args| ("aula", args));
    for (name, args) in asked.chain(of_audit.iter().map(|args| ("aula-audit", args))) {
        let (code, said) = told_to_a_full_disk(name, args)?;
        ensure!(code == Some(2), "{name} {args:?} ended with {code:?}: {said}");
        let is_help = args.iter().any(|arg| arg.starts_with("--help") || arg.starts_with("--version"));
        ensure!(is_help || said.contains("cannot be written"), "{name} {args:?}: {said}");
    }
    Ok(())
}
