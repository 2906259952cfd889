//! `aula vault handles`: the pseudonyms of the district's students. No record is read: the ledger has them too.

use aula_ledger::types::SchoolYear;
use clap::Args;
use serde_json::json;

use super::super::{Context, Failure, Outcome};
use super::Place;

/// Arguments of `aula vault handles`.
#[derive(Debug, Args)]
pub struct HandlesArgs {
    /// Only of this school year, by the calendar year in which it starts
    #[arg(long, value_name = "YEAR")]
    pub year: Option<u16>,
}

/// Lists them, ascending.
///
/// # Errors
/// When the vault cannot be opened.
pub fn run(context: &Context, place: &Place, args: &HandlesArgs) -> Result<Outcome, Failure> {
    let vault = place.open(context)?;
    let mut handles = vault.keystore().all_handles();
    handles.retain(|(_, year)| args.year.is_none_or(|wanted| SchoolYear(wanted) == *year));
    let lines: Vec<String> = handles.iter().map(|(handle, year)| format!("{handle}  {year}")).collect();
    let rows: Vec<_> =
        handles.iter().map(|(handle, year)| json!({ "handle": handle, "school_year": year })).collect();
    Ok(Outcome::yes(json!({ "handles": rows }), lines.join("\n")))
}
