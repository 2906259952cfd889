//! `aula lake compact`: every table of more files than days written anew, older snapshots gone.

use std::path::Path;

use serde_json::json;

use super::{is_there, open, told};
use crate::command::{Failure, Outcome};

/// Compacts. Exit 0: done; 1: there is no lake yet.
pub(super) async fn run(folder: &Path) -> Result<Outcome, Failure> {
    if !is_there(folder) {
        let text = format!("{} is not a lake yet\nnext: aula lake sync", folder.display());
        return Ok(Outcome::no(json!({ "tables": [], "files_deleted": 0 }), text));
    }
    let lake = open(folder).await?;
    let (mut tables, mut lines, mut deleted) = (Vec::new(), Vec::new(), 0u64);
    for table in lake.tables() {
        let before = lake.standing(table).await.map_err(told)?;
        if before.files > before.days_with_rows {
            lake.rewrite(table, |_, _| true).await.map_err(told)?;
            deleted = deleted.saturating_add(before.files);
        }
        deleted = deleted.saturating_add(lake.clean(table, i64::MAX).await.map_err(told)?);
        let after = lake.standing(table).await.map_err(told)?;
        lines.push(format!(
            "{}: {} rows, {} files before, {} now",
            table.name, after.rows, before.files, after.files
        ));
        tables.push(json!({
            "name": table.name, "rows": after.rows, "files_before": before.files, "files": after.files,
            "snapshots_before": before.snapshots, "snapshots": after.snapshots,
            "snapshot": after.snapshot.map(|id| id.to_string()),
        }));
    }
    lines.push(format!("{deleted} files deleted"));
    Ok(Outcome::yes(json!({ "tables": tables, "files_deleted": deleted }), lines.join("\n")))
}
