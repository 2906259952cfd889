//! `aula vault status`: whose vault, what it holds, when its key is due, what waits for the ledger.

use aula_vault::erase::Stage;
use serde_json::json;

use super::super::{Context, Failure, Outcome};
use super::{Place, now_ms, refused};

/// Prints it. Holds no secret and reads no record.
///
/// # Errors
/// When the vault cannot be opened.
pub fn run(context: &Context, place: &Place) -> Result<Outcome, Failure> {
    let vault = place.open(context)?;
    let bound = vault.identity().ok().cloned();
    let whose = bound.as_ref().map_or_else(
        || "bound to no chain yet".to_owned(),
        |identity| format!("district {} on {}", identity.district, identity.chain_id),
    );
    let (students, handles, current) = {
        let keystore = vault.keystore();
        (keystore.students(), keystore.handles(), keystore.current().clone())
    };
    let rotation = current.rotation(now_ms());
    let (records, events) = vault.estimate().map_err(refused)?;
    let log_size = vault.last_entry().map_err(refused)?.map_or(0, |entry| entry.number.saturating_add(1));
    let strangers = vault.strangers().map_err(refused)?;
    let anchored = vault.anchored().map_err(refused)?;
    let anchored_size = anchored.map_or(0, |anchor| anchor.head.leaf_count);
    let erasures = vault.erasures().map_err(refused)?;
    let pending = erasures.values().filter(|note| note.stage != Stage::Recorded).count();
    let text = format!(
        "{whose}\n{students} students, {handles} handles, about {records} fields and {events} events\nkey \
         generation {}: {rotation}\naccess log: {log_size} entries, {anchored_size} anchored; {strangers} reads refused to strangers, who are not listed\nerased: {} handles, {pending} \
         not recorded on the ledger yet",
        current.generation,
        erasures.len(),
    );
    let json = json!({
        "district": bound.as_ref().map(|identity| identity.district), "chain_id": bound.as_ref().map(|identity| &identity.chain_id),
        "account": vault.account(),
        "students": students, "handles": handles, "fields_estimate": records, "events_estimate": events,
        "generation": current.generation, "kek": current.kek, "created_ms": current.created_ms,
        "schedule": rotation, "log_size": log_size, "anchored_size": anchored_size,
        "strangers_refused": strangers,
        "erased": erasures.len(), "erasures_pending": pending,
    });
    Ok(Outcome::yes(json, text))
}
