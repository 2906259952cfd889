//! A district takes all of its data elsewhere: an export beside a living node, rebuilt in an empty home, against what the chain proves.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use aula_tests::founders::Running;
use aula_tests::services::text;
use aula_tests::{audit, aula, line};
use serde_json::Value;

/// Plays it for a district of so many students, all anchored, each with a request in one round.
pub fn takes_everything_elsewhere(node: &Running, genesis: &Path, students: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (out, empty) = (folder.path().join("export"), folder.path().join("empty-home"));
    let told = node.run(0, &["district", "export", "-o", text(&out)?])?;
    ensure!(told["students"] == students && told["waiting"].is_null(), "{told}");
    ensure!(told["versions"].as_u64() >= Some(u64::from(students)), "{told}");
    node.run(2, &["district", "export", "-o", text(&out)?])?;
    let words = ["district", "rebuild", text(&out)?, "--home", text(&empty)?, "--output", "json"];
    let rebuilt = line(&aula(&words)?, 0)?;
    ensure!(rebuilt["agrees"] == true && rebuilt["versions"] == told["versions"], "{rebuilt}");
    let years = rebuilt["years"].as_array().context("no years")?;
    ensure!(years.len() == 1 && years[0]["rebuilt"] == students, "{rebuilt}");
    ensure!(years[0]["root"].is_string() && years[0]["root"] == years[0]["ledger_root"], "{rebuilt}");
    ensure!(
        !empty.join("vault").exists() && !empty.join("keystore").exists(),
        "nothing of the district's is there"
    );

    // The newest state of a student as the chain proves it, to whoever has the genesis file alone.
    let lines = std::fs::read_to_string(out.join("anchors.jsonl"))?;
    let anchor: Value = serde_json::from_str(lines.lines().next().context("no anchor")?)?;
    let versions = std::fs::read_to_string(out.join("versions.jsonl"))?;
    let is_it = |line: &Value| line["handle"] == anchor["handle"] && line["version"] == anchor["version"];
    let version = versions.lines().filter_map(|line| serde_json::from_str(line).ok()).find(is_it);
    let version = version.context("no such version")?;
    let bundle = folder.path().join("student.bundle");
    let [handle, hash] = [&anchor["handle"], &version["state_hash"]].map(Value::as_str);
    let (handle, hash) = handle.zip(hash).context("no hash")?;
    let (district, year) = (rebuilt["district"].to_string(), anchor["school_year"].to_string());
    node.run(0, &["evidence", "student", &district, &year, handle, "-o", text(&bundle)?])?;
    let verdict =
        line(&audit(&["verify", text(&bundle)?, "--genesis", text(genesis)?, "--output", "json"])?, 0)?;
    let checks = verdict["checks"].to_string();
    ensure!(checks.contains(&format!("state hash {hash}")), "the rebuilt hash is the proved one: {verdict}");

    // One byte of one event, and it is found.
    let events = out.join("events.jsonl");
    let changed = std::fs::read_to_string(&events)?.replacen("\"at_ms\":1", "\"at_ms\":2", 1);
    std::fs::write(&events, changed)?;
    let found = line(&aula(&words)?, 1)?;
    ensure!(found["agrees"] == false && found["changed"].is_string(), "{found}");
    Ok(())
}
