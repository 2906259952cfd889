//! `aula district export`: all of a district's data in open formats, for a district that takes it elsewhere.
//!
//! Flow: what the node has of the district → the vault's whole records, each read listed → a folder with a manifest. Without a node
//! the vault's half is written, and the answer says what waits. Invariant: the folder has no manifest before it is whole. Absent:
//! reading such a folder, which is `aula district rebuild`.

use std::path::PathBuf;

use aula_district::portable::export::{ExportError, OfLedger, export};
use aula_server::reports::folder::{empty, unwritable};
use clap::Args;
use serde_json::json;

use crate::command::vault::record::LedgerArgs;
use crate::command::vault::{Place, refused};
use crate::command::{Context, Failure, Outcome, absolute, now_ms};

mod ledger;

/// Arguments of `aula district export`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula district export -o /media/disk/export           a new or empty folder\n  aula district rebuild /media/disk/export             anywhere: twins and \
                  anchored hashes, from the folder alone\n  tar -C /media/disk -c export | age -r age1… > export.tar.age\n\nJSON lines, described in docs/portability.md. The folder has names, \
                  records and the students' secrets: whoever has it can do what this vault can, so encrypt it. Every student's read is listed in the access \
                  log as aula-export.\nExit 0: all is there; 1: the ledger's part waits for a node; 2: could not."
)]
pub struct ExportArgs {
    /// Where it goes: a new or an empty folder
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Where the vault is
    #[command(flatten)]
    pub place: Place,
}

/// Writes it.
///
/// # Errors
/// A vault that refuses, a folder that cannot be written.
pub async fn run(context: &Context, ledger: &LedgerArgs, args: &ExportArgs) -> Result<Outcome, Failure> {
    let folder = absolute(&args.out)?;
    empty(&folder)?;
    let (of_ledger, waiting) = match ledger::ask(context, ledger, &args.place).await {
        Ok(told) => (told, None),
        Err(failure) => (OfLedger::default(), Some(failure)),
    };
    let vault = args.place.open(context)?;
    let manifest = export(&vault, &folder, &of_ledger, now_ms()).map_err(told)?;
    let lines =
        |name: &str| manifest.files.iter().find(|file| file.name == name).map_or(0, |file| file.lines);
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    let json = json!({
        "folder": folder, "district": manifest.district, "students": lines("students.jsonl"),
        "events": lines("events.jsonl"), "versions": lines("versions.jsonl"), "files": manifest.files.len(),
        "bytes": bytes,
        "waiting": waiting.as_ref().map(|why| json!({ "code": why.code, "reason": why.message, "next": why.hint })),
    });
    let text = format!(
        "{}\n{} students, {} events, {} anchored versions, {} files, {bytes} bytes",
        folder.display(),
        lines("students.jsonl"),
        lines("events.jsonl"),
        lines("versions.jsonl"),
        manifest.files.len(),
    );
    Ok(match waiting {
        None => Outcome::yes(json, text),
        Some(why) => {
            let text = format!(
                "{text}\nwithout what the ledger has: {}\n  next: {}, and export again",
                why.message, why.hint
            );
            Outcome::no(json, text)
        }
    })
}

fn told(error: ExportError) -> Failure {
    match error {
        ExportError::Vault(error) => refused(error),
        ExportError::Io { path, source } => unwritable(&path, &source),
        error => Failure::telling(&error, "restore the vault from its last copy: `aula restore`")
            .named("export_refused"),
    }
}
