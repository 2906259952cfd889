//! Nodes that die, alone and together, under load; members who come and go. Each prints what it measured; `scripts/faults.sh` holds
//! them to their bars.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aula_client::Client;
use aula_home::keys::OperatorFile;
use aula_ledger::chain::validators::address;
use aula_ledger::keys::account_of;
use aula_ledger::names::{ListenHint, Name, PeerName};
use aula_ledger::tx::Change;
use aula_tests::bars::Bars;
use aula_tests::net::Net;
use aula_tests::newcomer::join;
use aula_tests::turn;
use aula_tests::vote::{change, load, operator};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

/// No node may need longer for anything here, on a slow machine.
const LONG: Duration = Duration::from_secs(120);
/// How long a chain without a quorum is watched standing still.
const STILL: Duration = Duration::from_secs(4);
/// A restarted node that is level later than this is told by name.
const SLOW: Duration = Duration::from_secs(5);
/// A block while one of four is dead, in the mean of eight: the bar, in seconds.
const DEAD_BLOCK_S: f64 = 1.0;
/// The longest of those, in which the dead one's turn passes.
const DEAD_TURN_S: f64 = 2.5;
/// The first block after a quorum is back.
const QUORUM_S: f64 = 10.0;
/// Kills in the gate; `AULA_FAULT_KILLS` asks for more (scripts/faults.sh).
const KILLS: u32 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn one_of_four_dies_the_chain_goes_on_and_the_node_is_level_after_its_restart() -> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(4)?;
    net.reach(0, 3, LONG).await?;
    net.kill(3)?;
    let (from, start, mut longest) = (net.height(0).await?, Instant::now(), Duration::ZERO);
    for height in from + 1..=from + 8 {
        longest = longest.max(net.reach(0, height, LONG).await?);
    }
    let (mean, mut bars) = (start.elapsed().as_secs_f64() / 8.0, Bars::asked());
    bars.seconds("a block with one of four dead", mean, DEAD_BLOCK_S);
    bars.seconds("longest turn with one of four dead", longest.as_secs_f64(), DEAD_TURN_S);
    let start = Instant::now();
    net.restart(3)?;
    net.reach(3, net.height(0).await?, LONG).await?;
    println!("measured: level {:.2} s after the restart", start.elapsed().as_secs_f64());
    assert_eq!(net.stop()?, Some(0));
    net.replays()?;
    bars.judge()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_two_of_four_nothing_is_decided_and_with_one_back_it_goes_on_by_itself() -> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(4)?;
    net.reach(0, 3, LONG).await?;
    net.kill(2)?;
    net.kill(3)?;
    // What was decided already may still arrive.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let halted = net.height(0).await?.max(net.height(1).await?);
    tokio::time::sleep(STILL).await;
    assert!(net.height(0).await? <= halted && net.height(1).await? <= halted, "blocks without a quorum");
    let start = Instant::now();
    net.restart(2)?;
    net.reach(0, halted + 1, LONG).await?;
    let mut bars = Bars::asked();
    bars.seconds("next block after one of two came back", start.elapsed().as_secs_f64(), QUORUM_S);
    assert_eq!(net.stop()?, Some(0));
    net.replays()?;
    bars.judge()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_four_die_at_once_and_nothing_final_is_lost() -> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(4)?;
    let loads = start_loads(&net).await?;
    net.reach(0, 20, LONG).await?;
    let seen = net.height(0).await?;
    let hash = net.hash(0, seen).await?;
    for place in 0..4 {
        net.kill(place)?;
    }
    loads.iter().for_each(tokio::task::JoinHandle::abort);
    let start = Instant::now();
    for place in 0..4 {
        net.restart(place)?;
    }
    net.reach(0, seen + 1, LONG).await?;
    println!("measured: next block {:.2} s after all four were started again", start.elapsed().as_secs_f64());
    for place in 0..4 {
        net.reach(place, seen, LONG).await?;
        assert_eq!(net.hash(place, seen).await?, hash, "node {} has another block", place + 1);
    }
    net.stop()?;
    net.replays()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_killed_at_random_moments_under_load_never_disagree() -> Result<()> {
    let _turn = turn().await;
    let kills = std::env::var("AULA_FAULT_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(KILLS);
    let seed = seed();
    let mut net = Net::start(4)?;
    let loads = start_loads(&net).await?;
    let mut random = StdRng::seed_from_u64(seed);
    let mut restarts = Restarts::default();
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.gen_range(0..1_500))).await;
        let place = random.gen_range(0..4);
        net.kill(place)?;
        tokio::time::sleep(Duration::from_millis(random.gen_range(0..1_500))).await;
        restarts.level(&mut net, place, &format!("kill {kill} of seed {seed}")).await?;
    }
    loads.iter().for_each(tokio::task::JoinHandle::abort);
    let top = net.height(0).await?;
    println!(
        "measured: {} kills (seed {seed}), level at most {:.2} s after a restart",
        restarts.count,
        restarts.worst.as_secs_f64()
    );
    for place in 0..4 {
        net.reach(place, top, LONG).await?;
        assert_eq!(net.hash(place, top).await?, net.hash(0, top).await?, "seed {seed}");
    }
    net.stop()?;
    net.replays()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_joins_becomes_a_validator_by_vote_and_another_is_removed_while_a_third_is_down()
