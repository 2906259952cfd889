//! Validators with what is known of their work, from certificates alone.

use aula_ledger::state::schema;
use aula_ledger::types::ValidatorAddress;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::index::Index;
use super::table::Table;
use crate::ReadError;
use aula_store::ChainView;

/// A validator, of the set that decides the next block or of an earlier one.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValidatorLine {
    /// Its address.
    #[schema(value_type = String)]
    pub address: ValidatorAddress,
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub operator: Option<String>,
    /// Its voting power for the next block; 0 when it is no longer in the set.
    pub power: u64,
    /// Blocks it was to sign.
    pub expected: u64,
    /// Blocks whose certificate holds its signature: a certificate is done with two thirds, late ones are not in it.
    pub signed: u64,
    /// Blocks it proposed.
    pub proposed: u64,
    /// Rounds in which its turn to propose ended without a block.
    pub missed_rounds: u64,
    /// The last height it signed.
    pub last_signed: u64,
    /// Share of blocks signed, in parts per million, rounded down.
    pub signed_ppm: Option<u64>,
}

/// All validators known, and how far they are counted.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Uptime {
    /// The height up to which is counted.
    pub height: u64,
    /// Rounds of consensus that decided nothing, of all heights.
    pub failed_rounds: u64,
    /// The validators, by name.
    pub validators: Vec<ValidatorLine>,
}

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
