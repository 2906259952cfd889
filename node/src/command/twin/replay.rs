//! `aula twin replay`: an auditor who is given a student's events folds them to the anchored hash.
//!
//! The file is a disclosure, written by the district for one student and one anchored version. The anchored hash
//! comes from the ledger, never from the file.

use std::path::PathBuf;

use aula_district::disclosure;
use clap::Args;

use crate::command::folded::check;
use crate::command::{Failure, Outcome};

/// Arguments of `aula twin replay`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit 0: the events fold to the anchored hash; 1: they do not; 2: it could not be checked. Take the \
                        hash from the ledger (aula evidence student, or the verified bundle), not from the district."
)]
pub struct ReplayArgs {
    /// The district's disclosure: parameters, events, salts
    #[arg(long, value_name = "FILE.json")]
    pub events: PathBuf,
    /// The anchored state hash, 64 hex digits
    #[arg(long, value_name = "HEX")]
    pub anchored: String,
    /// The model digest the anchor names, 64 hex digits; not compared when left out
    #[arg(long, value_name = "HEX")]
    pub model_digest: Option<String>,
}

/// Runs `aula twin replay`.
///
/// # Errors
/// When the file cannot be read, is not a disclosure, or lacks a salt.
pub fn run(args: &ReplayArgs) -> Result<Outcome, Failure> {
    let anchored = digest_of(&args.anchored, "--anchored")?;
    let model = args.model_digest.as_deref().map(|text| digest_of(text, "--model-digest")).transpose()?;
    let disclosure = disclosure::read(&args.events)?;
    let report = check(&disclosure, anchored, model)?;
    let text = report.text();
    Ok(if report.agrees { Outcome::yes(report, text) } else { Outcome::no(report, text) })
}

fn digest_of(text: &str, flag: &str) -> Result<[u8; 32], Failure> {
    let bytes = hex::decode(text).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
    bytes.ok_or_else(|| {
        Failure::new("bad_hash", format!("{flag} is not 64 hex digits"), "give a SHA-256 in hex")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_64_hex_digits() {
        assert!(digest_of(&"ab".repeat(32), "--anchored").is_ok());
        for wrong in ["12", "", &"xy".repeat(32), &"ab".repeat(33)] {
            assert!(digest_of(wrong, "--anchored").is_err(), "{wrong}");
        }
    }
}
