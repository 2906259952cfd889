//! Validators with what is known of their work, from certificates alone.

pub use aula_api::chain::{Uptime, ValidatorLine};
use aula_ledger::state::schema;
use serde_json::json;

use super::index::Index;
use super::table::Table;
use crate::ReadError;
use aula_store::ChainView;

/// Reads the sets and counts.
///
/// # Errors
/// When the database fails.
pub fn uptime(view: &ChainView, index: &Index) -> Result<Uptime, ReadError> {
    let set = schema::validator_schedule(view)?.next;
    let infos = schema::validator_infos(view)?;
    let contents = index.follow(view)?;
    let mut validators: Vec<ValidatorLine> = infos
        .iter()
        .map(|info| {
            let work = contents.work(&info.address);
            ValidatorLine {
                address: info.address,
                name: info.name.to_string(),
                operator: Some(info.operator.to_string()),
                power: set.get(&info.address).map_or(0, |validator| validator.power),
                expected: work.expected,
                signed: work.signed,
                proposed: work.proposed,
                missed_rounds: work.missed_rounds,
                last_signed: work.last_signed,
                signed_ppm: (work.signed * 1_000_000).checked_div(work.expected),
            }
        })
        .collect();
    validators.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Uptime { height: contents.height(), failed_rounds: contents.failed_rounds(), validators })
}

/// The validators as a table.
pub fn table(uptime: &Uptime) -> Table {
    let columns: &[&str] = &[
        "address",
        "name",
        "operator",
        "power",
        "expected",
        "signed",
        "proposed",
        "missed_rounds",
        "last_signed",
    ];
    let row = |v: &ValidatorLine| {
        vec![
            json!(v.address),
            json!(v.name),
            json!(v.operator),
            json!(v.power),
            json!(v.expected),
            json!(v.signed),
            json!(v.proposed),
            json!(v.missed_rounds),
            json!(v.last_signed),
        ]
    };
    Table { columns, rows: uptime.validators.iter().map(row).collect() }
}
