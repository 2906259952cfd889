//! Tables of the lake that get the rows they lack and lose those that are true no longer.

use std::collections::HashSet;

use aula_lake::lake::Lake;
use aula_lake::rows::{Row, RowId};
use aula_lake::tables::Definition;

use super::told;
use crate::command::Failure;

/// Rows that are added in one commit.
pub(super) const BATCH: usize = 200_000;

/// What happened to a table.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Synced {
    /// Rows added.
    pub(super) added: u64,
    /// Rows removed.
    pub(super) removed: u64,
}

/// Makes the table have exactly these rows.
pub(super) async fn mirror(
    lake: &Lake,
    table: &Definition,
    rows: Vec<(RowId, Row)>,
) -> Result<Synced, Failure> {
    let there = lake.ids(table).await.map_err(told)?;
    let present: HashSet<RowId> = rows.iter().map(|(id, _)| *id).collect();
    let added = append_missing(lake, table, rows).await?.added;
    Ok(Synced { added, removed: drop_others(lake, table, (&there, &present)).await? })
}

/// Adds rows whose ids the table has not.
pub(super) async fn append_missing(
    lake: &Lake,
    table: &Definition,
    rows: Vec<(RowId, Row)>,
) -> Result<Synced, Failure> {
    let mut there = lake.ids(table).await.map_err(told)?;
    let missing: Vec<Row> =
        rows.into_iter().filter_map(|(id, row)| there.insert(id).then_some(row)).collect();
    for batch in missing.chunks(BATCH) {
        lake.append(table, batch).await.map_err(told)?;
    }
    Ok(Synced { added: missing.len() as u64, removed: 0 })
}

/// Leaves out of the table what was there and is not present any more.
pub(super) async fn drop_others(
    lake: &Lake,
    table: &Definition,
    (there, present): (&HashSet<RowId>, &HashSet<RowId>),
) -> Result<u64, Failure> {
    if there.is_subset(present) {
        return Ok(0);
    }
    Ok(lake.rewrite(table, |id, _| present.contains(id)).await.map_err(told)?.removed)
}
