//! `aula vault erase HANDLE`: the student is gone in every year; the ledger gets a RecordErasure a year.
//!
//! The keys are destroyed first and the ledger is told after: when it cannot be reached the erasure stands, and the
//! same command, or one without a handle, records what is missing.

use aula_ledger::code::Code;
use aula_ledger::tx::RecordErasure;
use aula_ledger::types::Handle;
use aula_vault::Vault;
use aula_vault::erase::{Erased, Stage};
use aula_web::family_link;
use clap::Args;
use serde_json::{Value, json};

use super::super::{Advise, Context, Failure, Outcome, lake};
use super::record::{LedgerArgs, record};
use super::{Place, handle, now_ms, refused};

/// Arguments of `aula vault erase`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula vault erase HANDLE --rpc http://127.0.0.1:8480\n  aula vault erase            records on the \
                        ledger what could not be recorded before\n\nThe student is erased in every year, and the key-encryption key is \
                        replaced. What is left of older copies of the data opens to nobody once the keystore is backed up again: aula \
                        backup --keys DIR. The ledger and every bundle stay valid. This cannot be undone."
)]
pub struct EraseArgs {
    /// One of the student's pseudonyms, 64 hex digits, of any year; without one, only what could not be recorded before is recorded
    pub handles: Vec<String>,
    /// Where the erasure is recorded
    #[command(flatten)]
    pub ledger: LedgerArgs,
}

/// Erases and records.
///
/// # Errors
/// An unknown handle before anything has changed; a ledger that cannot be reached: the erasure stands then.
pub async fn run(context: &Context, place: &Place, args: &EraseArgs) -> Result<Outcome, Failure> {
    let handles: Vec<Handle> = args.handles.iter().map(|text| handle(text)).collect::<Result<_, _>>()?;
    let vault = place.open(context)?;
    let erased = vault.erase(&handles, now_ms()).map_err(refused)?;
    if !erased.is_empty() {
        let links = family_link::revoke_of(&context.home.links_dir(), &erased, now_ms());
        links.advise(
            "a link to the student's page could not be revoked",
            "run `aula vault erase HANDLE` again",
        )?;
        vault.beside_changed().map_err(refused)?;
        context.tell(format_args!("{} handles erased here; recording them on the ledger", erased.len()));
    }
    let lake_rows_removed = lake::forget(context, &vault).await.map_err(|failure| Failure {
        hint: format!(
            "the student is erased in the vault; for the lake: {}; then `aula vault erase` again",
            failure.hint
        ),
        ..failure
    })?;
    let mut receipts = Vec::new();
    for (handle, note) in vault.erasures().map_err(refused)? {
        if note.stage != Stage::Recorded {
            receipts.push(tell(context, args, &vault, handle, &note).await?);
        }
    }
    let text = format!(
        "{} handles erased, {} recorded on the ledger\nnext: aula backup --keys DIR, so that no copy of the old keys is left",
        erased.len(),
        receipts.len()
    );
    Ok(Outcome::yes(
        json!({ "erased": erased, "receipts": receipts, "lake_rows_removed": lake_rows_removed }),
        text,
    ))
}

/// One handle a transaction: no batch says which handles were one student.
async fn tell(
    context: &Context,
    args: &EraseArgs,
    vault: &Vault,
    handle: Handle,
    note: &Erased,
) -> Result<Value, Failure> {
    let Erased { school_year, destroyed_keystore, .. } = *note;
    let payload = RecordErasure { school_year, handles: vec![handle], destroyed_keystore };
    let recorded = record(context, &args.ledger, payload).await.map_err(|failure| Failure {
        hint: "the student is erased here; run `aula vault erase` once the node answers, to record it".into(),
        ..failure
    })?;
    let receipt = match recorded.code {
        Code::Accepted | Code::HandleErased => Some((recorded.id, recorded.height)),
        // Never anchored: the ledger knows nothing of this handle, so there is nothing to record.
        Code::UnknownHandle => None,
        _ => return Err(recorded.refusal("the erasure")),
    };
    vault.keep_erasure_receipt(&[handle], receipt).map_err(refused)?;
    Ok(json!({
        "handle": handle, "school_year": school_year, "transaction": receipt.map(|(id, _)| id),
        "height": receipt.map(|(_, height)| height), "was_anchored": receipt.is_some(),
    }))
}
