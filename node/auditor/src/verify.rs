//! `aula-audit verify FILE --genesis G`: is what the bundle shows true on the chain of this genesis?

use std::path::PathBuf;
use std::str::FromStr;

use aula_ledger::audit::{Options, Report, TrustedBlock, Verdict, ViaBundle, ViaReport, verify, verify_via};
use aula_ledger::codec::Canonical;
use aula_ledger::genesis::MAX_GENESIS_BYTES;
use aula_ledger::types::{Hash, Height};
use clap::Args;
use serde_json::{Value, json};

use crate::answer::{Answer, Failure, lines};
use crate::files::read;

/// Arguments of `aula-audit verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula-audit verify round-3.bundle --genesis genesis.json\n  aula-audit verify place.bundle --genesis \
                  parent.json --via-genesis consortium.json     evidence with --via, over two ledgers\n\nA decision that was reverted or replaced is valid evidence and ends \
                  with 1: its `standing` says so, `valid` stays true.\nA file or genesis that cannot be read, and a missing link, \
                  end with 2."
)]
pub(crate) struct VerifyArgs {
    /// The evidence bundle
    file: PathBuf,
    /// The genesis file of the chain
    #[arg(long)]
    genesis: PathBuf,
    /// The genesis file of the ledger whose head the first one anchors, for evidence over two ledgers
    #[arg(long, value_name = "FILE")]
    via_genesis: Option<PathBuf>,
    /// The published SHA-256 of the genesis file, in hex
    #[arg(long, value_name = "HEX")]
    genesis_sha256: Option<Hash>,
    /// A block known to be real, from elsewhere than the bundle
    #[arg(long, value_name = "HEIGHT:HASH", value_parser = trusted)]
    trusted: Option<TrustedBlock>,
}

fn trusted(text: &str) -> Result<TrustedBlock, String> {
    let (height, hash) = text.split_once(':').ok_or("expected HEIGHT:HASH")?;
    let height = u64::from_str(height).map_err(|error| format!("the height: {error}"))?;
    Ok(TrustedBlock {
        height: Height(height),
        hash: hash.parse().map_err(|error| format!("the hash: {error}"))?,
    })
}

/// The answer's fields when a file cannot be read.
pub(crate) fn unanswered() -> Value {
    json!({
        "valid": false, "verdict": Verdict::CannotTell, "standing": null, "chain_id": null, "genesis_sha256": null,
        "height": null, "time_ms": null, "checks": [],
    })
}

/// Reads both files and checks.
pub(crate) fn run(args: &VerifyArgs) -> Result<Answer, Failure> {
    let genesis = read(&args.genesis, "genesis file", MAX_GENESIS_BYTES as u64)?;
    let bundle = read(&args.file, "bundle", ViaBundle::MAX_BYTES)?;
    let options = Options { genesis_sha256: args.genesis_sha256, trusted: args.trusted };
    if let Some(path) = &args.via_genesis {
        let child = read(path, "genesis file", MAX_GENESIS_BYTES as u64)?;
        let report = verify_via(&bundle, &genesis, &child, &options);
        return Ok(Answer { exit_code: report.exit_code(), text: text_via(&report), json: report.to_json() });
    }
    let report = verify(&bundle, &genesis, &options);
    Ok(Answer { exit_code: report.exit_code(), text: text(&report), json: report.to_json() })
}

fn text(report: &Report) -> String {
    let chain = report.chain_id.as_ref().map_or("unknown", |id| id.as_str());
    format!(
        "chain    {chain}\ngenesis  sha256 {}\n{}{}",
        report.genesis_sha256,
        lines(&report.checks),
        report.sentence
    )
}

fn text_via(told: &ViaReport) -> String {
    let chain = told.via.chain_id.as_ref().map_or("unknown", |id| id.as_str());
    format!("via      {chain}\n         sha256 {}\n{}", told.via.genesis_sha256, text(&told.report))
}
