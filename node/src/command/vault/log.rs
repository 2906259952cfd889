//! `aula vault log`: who read what; the head on the ledger; and the proof that a read is listed.

use std::path::PathBuf;

use aula_api::PublicEvent;
use aula_api::event::AccessRecorded;
use aula_api::paths;
use aula_api::transactions::TransactionStatus;
use aula_api::vault::AccessLogs;
use aula_files::read_at_most;
use aula_ledger::access::AccessProof;
use aula_ledger::code::Code;
use aula_ledger::codec::Canonical;
use aula_ledger::proof::TreeHead;
use aula_ledger::tx::RecordAccess;
use aula_ledger::types::Handle;
use aula_vault::access::{Anchor, Held};
use clap::{Args, Subcommand};
use serde_json::json;

use super::super::rpc::RpcArgs;
use super::super::{Advise, Context, Failure, Outcome, absolute};
use super::record::{LedgerArgs, record};
use super::{Place, bind_to_node, handle, refused};

/// Arguments of `aula vault log`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault log list --handle HANDLE\n  aula vault log anchor --rpc http://127.0.0.1:8480\n  aula vault \
                        log prove 12 -o read-12.proof\n  aula vault log verify read-12.proof --rpc http://127.0.0.1:8480      for the family: \
                        needs no vault\n  aula evidence access DISTRICT --entry 12 -o read-12.bundle      the same, \
                        for aula-audit without any node"
)]
pub struct LogArgs {
    /// What to do with the log
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Print entries, oldest first; denied reads are entries too
    List {
        /// Only reads of this student, by a pseudonym of 64 hex digits
        #[arg(long, value_name = "HANDLE")]
        handle: Option<String>,
    },
    /// Put the log's head on the ledger, with the proof that it extends the one before
    Anchor {
        /// Where the head is anchored
        #[command(flatten)]
        ledger: LedgerArgs,
    },
    /// Write the proof that an entry is in the anchored log
    Prove {
        /// The entry's number, as `aula vault log list` prints it
        number: u64,
        /// Where the proof is written
        #[arg(short, long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Check such a proof against the ledger
    Verify {
        /// The proof, as `aula vault log prove` wrote it
        file: PathBuf,
        /// The node to ask for the anchored head
        #[command(flatten)]
        rpc: RpcArgs,
    },
}

/// Runs `aula vault log`.
///
/// # Errors
/// When the vault cannot be opened, a file cannot be read or written, or the ledger cannot be reached.
pub async fn run(context: &Context, place: &Place, args: &LogArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::List { handle } => list(context, place, handle.as_deref()),
        Action::Anchor { ledger } => anchor(context, place, ledger).await,
        Action::Prove { number, out } => prove(context, place, *number, out),
        Action::Verify { file, rpc } => verify(context, file, rpc).await,
    }
}

fn list(context: &Context, place: &Place, of: Option<&str>) -> Result<Outcome, Failure> {
    let of: Option<Handle> = of.map(handle).transpose()?;
    let mut entries = place.open(context)?.entries().map_err(refused)?;
    entries.retain(|entry| of.is_none_or(|handle| entry.handle == handle));
    let line = |entry: &aula_ledger::access::AccessEntry| {
        let fields: Vec<&str> = entry.fields.iter().map(|field| field.as_str()).collect();
        let verdict = match entry.verdict {
            aula_ledger::access::Verdict::Granted => "granted".to_owned(),
            aula_ledger::access::Verdict::Denied(denial) => format!("denied ({})", denial.explain()),
        };
        let (number, time, handle) = (entry.number, entry.time_ms, entry.handle);
        let (reader, role, purpose) = (&entry.reader, &entry.role, &entry.purpose);
        format!(
            "{number}  {time}  {handle}  {reader} as {role}{} for {purpose}: {}  {verdict}",
            entry.relation.as_ref().map(|relation| format!(" {}", relation.explain())).unwrap_or_default(),
            fields.join(",")
        )
    };
    let lines: Vec<String> = entries.iter().map(line).collect();
    Ok(Outcome::yes(json!({ "entries": entries }), lines.join("\n")))
}

