//! A node is copied while it runs, loses its disk, comes back, and signs nothing twice; a newcomer begins with a snapshot, or
//! by blocks, and follows no other chain than the one that its operator trusts.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aula_tests::founders::{Founded, Running, command};
use aula_tests::net::Net;
use aula_tests::{aula, line, turn};
use serde_json::Value;

/// No node may need longer for anything here, on a slow machine.
const LONG: Duration = Duration::from_secs(120);

fn on(net: &Net, place: usize, exit: i32, words: &[&str]) -> Result<Value> {
    let home = net.nodes[place].home.to_str().context("a path that is not text")?;
    let out = aula(&[words, &["--home", home, "--output", "json"]].concat())?;
    line(&out, exit).with_context(|| format!("aula {}", words.join(" ")))
}

/// Signs of two votes where one is allowed, as a node has seen them.
async fn equivocations(net: &Net, place: usize) -> Result<f64> {
    let told = reqwest::get(format!("{}/metrics", net.nodes[place].rpc)).await?.text().await?;
    let values = told.lines().filter_map(|line| line.strip_prefix("aula_equivocations_total "));
    Ok(values.filter_map(|value| value.parse::<f64>().ok()).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_validator_signs_nothing_twice_with_its_guard_and_nothing_at_all_without() -> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(4)?;
    net.reach(3, 3, LONG).await?;
    let copy = net.folder().join("copy");
    let copy = copy.to_str().context("a path that is not text")?;
    let told = on(&net, 3, 0, &["node", "backup", "-o", copy])?;
    let copied = told["height"].as_u64().context("no height")?;
    ensure!(told["sign_guard"] == false && told["keys"] == false, "{told}");
    // It goes on deciding, and signs above what the copy knows.
    net.reach(3, copied + 5, LONG).await?;
    for guard_lost in [false, true] {
        net.kill(3)?;
        let home = net.nodes[3].home.clone();
        std::fs::remove_dir_all(home.join("data"))?;
        if guard_lost {
            std::fs::remove_file(home.join("consensus/sign_guard"))?;
        }
        let told = on(&net, 3, 0, &["node", "restore", copy])?;
        ensure!(told["height"] == copied && told["sign_guard"] == !guard_lost, "{told}");
        net.restart(3)?;
        let target = net.height(0).await? + 3;
        net.reach(3, target, LONG).await?;
        let status = on(&net, 3, 0, &["status"])?;
        if guard_lost {
            tokio::time::sleep(Duration::from_secs(3)).await;
            let status = on(&net, 3, 0, &["status"])?;
            ensure!(status["signs"] == false && status["role"] == "follower", "{status}");
        } else {
            ensure!(status["height"].as_u64() >= Some(target), "{status}");
        }
        for place in 0..3 {
            ensure!(equivocations(&net, place).await? == 0.0, "node {place} saw two votes");
        }
    }
    ensure!(net.stop()? == Some(0), "a node did not end well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_begins_with_a_snapshot_while_a_peer_lies_and_also_by_every_block() -> Result<()> {
    let _turn = turn().await;
    let words = [
        "bench",
        "join",
        "--transactions",
        "1000",
        "--rounds",
        "1",
        "--decisions",
        "100",
        "--empty-blocks",
        "800",
        "--output",
        "json",
    ];
    let told = line(&aula(&words)?, 0)?;
    ensure!(told["snapshot_s"].is_f64() && told["blocks_s"].is_f64(), "{told}");
    println!("measured: {told}");
    Ok(())
}

/// What a node says once it is level for the first time, with HEIGHT:HASH.
const LEVEL: &str = "compare with another source: ";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_begins_anew_by_blocks_follows_no_other_block_than_the_trusted_one() -> Result<()> {
    let _turn = turn().await;
    let folder = tempfile::tempdir()?;
    let Founded { mut nodes, genesis } = Founded::start(folder.path(), 4, None)?;
    nodes[0].until("no blocks", &["status"], |told| told["height"].as_u64() > Some(8))?;
    let url = format!("{}/v1/blocks/5", nodes[0].rpc);
    let block: Value = serde_json::from_str(&reqwest::get(url).await?.error_for_status()?.text().await?)?;
    let real = block["hash"].as_str().context("no hash")?.to_owned();
    // The fourth is killed, and loses its chain.
    let home = nodes.pop().context("no fourth")?.home.clone();
    std::fs::remove_dir_all(home.join("data"))?;
    let (genesis, wrong) = (genesis.display().to_string(), "ab".repeat(32));
    let join = |hash: &str| {
        let trusted = format!("5:{hash}");
        command(&home, &["join", "--genesis", &genesis, "--all-blocks", "--trusted", &trusted])
    };
    let log = || std::fs::read_to_string(home.join("node.log"));
    join(&wrong)?;
    let mut node = Running::start(&home)?;
    ensure!(node.ended()? == Some(2), "another exit code");
    let named = |line: &str| line.contains(&real) && line.contains(&wrong);
    ensure!(log()?.lines().any(named), "the log does not name both");
    ensure!(Running::start(&home).is_err(), "it comes up again with what it had refused");

    join(&real)?;
    let levels = log()?.matches(LEVEL).count();
    let node = Running::start(&home)?;
    node.until("it never votes", &["status"], |told| told["signs"] == true && told["attention"].is_null())?;
    ensure!(log()?.matches(LEVEL).count() == levels + 1, "it does not say what to compare");
    drop(node);
    // It was level: a hash that is wrong now says nothing of it.
    join(&wrong)?;
    let node = Running::start(&home)?;
    node.until("it never votes again", &["status"], |told| told["signs"] == true)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_changes_at_a_sighup_and_a_filter_that_is_none_changes_nothing() -> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(1)?;
    net.kill(0)?;
    net.restart(0)?;
    let home = net.nodes[0].home.clone();
    let settings = std::fs::read_to_string(home.join("config.toml"))?;
    for (filter, answer) in [("debug", "logging \"debug\" from now on"), ("a=b=c", "stays as it was")] {
        let mut changed: toml::Table = toml::from_str(&settings)?;
        let log = changed.entry("log").or_insert_with(|| toml::Table::new().into());
        log.as_table_mut().context("[log] is not a table")?.insert("filter".into(), filter.into());
        std::fs::write(home.join("config.toml"), toml::to_string(&changed)?)?;
        net.signal(0, "-HUP")?;
        let began = std::time::Instant::now();
        while !std::fs::read_to_string(home.join("node.log"))?.contains(answer) {
            ensure!(began.elapsed() < LONG, "the node does not say {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    // It goes on, and says more than it did.
    let target = net.height(0).await? + 2;
    net.reach(0, target, LONG).await?;
    ensure!(std::fs::read_to_string(home.join("node.log"))?.contains("DEBUG"), "nothing was logged at debug");
    // Without a signal, above what the settings say.
    on(&net, 0, 0, &["node", "log-level", "aula=trace,warn"])?;
    let began = std::time::Instant::now();
    while !std::fs::read_to_string(home.join("node.log"))?.contains("logging \"aula=trace,warn\" from now on")
    {
        ensure!(began.elapsed() < LONG, "the node does not follow `aula node log-level`");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    on(&net, 0, 0, &["node", "log-level", "--reset"])?;
    ensure!(!home.join("log-filter").exists(), "it is not taken back");
    Ok(())
}
