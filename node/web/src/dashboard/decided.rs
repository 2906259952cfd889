//! What rounds decided for one student, straight from the ledger's rows: nothing is solved again for it.

use aula_ledger::audit::why::Who;
use aula_ledger::state::schema::{self, Class, DecisionRow, Placement, RequestRow};
use aula_ledger::state::{StateReader, StoreError};
use aula_ledger::types::SchoolYear;
use aula_store::ChainView;

use super::parts::{Key, Part, Placed};

/// Rounds that are shown, the newest.
const ROUNDS: usize = 12;

/// The decisions on a student of a year.
///
/// # Errors
/// When the database fails.
pub(super) fn parts(view: &ChainView, year: SchoolYear, who: Who) -> Result<Vec<(Key, Part)>, StoreError> {
    let Some(district) = who.district else { return Ok(Vec::new()) };
    let key = schema::round_row_key(district, &who.handle);
    let mut found = Vec::new();
    for round in schema::rounds(view)?.iter().rev().filter(|round| round.school_year == year) {
        if found.len() >= ROUNDS {
            break;
        }
        let Some(request) = view.row(&schema::requests_tree(round.round), &key)? else { continue };
        let request: RequestRow = schema::decode(&request)?;
        let Some(class) = schema::class(view, round.class)? else { continue };
        let row = view.row(&schema::decisions_tree(round.round), &key)?;
        let row: Option<DecisionRow> = row.map(|row| schema::decode(&row)).transpose()?;
        let kind =
            |at: usize| class.definition.kinds.get(at).map_or_else(|| format!("{at}"), ToString::to_string);
        let part = Part::Decision {
            title: class.definition.title.to_string(),
            asked: request.kinds.iter().map(|one| kind(usize::from(one.0))).collect(),
            band: request.band.get(),
            placed: row.as_ref().map(|row| placed(view, &class, row)).transpose()?.flatten(),
            decided: row.is_some(),
            stands: class.standing_round == Some(round.round),
        };
        found.push((Key::Decision(round.round.0), part));
    }
    Ok(found)
}

fn placed(view: &ChainView, class: &Class, row: &DecisionRow) -> Result<Option<Placed>, StoreError> {
    let Placement::Pool { pool, rank, .. } = row.placement else { return Ok(None) };
    let Some(record) = schema::pool(view, pool)? else { return Ok(None) };
    let kind = aula_read::round_figures::kind_name(Some(class), &record);
    Ok(Some(Placed { kind, school: record.school.0, choice: u32::from(rank) + 1 }))
}