pub(in crate::command) async fn anchor(
    context: &Context,
    place: &Place,
    ledger: &LedgerArgs,
) -> Result<Outcome, Failure> {
    let client = ledger.rpc.client(context)?;
    bind_to_node(context, place, &client).await?;
    let vault = place.open(context)?;
    let district = vault.identity().map_err(refused)?.district;
    let told: AccessLogs = client.get(paths::ACCESS_LOGS).await?;
    let own = told.logs.into_iter().find(|log| log.district == district);
    let held = own.map(|log| Held { epoch: log.epoch, head: log.head });
    let Some(grown) = vault.unanchored(held.as_ref()).map_err(refused)? else {
        let json = json!({ "anchored": false, "log_size": held.map_or(0, |held| held.head.leaf_count) });
        return Ok(Outcome::yes(json, "nothing to do: the whole log is anchored"));
    };
    let epoch = grown.epoch;
    let TreeHead { leaf_count: log_size, root } = grown.head;
    let payload = RecordAccess { epoch, log_size, root, consistency: grown.consistency };
    let recorded = record(context, ledger, payload).await?;
    if recorded.code != Code::Accepted {
        return Err(recorded.refusal("the log's head"));
    }
    let anchor = Anchor { epoch, head: grown.head, transaction: recorded.id, height: recorded.height };
    vault.keep_anchor(&anchor).map_err(refused)?;
    let began = held.is_some_and(|held| held.epoch != epoch);
    let note = if began {
        "\nentries were lost with the old vault: a new log begins, and the ledger says so"
    } else {
        ""
    };
    let text = format!(
        "{log_size} entries anchored in block {}, epoch {epoch}\ntransaction {}{note}",
        recorded.height, recorded.id
    );
    let json = json!({
        "anchored": true, "epoch": epoch, "log_size": log_size, "root": root, "transaction": recorded.id,
        "height": recorded.height, "began_epoch": began,
    });
    Ok(Outcome::yes(json, text))
}

fn prove(context: &Context, place: &Place, number: u64, out: &std::path::Path) -> Result<Outcome, Failure> {
    let vault = place.open(context)?;
    let proof = vault.prove(number).map_err(refused)?.ok_or_else(|| {
        let message = format!("entry {number} is not in the anchored log");
        Failure::new("not_anchored", message, "anchor the log with `aula vault log anchor`")
    })?;
    let path = absolute(out)?;
    std::fs::write(&path, proof.to_canonical())
        .advise(format!("cannot write {}", path.display()), "check the folder's owner and space")?;
    let text = format!("{}\ncheck it with: aula vault log verify {}", path.display(), path.display());
    let json = json!({
        "file": path, "entry": number, "log_size": proof.head.leaf_count, "root": proof.head.root,
        "transaction": proof.anchored_by,
    });
    Ok(Outcome::yes(json, text))
}

async fn verify(context: &Context, file: &std::path::Path, rpc: &RpcArgs) -> Result<Outcome, Failure> {
    let hint = "ask the district for the proof again";
    let bytes =
        read_at_most(file, AccessProof::MAX_BYTES).advise(format!("cannot read {}", file.display()), hint)?;
    let proof = AccessProof::from_canonical(&bytes).advise("this is not an access proof", hint)?;
    let client = rpc.client(context)?;
    let told: TransactionStatus = client.get(&paths::transaction(proof.anchored_by)).await?;
    let genesis = client.status().await?.genesis_sha256;
    let events = told.events.unwrap_or_default();
    // An epoch that ended stands before the one that begins.
    let anchored = match events.iter().rev().find_map(PublicEvent::fields::<AccessRecorded>) {
        Some(recorded) if told.code == Some(0) => recorded,
        _ => return Ok(no(&proof, "the ledger has no such anchor of an access log")),
    };
    let head = TreeHead { leaf_count: anchored.log_size, root: anchored.root };
    match proof.verify(&genesis, anchored.district, &head) {
        Err(error) => Ok(no(&proof, &error.to_string())),
        Ok(()) => {
            let entry = &proof.entry;
            let text = format!(
                "listed: entry {} of district {}'s log, {} as {} for {}",
                entry.number, entry.district, entry.reader, entry.role, entry.purpose
            );
            Ok(Outcome::yes(json!({ "listed": true, "entry": entry }), text))
        }
    }
}

fn no(proof: &AccessProof, why: &str) -> Outcome {
    Outcome::no(
        json!({ "listed": false, "why": why, "number": proof.entry.number }),
        format!("not listed: {why}"),
    )
}
