//! The programs as people and scripts use them: commands, exit codes, one JSON line.

use std::path::Path;

use anyhow::{Context, Result};
use aula_tests::net::Net;
use aula_tests::{alone, audit, aula, line};

#[path = "end_to_end/published.rs"]
mod published;

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is not text")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_localnet_takes_transactions_says_no_in_words_and_replays() -> Result<()> {
    let _turn = alone().await;
    let mut net = Net::start(4)?;
    let (rpc, homes): (String, Vec<_>) =
        (net.nodes[0].rpc.clone(), net.nodes.iter().map(|node| node.home.clone()).collect());
    let home = text(&homes[0])?;
    let base = ["--home", home, "--rpc", &rpc, "--output", "json"];
    let proposal = r#"{"change":{"change":"upgrade","note":"version 2","height":900000},"open_until":1000}"#;
    let sent = line(&aula(&[&["tx", "propose-change", proposal], &base[..]].concat())?, 0)?;
    assert_eq!((sent["status"].as_str(), sent["code"].as_u64()), (Some("final"), Some(0)));
    assert_eq!(sent["events"][0]["event"], "change_proposed");
    let refused = line(
        &aula(&[&["tx", "vote-change", r#"{"proposal":77,"choice":"approve"}"#], &base[..]].concat())?,
        1,
    )?;
    assert_eq!((refused["status"].as_str(), refused["code"].as_u64()), (Some("rejected"), Some(115)));
    assert!(refused["meaning"].as_str().is_some_and(|words| words.contains("look it up")), "{refused}");
    // What the node sees without a block is as rejected, and the number is free for the next one.
    let asked = [&["tx", "run-round", r#"{"round":77}"#], &base[..]].concat();
    let at_once = line(&aula(&asked)?, 1)?;
    assert_eq!(
        (at_once["status"].as_str(), at_once["height"].is_null()),
        (Some("rejected"), true),
        "{at_once}"
    );
    let unknown = aula(&[&["tx", "print-money"], &base[..]].concat())?;
    assert_eq!(unknown.status.code(), Some(2));
    let status = line(&aula(&["status", "--rpc", &rpc, "--output", "json"])?, 0)?;
    assert!(status["height"].as_u64().is_some_and(|height| height > 1), "{status}");
    assert_eq!(net.stop()?, Some(0));
    for home in &homes {
        line(&aula(&["replay", "--home", text(home)?, "--output", "json"])?, 0)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_grade_of_the_demo_ends_with_evidence_that_an_auditor_accepts_and_publishes_nobody() -> Result<()>
{
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let home = folder.path().join("demo");
    let out = aula(&["demo", "--once", "--grades", "1", "--home", text(&home)?, "--output", "json"])?;
    let told = line(&out, 0)?;
    let counts =
        ["validators", "districts", "schools", "students", "student_years"].map(|field| told[field].as_u64());
    assert_eq!(counts, [Some(4), Some(42), Some(79), Some(6_325), Some(6_325)]);
    assert_eq!((&told["optimal"], &told["mandates_met"]), (&true.into(), &true.into()));
    let sum = told["allocated"].as_u64().zip(told["waitlisted"].as_u64()).map(|(a, b)| a + b);
    assert_eq!(sum, told["requests"].as_u64());
    let (bundle, genesis) =
        (told["bundle"].as_str().context("bundle")?, told["genesis"].as_str().context("genesis")?);
    let verify = |file: &str| audit(&["verify", file, "--genesis", genesis, "--output", "json"]);
    assert_eq!(line(&verify(bundle)?, 0)?["valid"], true);
    let mut bytes = std::fs::read(bundle)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = folder.path().join("changed.bundle");
    std::fs::write(&changed, bytes)?;
    assert!(matches!(verify(text(&changed)?)?.status.code(), Some(1 | 2)));
    for node in 1..=4 {
        line(
            &aula(&["replay", "--home", text(&home.join(format!("node-{node:02}")))?, "--output", "json"])?,
            0,
        )?;
    }
    published::all_of_it_together_shows_no_handle_and_no_few_students(&home, &told).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_no_demo_made_is_left_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("thesis.txt"), "mine")?;
    let out = aula(&["demo", "--once", "--home", text(folder.path())?, "--output", "json"])?;
    assert_eq!(line(&out, 2)?["error"]["code"], "not_empty");
    assert!(folder.path().join("thesis.txt").is_file());
    Ok(())
}
