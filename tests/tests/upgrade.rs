//! Four processes cross a switch of the protocol that their members voted for, and stop before one whose rules their
//! program does not have: with exit code 3, and the version to run. Two builds together are tried by `scripts/upgrade.sh`,
//! which here is given one build twice.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aula_tests::founders::{Founded, Running};
use aula_tests::{alone, aula, line, program};
use serde_json::Value;

/// Blocks from the proposal to the switch; three votes are decided in between.
const AHEAD: u64 = 120;

fn height(node: &Running) -> Result<u64> {
    node.run(0, &["status"])?["height"].as_u64().context("no height")
}

/// Three of four vote for a protocol; gives its first height.
fn switch(nodes: &[Running], protocol: &str, program: &str) -> Result<u64> {
    let at = height(&nodes[0])? + AHEAD;
    let words =
        ["consortium", "propose", "--protocol", protocol, "--at", &at.to_string(), "--program", program];
    let proposed = nodes[0].run(0, &words)?;
    let number = proposed["proposal"].to_string();
    for node in &nodes[..3] {
        node.run(0, &["consortium", "vote", &number, "yes"])?;
    }
    Ok(at)
}

async fn block(node: &Running, height: u64) -> Result<Value> {
    let url = format!("{}/v1/blocks/{height}", node.rpc);
    Ok(serde_json::from_str(&reqwest::get(url).await?.error_for_status()?.text().await?)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_nodes_cross_a_voted_protocol_and_end_with_3_before_one_that_they_do_not_know() -> Result<()> {
    let _turn = alone().await;
    let folder = tempfile::tempdir()?;
    let Founded { mut nodes, .. } = Founded::start(folder.path(), 4, Some(r#"{"protocol": 2}"#))?;
    let second = switch(&nodes, "3", env!("CARGO_PKG_VERSION"))?;
    let next = nodes[3].run(0, &["status"])?["protocol"]["next"].clone();
    ensure!(next["height"] == second && next["is_known"] == true, "{next}");
    ensure!(next["blocks_left"].as_u64().is_some_and(|left| (1..AHEAD).contains(&left)), "{next}");
    let page = reqwest::get(format!("{}/", nodes[1].rpc)).await?.text().await?;
    ensure!(page.contains("the ledger goes by protocol 3"), "the overview does not count down");
    for node in &nodes {
        node.until("the chain does not cross", &["status"], |told| told["height"].as_u64() > Some(second))?;
        ensure!(
            block(node, second - 1).await?["protocol"] == 2 && block(node, second).await?["protocol"] == 3
        );
    }

    // Its own version tells nobody what to run, if its own program is to be replaced.
    let own = env!("CARGO_PKG_VERSION");
    let words = ["consortium", "propose", "--protocol", "4", "--at", "9000000", "--program", own];
    let refused = nodes[0].run(2, &words)?;
    ensure!(refused["error"]["code"] == "unfit_program", "{refused}");
    let third = switch(&nodes, "4", "9.0.0")?;
    let doctor = nodes[2].run(1, &["doctor"])?;
    let checks = doctor["checks"].as_array().context("no checks")?;
    let found = checks.iter().find(|check| check["name"] == "protocol").context("no such check")?;
    ensure!(
        found["level"] == "fail" && found["next"].as_str().is_some_and(|next| next.contains("9.0.0")),
        "{found}"
    );
    let began = Instant::now();
    for node in &mut nodes {
        ensure!(node.ended()? == Some(3), "another exit code");
        let log = std::fs::read_to_string(node.home.join("node.log"))?;
        let told = format!("from height {third} on the chain goes by protocol 4");
        ensure!(log.contains(&told) && log.contains("run Aula 9.0.0"), "{log}");
    }
    println!("measured: all four ended within {:.1} s of each other", began.elapsed().as_secs_f64());
    ensure!(began.elapsed() < Duration::from_secs(40));
    let home = nodes[0].home.to_str().context("path")?;
    let again = line(&aula(&["start", "--home", home, "--output", "json"])?, 3)?;
    ensure!(again["error"]["code"] == "outdated", "{again}");
    let replayed = line(&aula(&["replay", "--home", home, "--output", "json"])?, 0)?;
    ensure!(replayed["height"] == third - 1, "{replayed}");
    Ok(())
}

/// A district's home under the script, with one program as both.
#[test]
fn the_script_opens_what_a_district_has_and_refuses_programs_that_know_the_same() -> Result<()> {
    let (script, own) =
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/upgrade.sh"), program("aula")?);
    let run = |more: &[&str]| Command::new("bash").arg(&script).args([&own, &own]).args(more).output();
    let refused = run(&[])?;
    let story = String::from_utf8_lossy(&refused.stderr);
    ensure!(refused.status.code() == Some(2) && story.contains("there is nothing to upgrade to"), "{story}");
    let ran = run(&["--allow-same", "--only", "records"])?;
    let story = String::from_utf8_lossy(&ran.stderr);
    let told: Value = serde_json::from_slice(&ran.stdout).with_context(|| story.to_string())?;
    ensure!(ran.status.success() && told["holds"] == true, "{told}\n{story}");
    Ok(())
}
