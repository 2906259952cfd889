//! The district's lake beside a living node: what the vault and the ledger have, once each, and nothing of a student who is erased.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use aula_tests::founders::Running;
use serde_json::Value;

fn table<'a>(told: &'a Value, name: &str) -> &'a Value {
    let tables = told["tables"].as_array();
    tables.into_iter().flatten().find(|one| one["name"] == name).unwrap_or(&Value::Null)
}

/// Which files below a folder have these bytes.
fn with_bytes(folder: &Path, bytes: &[u8]) -> Result<usize> {
    let mut found = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        found += match path.is_dir() {
            true => with_bytes(&path, bytes)?,
            false => usize::from(std::fs::read(&path)?.windows(bytes.len()).any(|window| window == bytes)),
        };
    }
    Ok(found)
}

/// Plays it for a district of so many students, each with a request in one decided round.
pub fn has_each_row_once(node: &Running, students: u32, handle: &str) -> Result<()> {
    let none = node.run(1, &["lake", "status"])?;
    ensure!(none["tables"].as_array().is_some_and(Vec::is_empty), "{none}");
    let first = node.run(0, &["lake", "sync"])?;
    let rows = |told: &Value, name: &str| table(told, name)["rows"].as_u64();
    ensure!(first["waiting"].as_array().is_some_and(Vec::is_empty), "{first}");
    ensure!(rows(&first, "decisions") == Some(u64::from(students)), "{first}");
    ensure!(
        rows(&first, "events") >= Some(u64::from(students)) && rows(&first, "figures") > Some(0),
        "{first}"
    );
    ensure!(first["reads_listed"] == students, "{first}");
    let again = node.run(0, &["lake", "sync"])?;
    ensure!(again["reads_listed"] == 0, "what is there is not read again: {again}");
    for name in ["events", "decisions", "readings", "figures"] {
        ensure!(
            table(&again, name)["rows_added"] == 0 && table(&again, name)["rows_removed"] == 0,
            "{again}"
        );
        ensure!(rows(&again, name) == rows(&first, name), "{again}");
    }
    let folder = node.home.join("lake");
    ensure!(with_bytes(&folder, handle.as_bytes())? == 0, "no handle of the ledger's is in the lake");
    ensure!(with_bytes(&folder, "catalog_name".as_bytes())? > 0, "the search finds what is there");

    let compacted = node.run(0, &["lake", "compact"])?;
    ensure!(rows(&compacted, "events") == rows(&first, "events"), "{compacted}");
    let erased = node.run(0, &["vault", "erase", handle])?;
    let gone = erased["lake_rows_removed"].as_u64().context("no count")?;
    ensure!(gone >= 2, "an event and a decision at least: {erased}");
    let status = node.run(0, &["lake", "status"])?;
    let sum = |told: &Value| rows(told, "events").zip(rows(told, "decisions")).map(|(one, two)| one + two);
    ensure!(sum(&status).map(|left| left + gone) == sum(&first), "{status}");
    ensure!(table(&status, "events")["snapshots"] == 1, "{status}");
    let after = node.run(0, &["lake", "sync"])?;
    ensure!(sum(&after) == sum(&status), "nothing of the student comes back: {after}");
    let rebuilt = node.run(0, &["lake", "sync", "--rebuild"])?;
    ensure!(sum(&rebuilt) == sum(&status), "{rebuilt}");
    Ok(())
}
