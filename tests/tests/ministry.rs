//! A parent ledger of two consortia, by commands alone: heads anchored, evidence over two ledgers, sums that verify, and the page.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use aula_tests::founders::{Founded, Running};
use aula_tests::{alone, audit, line};
use serde_json::{Value, json};

/// The school year that the chains take.
const YEAR: &str = "2026";

/// One founder who decides and pays.
fn founded(folder: &Path) -> Result<(Running, String)> {
    std::fs::create_dir(folder)?;
    let base = |accounts: &[String]| {
        let roles = ["consortium", "funder"];
        let member = json!({ "name": "founder-1", "roles": roles, "public_key": accounts.first() });
        let params = json!({ "first_school_year": 2026, "last_school_year": 2026 });
        Ok(Some(json!({ "members": [member], "params": params }).to_string()))
    };
    let Founded { nodes, genesis } = Founded::start_with(folder, 1, base)?;
    let node = nodes.into_iter().next().context("no node")?;
    Ok((node, text(&genesis)?))
}

fn text(path: &Path) -> Result<String> {
    Ok(path.to_str().context("a path that is not text")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ministry_adds_up_what_two_consortia_prove_and_refuses_what_is_not_proved() -> Result<()> {
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let at = |name: &str| folder.path().join(name);
    let (parent, genesis) = founded(&at("parent"))?;
    let (mut files, mut via, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    let mut children = Vec::new();
    for (number, (name, cents)) in [("east", "70000"), ("west", "500")].into_iter().enumerate() {
        let (child, own) = founded(&at(name))?;
        child.run(0, &["funder", "fund", "--year", YEAR, "--cents", cents])?;
        parent.run(0, &["consortium", "propose", "--consortium", &own, "--name", name])?;
        parent.run(0, &["consortium", "vote", &number.to_string(), "yes"])?;
        let anchored = parent.run(0, &["consortium", "anchor", "--of", &child.rpc])?;
        hashes.push(anchored["consortium"].as_str().context("no genesis")?.to_owned());
        let file = text(&at(&format!("{name}.bundle")))?;
        let told = child.run(0, &["evidence", "figures", "--via", &parent.rpc, "-o", &file])?;
        ensure!(told["via"]["anchored"].is_u64() && told["kind"] == "public figures", "{told}");
        files.push(file);
        via.push(own);
        children.push(child);
    }

    let words = |files: &[&str]| {
        let mut words = vec!["consortium".to_owned(), "totals".into()];
        words.extend(files.iter().map(|file| (*file).to_owned()));
        words.extend(["--genesis".to_owned(), genesis.clone()]);
        words.extend(via.iter().flat_map(|own| ["--via-genesis".to_owned(), own.clone()]));
        words
    };
    let totals = |exit: i32, files: &[&str]| -> Result<Value> {
        let words = words(files);
        parent.run(exit, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (east, west) = (files[0].as_str(), files[1].as_str());
    let told = totals(0, &[east, west])?;
    let sum = &told["totals"][0];
    ensure!(
        told["valid"] == true && told["consortia"].as_array().is_some_and(|all| all.len() == 2),
        "{told}"
    );
    let times = (0..2usize).map(|at| told["consortia"][at]["time_ms"].as_u64());
    ensure!(told["oldest_ms"].as_u64() == times.min().flatten() && told["oldest_ms"].is_u64(), "{told}");
    ensure!(sum["funded_cents"] == 70_500 && sum["charged_cents"] == 0 && sum["asked"] == 0, "{told}");
    ensure!(
        told["consortia"][0]["name"] == "east"
            && told["consortia"][1]["genesis_sha256"] == hashes[1].as_str(),
        "{told}"
    );

    // Twice the same, one bit of another, one whose genesis is not given.
    ensure!(totals(2, &[east, west, east])?["error"]["code"] == "counted_twice");
    let mut bytes = std::fs::read(east)?;
    let half = bytes.len() / 2;
    bytes[half] ^= 1;
    let forged = text(&at("forged.bundle"))?;
    std::fs::write(&forged, bytes)?;
    let refused = totals(1, &[west, &forged])?;
    ensure!(refused["error"]["code"] == "not_valid" && refused["totals"] == json!([]), "{refused}");
    let alone = ["consortium", "totals", east, "--genesis", &genesis, "--via-genesis", &via[1]];
    ensure!(parent.run(2, &alone)?["error"]["code"] == "no_genesis");
    // Under the wrong parent the head is nobody's.
    let other = ["consortium", "totals", east, "--genesis", &via[1], "--via-genesis", &via[0]];
    ensure!(parent.run(1, &other)?["error"]["code"] == "not_valid");

    // The ministry's page, and the bundle behind it.
    let page = reqwest::get(format!("{}/consortia", parent.rpc)).await?.text().await?;
    for (name, hash) in ["east", "west"].iter().zip(&hashes) {
        ensure!(page.contains(&format!("data-proof=\"consortium-{hash}.newest.height\"")), "{name}: {page}");
    }
    let bundle = reqwest::get(format!("{}/v1/evidence/figures/consortia", parent.rpc)).await?.bytes().await?;
    let file = text(&at("consortia.bundle"))?;
    std::fs::write(&file, bundle)?;
    let told = line(&audit(&["verify", &file, "--genesis", &genesis, "--output", "json"])?, 0)?;
    let shown = told["figures"].as_array().context("no figures")?;
    for hash in &hashes {
        ensure!(shown.iter().any(|one| one.get(format!("consortium-{hash}")).is_some()), "{told}");
    }
    the_page_adds_up(&parent, &[east, west, &forged], &via, &hashes).await
}

/// The parent's operator puts figures and genesis files into the home: the page sums what is proved and hands out what it checked.
async fn the_page_adds_up(parent: &Running, files: &[&str], via: &[String], hashes: &[String]) -> Result<()> {
    let folder = parent.home.join("consortia");
    std::fs::create_dir(&folder)?;
    for (number, genesis) in via.iter().enumerate() {
        std::fs::copy(genesis, folder.join(format!("{number}.json")))?;
    }
    for file in files {
        let name = Path::new(file).file_name().context("no name")?;
        std::fs::copy(file, folder.join(name))?;
    }
    let address = format!("{}/consortia", parent.rpc);
    let mut page = String::new();
    for _ in 0..240 {
        page = reqwest::get(&address).await?.text().await?;
        if page.contains("2 of 2 consortia together") && page.contains("forged.bundle") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    // 70,000 and 500 cents.
    for has in ["2 of 2 consortia together", "705.00", "forged.bundle", "not_valid"] {
        ensure!(page.contains(has), "{has}: {page}");
    }
    for ((hash, file), genesis) in hashes.iter().zip(files).zip(via) {
        for (name, own) in [("figures.bundle", *file), ("genesis.json", genesis.as_str())] {
            let told = reqwest::get(format!("{address}/{hash}/{name}")).await?;
            ensure!(told.status() == 200 && told.bytes().await? == std::fs::read(own)?, "{name} of {hash}");
        }
        let other = reqwest::get(format!("{address}/{hash}/other")).await?;
        ensure!(other.status() == 404, "{}", other.status());
    }
    // What was changed after it was checked is not handed out, and then in no sum.
    let first = Path::new(files.first().context("no file")?).file_name().context("no name")?;
    std::fs::write(folder.join(first), b"something else")?;
    let hash = hashes.first().context("no consortium")?;
    ensure!(reqwest::get(format!("{address}/{hash}/figures.bundle")).await?.status() == 404);
    Ok(())
}
