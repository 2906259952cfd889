//! A district's buildings by commands alone, on a chain of one: anchored, proved and checked offline, changed, and its rooms made
//! places of an hourly class.

use std::path::Path;

use anyhow::{Result, ensure};
use aula_tests::founders::Founded;
use aula_tests::services::text;
use aula_tests::{alone, audit, line};
use serde_json::json;

/// A site at school 61 with two buildings; the laboratory has so many seats.
fn school(path: &Path, seats: u32) -> Result<()> {
    let estate = json!({
        "sites": [{ "id": "main", "name": "Main street", "school": 61 }],
        "buildings": [{ "id": "A", "site": "main" }, { "id": "B", "site": "main" }],
        "rooms": [
            { "id": "A1", "building": "A", "capacity": seats, "features": ["lab"], "kwh_per_hour": 1.2 },
            { "id": "A2", "building": "A", "capacity": 24 },
            { "id": "B1", "building": "B", "capacity": 60 },
        ],
        "meters": [{ "id": "m1", "building": "A", "kind": "electricity", "unit": "kWh" }],
    });
    Ok(std::fs::write(path, estate.to_string())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn buildings_are_anchored_proved_and_changed_and_rooms_are_places() -> Result<()> {
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let founded = Founded::start(folder.path(), 1, Some("{}"))?;
    let node = &founded.nodes[0];
    let proposed = node.proposes_river_county("founder-1")?;
    node.run(0, &["consortium", "vote", &proposed, "yes"])?;
    node.until("no district", &["query", "districts"], |told| told["count"] == 1)?;
    node.run(0, &["district", "school", "add", "--school", "61", "--name", "Ford", "--type", "rural"])?;

    // Both buildings once; what stands as it is stays.
    let (then, now) = (folder.path().join("then.json"), folder.path().join("now.json"));
    school(&then, 30)?;
    school(&now, 31)?;
    let told = node.run(0, &["estate", "anchor", text(&then)?])?;
    ensure!(told["district"] == 6 && told["anchored"].as_array().is_some_and(|all| all.len() == 2), "{told}");
    let told = node.run(0, &["estate", "anchor", text(&then)?])?;
    ensure!(told["unchanged"] == json!(["A", "B"]) && told["anchored"] == json!([]), "{told}");

    // A room's row, checked with the file and the genesis alone; not one that says something else.
    let bundle = folder.path().join("room.bundle");
    let prove = |estate: &Path, row: [&str; 2], exit: i32| -> Result<serde_json::Value> {
        let words =
            ["estate", "prove", text(estate)?, "--building", "A", row[0], row[1], "-o", text(&bundle)?];
        node.run(exit, &words)
    };
    prove(&then, ["--room", "A1"], 0)?;
    let verify = || -> Result<serde_json::Value> {
        line(
            &audit(&["verify", text(&bundle)?, "--genesis", text(&founded.genesis)?, "--output", "json"])?,
            0,
        )
    };
    let verdict = verify()?;
    ensure!(verdict["valid"] == true && verdict["standing"] == "stands", "{verdict}");
    prove(&now, ["--room", "A1"], 1)?;
    prove(&then, ["--room", "B1"], 2)?;
    let told = node.run(0, &["estate", "anchor", text(&now)?, "--building", "A"])?;
    ensure!(told["anchored"][0]["version"] == 2, "{told}");
    prove(&now, ["--meter", "m1"], 0)?;
    ensure!(verify()?["valid"] == true);

    // Rooms as places: said, defined, there, and named where their seats changed.
    let pools = |estate: &Path, more: &[&str], exit: i32| -> Result<serde_json::Value> {
        let words = ["estate", "pools", text(estate)?, "--class", "7", "--first-pool", "700"];
        node.run(exit, &[&words, more].concat())
    };
    pools(&then, &[], 2)?;
    let year = node.run(0, &["district", "school", "list"])?["schools"][0]["from_year"].to_string();
    let named = ["--title", "Rooms by the hour", "--year", year.as_str()];
    let told = pools(&then, &[&named[..], &["--dry-run"]].concat(), 0)?;
    ensure!(
        told["new_class"] == true && told["pools"].as_array().is_some_and(|all| all.len() == 2),
        "{told}"
    );
    ensure!(node.run(0, &["query", "pools"])?["count"] == 0, "a dry run sends nothing");
    pools(&then, &named, 0)?;
    node.until("the pools are not known", &["query", "pools"], |told| told["count"] == 2)?;
    ensure!(pools(&then, &[], 0)?["present"] == 2);
    let told = pools(&now, &[], 1)?;
    ensure!(told["differ"][0]["places"] == 30 && told["differ"][0]["seats"] == 31, "{told}");
    Ok(())
}
