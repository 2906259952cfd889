//! `aula lake status`: what each table has.

use std::path::Path;

use serde_json::json;

use super::{day, is_there, open, standing, told, uri};
use crate::command::{Failure, Outcome};

/// Tells. Exit 0: there is a lake; 1: there is none yet.
pub(super) async fn run(folder: &Path) -> Result<Outcome, Failure> {
    if !is_there(folder) {
        let text = format!("{} is not a lake yet\nnext: aula lake sync", folder.display());
        return Ok(Outcome::no(json!({ "folder": folder, "catalog": null, "tables": [] }), text));
    }
    let lake = open(folder).await?;
    let (mut tables, mut lines) = (Vec::new(), Vec::new());
    for table in lake.tables() {
        let found = lake.standing(table).await.map_err(told)?;
        let days = found.days.and_then(|(first, last)| Some(format!(", {} to {}", day(first)?, day(last)?)));
        lines.push(format!(
            "{}: {} rows in {} files ({} bytes), {} snapshots{}",
            table.name,
            found.rows,
            found.files,
            found.bytes,
            found.snapshots,
            days.unwrap_or_default()
        ));
        tables.push(standing(table.name, &found));
    }
    lines.push(format!("catalog {}", uri(folder)));
    let json = json!({ "folder": folder, "catalog": uri(folder), "tables": tables });
    Ok(Outcome::yes(json, lines.join("\n")))
}
