//! Every key of a node is replaced, alone or by vote, while another validator is down: each new one takes effect, an old one counts no
//! more, and the chain goes on. The only validator keeps its network key.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aula_ledger::chain::validators::address;
use aula_ledger::names::{ListenHint, Name, PeerName};
use aula_ledger::tx::Change;
use aula_tests::net::Net;
use aula_tests::newcomer::join;
use aula_tests::vote::{change, operator};
use aula_tests::{aula, line, told, turn};
use serde_json::Value;

/// No step may need longer, on a slow machine.
const LONG: Duration = Duration::from_secs(120);
/// How long a chain is watched that a lost key alone could carry on.
const STILL: Duration = Duration::from_secs(3);
/// The places of the nodes: whose keys are rotated, whose validator key is lost, and who is down meanwhile and has its own stolen
/// afterwards.
const ROTATES: usize = 1;
const LOSES: usize = 2;
const DOWN: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn every_key_is_replaced_alone_or_by_vote_while_one_of_four_is_down() -> Result<()> {
    let _turn = turn().await;
    let start = Instant::now();
    let mut net = Net::start(4)?;
    net.reach(0, 2, LONG).await?;
    net.kill(DOWN)?;
    a_node_rotates_its_account_network_and_validator_keys(&mut net).await?;
    a_lost_validator_key_is_replaced_by_vote(&mut net).await?;
    a_member_comes_and_goes(&mut net).await?;
    net.restart(DOWN)?;
    net.reach(DOWN, net.height(0).await?, LONG).await?;
    net.signs(&text(&shown(&net, DOWN)?["validator"]["address"])?, LONG).await?;
    a_stolen_validator_key_is_replaced_by_vote(&mut net).await?;
    a_seed_key_is_replaced_by_vote(&mut net).await?;
    let top = net.height(0).await?;
    for place in 0..4 {
        net.reach(place, top, LONG).await?;
        assert_eq!(
            net.hash(place, top).await?,
            net.hash(0, top).await?,
            "node {} has another block",
            place + 1
        );
    }
    println!(
        "measured: every key replaced over {top} heights in {:.1} s, one of four down meanwhile",
        start.elapsed().as_secs_f64()
    );
    assert_eq!(net.stop()?, Some(0));
    net.replays()
}

/// Nobody would decide while it is out: neither a stolen key is replaced nor one whose file is gone, while its node runs or is down.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_validators_network_key_is_never_taken_from_its_place() -> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(1)?;
    net.reach(0, 2, LONG).await?;
    let node = net.nodes.first().context("no node")?;
    let (home, rpc) = (node.home.clone(), node.rpc.clone());
    let refused = || -> Result<()> {
        let place = home.to_str().context("a path that is not text")?;
        let words = ["keys", "replace-lost", "--kind", "network", "--home", place, "--rpc", rpc.as_str()];
        let out = aula(&words)?;
        let story = String::from_utf8_lossy(&out.stderr);
        ensure!(out.status.code() == Some(2) && story.contains("the only validator"), "{story}");
        ensure!(!home.join("keys/network.next.json").exists(), "a key is drawn");
        ensure!(!home.join("replacements").exists(), "a change is written");
        Ok(())
    };
    let key = home.join("keys/network.json");
    refused()?;
    ensure!(key.exists(), "the key that its peers know is gone");
    std::fs::remove_file(&key)?;
    refused()?;
    net.kill(0)?;
    refused()?;
    ensure!(!key.exists(), "a key that nobody knows stands in the place");
    Ok(())
}

async fn a_node_rotates_its_account_network_and_validator_keys(net: &mut Net) -> Result<()> {
    let before = shown(net, ROTATES)?;
    net.run(ROTATES, 0, &["keys", "rotate", "--kind", "account"])?;
    for kind in ["network", "validator"] {
        // Two of four decide nothing, and one is down.
        let told = net.run(ROTATES, 0, &["keys", "rotate", "--kind", kind, "--accept-standstill"])?;
        ensure!(told["restart"] == true, "{told}");
        restart(net, ROTATES).await?;
    }
    let after = shown(net, ROTATES)?;
    for kind in ["account", "network", "validator"] {
        ensure!(before[kind]["public_key"] != after[kind]["public_key"], "the {kind} key is the old one");
    }
    net.signs(&text(&after["validator"]["address"])?, LONG).await?;
    let known = validators(net).await?;
    let peer = |shown: &Value| {
        known["peers"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|one| one["peer_id"] == shown["network"]["peer_id"])
    };
    ensure!(peer(&after) && !peer(&before), "the ledger knows other peers: {known}");
    ensure!(!sits(&known, &before), "the old validator key still decides: {known}");
    Ok(())
}

/// The process that still has the lost key in its memory is a thief who has it.
async fn a_lost_validator_key_is_replaced_by_vote(net: &mut Net) -> Result<()> {
    let before = shown(net, LOSES)?;
    let home = net.nodes.get(LOSES).context("no such node")?.home.clone();
    std::fs::remove_file(home.join("keys/validator.json"))?;
    let words = ["keys", "replace-lost", "--kind", "validator"];
    let asked = net.run(LOSES, 0, &words)?;
    ensure!(asked["placed"] == false && asked["replaces"] == before["validator"]["address"], "{asked}");
    ensure!(net.run(LOSES, 0, &words)?["public_key"] == asked["public_key"], "another run draws another key");
    let guard = home.join("consensus/sign_guard.lost");
    ensure!(!guard.exists(), "the guard that its node writes is taken away");
    let in_force = decide(net, &text(&asked["files"][0])?)?;
    tokio::time::sleep(STILL).await;
    ensure!(net.height(0).await? < in_force, "half of the power and the lost key decide");
    let done = net.run(LOSES, 0, &words)?;
    ensure!(done["restart"] == true && done["public_key"] == asked["public_key"], "{done}");
    ensure!(guard.exists(), "what the lost key signed is forgotten");
    restart(net, LOSES).await?;
    let after = shown(net, LOSES)?;
    net.signs(&text(&after["validator"]["address"])?, LONG).await?;
    let lost = text(&before["validator"]["address"])?;
    for height in in_force..=net.height(0).await? {
        ensure!(!net.signers(height).await?.contains(&lost), "the lost key signs block {height}");
    }
    ensure!(!sits(&validators(net).await?, &before), "the lost key still decides");
    Ok(())
}