-> Result<()> {
    let _turn = turn().await;
    let mut net = Net::start(4)?;
    net.reach(0, 2, LONG).await?;
    let home = net.folder().join("elsewhere/node-05");
    let operator_file = join(&net, &home, "node-05")?;
    let peer_id = PeerName::new(&operator_file.peer_id)?;
    let listen = ListenHint::new(operator_file.p2p.as_deref().context("no address")?)?;
    let account = operator(&net, 0, 0).await?.account();
    change(&net, Change::AdmitPeer { peer_id: peer_id.clone(), listen, operator: account }, &[0, 1, 2])
        .await?;
    net.add(&home)?;
    let took = net.reach(4, net.height(0).await?, LONG).await?;
    println!("measured: a follower with a separate home was level after {:.2} s", took.as_secs_f64());
    let name = Name::new("node-05")?;
    let added = Change::AddValidator {
        name,
        public_key: operator_file.validator,
        power: 1,
        operator: account,
        peer_id,
        seed_key: operator_file.seed,
    };
    change(&net, added, &[0, 1, 2]).await?;
    net.signs(&address(&operator_file.validator).to_string(), LONG).await?;
    net.kill(3)?;
    let second = OperatorFile::of_home(
        &aula_home::Home::resolve(Some(&net.nodes[1].home)).map_err(anyhow::Error::msg)?,
        "node-02",
        None,
    )?;
    let removed = Change::RemoveValidator { address: address(&second.validator) };
    let applied = change(&net, removed, &[0, 1, 2]).await?;
    net.reach(0, applied.height + 8, LONG).await?;
    let told: Value = net.client(0)?.get("/v1/validators").await.map_err(aula_tests::told)?;
    assert_eq!(told["now"].as_array().map(Vec::len), Some(4), "{told}");
    net.stop()?;
    Ok(())
}

/// Members come and go the whole time, each as an operator does it: its request file, one vote, its node's own word that it is
/// ready; out again by a vote in which it takes part. In each of the three steps a node is killed, a founder or the newcomer.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes long; scripts/faults.sh"]
async fn members_come_and_go_while_nodes_are_killed_under_load() -> Result<()> {
    let _turn = turn().await;
    let cycles: u32 = std::env::var("AULA_FAULT_CYCLES").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let seed = seed();
    let mut random = StdRng::seed_from_u64(seed);
    let mut net = Net::start(4)?;
    net.reach(0, 2, LONG).await?;
    let load = tokio::spawn(load(operator(&net, 3, 1).await?, net.client(1)?));
    let mut restarts = Restarts::default();
    for cycle in 0..cycles {
        comes_and_goes(&mut net, cycle, &mut random, &mut restarts)
            .await
            .with_context(|| format!("member {cycle} of seed {seed}"))?;
    }
    load.abort();
    let top = net.height(0).await?;
    println!(
        "measured: {cycles} members came and went, {} kills (seed {seed}), {top} heights, level at most {:.2} s after a \
         restart",
        restarts.count,
        restarts.worst.as_secs_f64()
    );
    for place in 0..4 {
        net.reach(place, top, LONG).await?;
        assert_eq!(net.hash(place, top).await?, net.hash(0, top).await?, "seed {seed}");
    }
    net.stop()?;
    net.replays()
}

