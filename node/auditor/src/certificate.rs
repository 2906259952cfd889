//! `aula-audit certificate FILE.srap CERT`: is the saved assignment what its certificate says?

use std::path::PathBuf;

use aula_ledger::audit::{Optimum, Verdict, verify_optimum};
use aula_ledger::codec::Canonical;
use clap::Args;
use serde_json::{Value, json};

use crate::answer::{Answer, Failure, lines};
use crate::files::read;

/// Most bytes of an instance: 2^28 pairs of 4 bytes, and what stands before them.
const MAX_INSTANCE_BYTES: u64 = (1 << 30) + (1 << 24);

/// Arguments of `aula-audit certificate`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  aula optimize round.srap --save-certificate round.cert\n  aula-audit certificate round.srap round.cert"
)]
pub(crate) struct CertificateArgs {
    /// The instance, SRAP0001 or SRAP0002
    instance: PathBuf,
    /// What `aula optimize --save-certificate` wrote
    certificate: PathBuf,
}

/// The answer's fields when a file cannot be read.
pub(crate) fn unanswered() -> Value {
    json!({
        "valid": false, "verdict": Verdict::CannotTell, "objective": null, "dual": null, "gap_ppm": null,
        "optimal": false, "checks": [],
    })
}

/// Reads both files and checks.
pub(crate) fn run(args: &CertificateArgs) -> Result<Answer, Failure> {
    let instance = read(&args.instance, "instance", MAX_INSTANCE_BYTES)?;
    let saved = read(&args.certificate, "certificate", Optimum::MAX_BYTES)?;
    let report = verify_optimum(&instance, &saved);
    let verdict = match (report.verdict, report.gap_ppm) {
        (Verdict::Valid, Some(0)) => "VALID: the assignment is optimal.",
        (Verdict::Valid, _) => "VALID: the gap is proved; the assignment may not be optimal.",
        (Verdict::Invalid, _) => "INVALID: the certificate does not prove this assignment.",
        (Verdict::CannotTell, _) => "CANNOT TELL: a file is not of a kind this program reads.",
    };
    let json = json!({
        "valid": report.verdict == Verdict::Valid,
        "verdict": report.verdict,
        "objective": report.objective,
        "dual": report.dual,
        "gap_ppm": report.gap_ppm,
        "optimal": report.gap_ppm == Some(0),
        "checks": report.checks,
    });
    Ok(Answer {
        exit_code: report.verdict.exit_code(),
        text: format!("{}{verdict}", lines(&report.checks)),
        json,
    })
}