async fn a_member_comes_and_goes(net: &mut Net) -> Result<()> {
    let home = net.folder().join("elsewhere/node-05");
    let file = join(net, &home, "node-05")?;
    let peer_id = PeerName::new(&file.peer_id)?;
    let listen = ListenHint::new(file.p2p.as_deref().context("no address")?)?;
    let account = operator(net, 0, 0).await?.account();
    let admitted = Change::AdmitPeer { peer_id: peer_id.clone(), listen, operator: account };
    change(net, admitted, &[0, 1, 2]).await?;
    net.add(&home)?;
    net.reach(4, net.height(0).await?, LONG).await?;
    let address = address(&file.validator);
    let added = Change::AddValidator {
        name: Name::new("node-05")?,
        public_key: file.validator,
        power: 1,
        operator: account,
        peer_id,
        seed_key: file.seed,
    };
    change(net, added, &[0, 1, 2]).await?;
    net.signs(&address.to_string(), LONG).await?;
    let removed = change(net, Change::RemoveValidator { address }, &[0, 1, 2]).await?;
    net.reach(0, removed.height + 3, LONG).await?;
    ensure!(validators(net).await?["now"].as_array().map(Vec::len) == Some(4), "it sits there still");
    net.kill(4)
}

/// Its file is there, and its node goes on with it until the vote.
async fn a_stolen_validator_key_is_replaced_by_vote(net: &mut Net) -> Result<()> {
    let before = shown(net, DOWN)?;
    let words = ["keys", "replace-lost", "--kind", "validator"];
    let asked = net.run(DOWN, 0, &words)?;
    ensure!(asked["placed"] == false, "{asked}");
    ensure!(shown(net, DOWN)? == before, "a key changes before the vote");
    let in_force = decide(net, &text(&asked["files"][0])?)?;
    net.reach(DOWN, in_force, LONG).await?;
    let done = net.run(DOWN, 0, &words)?;
    ensure!(done["restart"] == true && done["public_key"] == asked["public_key"], "{done}");
    restart(net, DOWN).await?;
    net.signs(&text(&shown(net, DOWN)?["validator"]["address"])?, LONG).await?;
    ensure!(!sits(&validators(net).await?, &before), "the stolen key still decides");
    Ok(())
}

/// Between the two votes the validator is out, and of three all must sign.
async fn a_seed_key_is_replaced_by_vote(net: &mut Net) -> Result<()> {
    let before = shown(net, ROTATES)?;
    let words = ["keys", "rotate", "--kind", "seed"];
    let asked = net.run(ROTATES, 0, &words)?;
    let files = asked["files"].as_array().context("no files")?;
    ensure!(files.len() == 2 && asked["voted"] == false, "{asked}");
    for file in files {
        decide(net, &text(file)?)?;
    }
    let done = net.run(ROTATES, 0, &words)?;
    ensure!(done["voted"] == true && done["public_key"] == asked["public_key"], "{done}");
    restart(net, ROTATES).await?;
    let (after, known) = (shown(net, ROTATES)?, validators(net).await?);
    ensure!(after["seed"]["public_key"] == asked["public_key"], "{after}");
    ensure!(before["seed"]["public_key"] != after["seed"]["public_key"], "the seed key is the old one");
    let address = &after["validator"]["address"];
    let own = known["known"].as_array().into_iter().flatten().find(|one| one["address"] == *address);
    ensure!(
        own.is_some_and(|own| own["seed"] == after["seed"]["account"]),
        "another seed key counts: {known}"
    );
    net.signs(&text(address)?, LONG).await
}

/// One proposes the file, three vote for it; gives the first height at which it counts.
fn decide(net: &Net, file: &str) -> Result<u64> {
    let number = net.run(0, 0, &["consortium", "propose", file])?["proposal"].to_string();
    let vote = ["consortium", "vote", number.as_str(), "yes"];
    net.run(0, 0, &vote)?;
    net.run(ROTATES, 0, &vote)?;
    let decided = net.run(LOSES, 0, &vote)?;
    ensure!(decided["standing"] == "applied", "{decided}");
    decided["in_force"].as_u64().context("no height")
}

/// A node runs under the keys that its home has now.
async fn restart(net: &mut Net, place: usize) -> Result<()> {
    net.kill(place)?;
    net.restart(place)?;
    net.reach(place, net.height(0).await? + 1, LONG).await?;
    Ok(())
}

async fn validators(net: &Net) -> Result<Value> {
    net.client(0)?.get("/v1/validators").await.map_err(told)
}

/// Whether the validator key that a home showed is in the set that decided the newest block.
fn sits(known: &Value, shown: &Value) -> bool {
    let address = &shown["validator"]["address"];
    known["now"].as_array().into_iter().flatten().any(|one| one["address"] == *address)
}

/// The public halves of a home's keys.
fn shown(net: &Net, place: usize) -> Result<Value> {
    let home = &net.nodes.get(place).context("no such node")?.home;
    let home = home.to_str().context("a path that is not text")?;
    line(&aula(&["keys", "show", "--home", home, "--output", "json"])?, 0)
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("not a text: {value}"))
}