/// What a newcomer goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The vote on its request file.
    Admission,
    /// It says that it is ready, and signs.
    Entry,
    /// The vote that removes it with its validator and peer.
    Leave,
}

/// One member comes and goes; in each step one node dies, is away for a moment and comes back.
async fn comes_and_goes(
    net: &mut Net,
    cycle: u32,
    random: &mut StdRng,
    restarts: &mut Restarts,
) -> Result<()> {
    let home = net.folder().join(format!("elsewhere/{cycle}"));
    let file = join(net, &home, &format!("node-{:02}", cycle + 5))?;
    let request: Change = serde_json::from_slice(&std::fs::read(home.join("request.json"))?)?;
    anyhow::ensure!(matches!(request, Change::AdmitNode { .. }), "the request is {request:?}");
    let leave = Change::RemoveMember { account: account_of(&file.account) };
    let validator = address(&file.validator).to_string();
    let place = net.nodes.len();
    net.add(&home)?;
    for step in [Step::Admission, Step::Entry, Step::Leave] {
        let victim = [0, 1, 2, 3, place][random.gen_range(0..5)];
        net.kill(victim)?;
        tokio::time::sleep(Duration::from_millis(random.gen_range(0..1_500))).await;
        // Of the founders those who do not send the load; the first one's node takes the votes of all, so it is one that lives.
        let voters = if victim == 0 { [1, 2, 0] } else { [0, 1, 2] };
        match step {
            Step::Admission => {
                change(net, request.clone(), &voters).await?;
            }
            Step::Entry => {}
            Step::Leave => {
                change(net, leave.clone(), &[&voters[..], &[place]].concat()).await?;
            }
        }
        if step == Step::Leave && victim == place {
            // Whoever was removed hears no more of the others.
            net.restart(place)?;
            restarts.count += 1;
        } else {
            restarts.level(net, victim, &format!("member {cycle}, {step:?}")).await?;
        }
        if step == Step::Entry {
            net.signs(&validator, LONG).await?;
        }
    }
    net.kill(place)
}

/// Nodes that were started again, and how long they took.
#[derive(Debug, Default)]
struct Restarts {
    count: u32,
    worst: Duration,
}

impl Restarts {
    /// Starts a killed node again and waits until it has what another one has then. A slow one is told, so that its log can be
    /// looked into.
    async fn level(&mut self, net: &mut Net, victim: usize, step: &str) -> Result<()> {
        let other = usize::from(victim == 0);
        let start = Instant::now();
        net.restart(victim).with_context(|| format!("{step}: node {}", victim + 1))?;
        let up = start.elapsed();
        let height = net.height(other).await?;
        net.reach(victim, height, LONG).await.with_context(|| step.to_owned())?;
        let took = start.elapsed();
        (self.count, self.worst) = (self.count + 1, self.worst.max(took));
        if took > SLOW {
            println!(
                "measured: slow: {step}: node {} was up {:.2} s and level with height {height} {:.2} s after its restart",
                victim + 1,
                up.as_secs_f64(),
                took.as_secs_f64()
            );
        }
        Ok(())
    }
}

/// Of what is random here; `AULA_FAULT_SEED` gives another.
fn seed() -> u64 {
    std::env::var("AULA_FAULT_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// Two operators' load through two nodes.
async fn start_loads(net: &Net) -> Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut loads = Vec::new();
    for place in 0..2 {
        let (sender, client): (_, Client) = (operator(net, place, place).await?, net.client(place)?);
        loads.push(tokio::spawn(load(sender, client)));
    }
    Ok(loads)
}
