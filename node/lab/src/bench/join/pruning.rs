//! What pruning gives back, how soon, and what it costs the chain meanwhile.
//!
//! Flow: the founders run under load → transactions that become final are counted for a while → every founder is told to prune
//! (`aula prune`, beside its running node) → the same count while they do → the folders' bytes a minute after the order, and
//! after another half.

use std::path::Path;
use std::time::{Duration, Instant};

use aula_client::Client;
use aula_client::sender::{Sender, submit};
use aula_home::{Advise, Failure, Home};
use aula_ledger::keys::{account_of, public_key};
use aula_ledger::tx::FundBudget;
use aula_ledger::types::{Cents, Height};
use aula_store::folder_bytes;
use futures::future::try_join_all;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::bench::reads::past::{Size, YEAR};
use crate::bench::reads::people::account_key;
use crate::{Tell, defect};

/// How long transactions are counted, each time.
const WINDOW: Duration = Duration::from_secs(15);
/// Blocks that stay: the fewest that may.
const KEEP: &str = "1000";
/// When the disk should have come back.
const MINUTE: Duration = Duration::from_secs(60);
/// How much longer is waited for what comes later.
const LATER: Duration = Duration::from_secs(30);
/// Longest wait for a node to have counted its chain.
const COUNTED: Duration = Duration::from_secs(120);

/// Measures with running founders of a past of this size.
///
/// # Errors
/// When a node cannot be reached or an order fails.
pub(super) async fn measure(
    program: &Path,
    founders: &[Home],
    clients: &[Client],
    size: &Size,
    tell: Tell<'_>,
) -> Result<Value, Failure> {
    let first = clients.first().ok_or_else(|| defect("a past without founders"))?;
    let key = account_key(size.seed, 0);
    let genesis = first.status().await?.genesis_sha256;
    let mut office = Sender::new(genesis, account_of(&public_key(&key)), key, Height(u64::MAX / 2));
    office.refresh(first).await?;
    let load = tokio::spawn(load(office, first.clone()));
    tell("transactions a second without pruning".into());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let before = rate(first).await?;
    tell("pruning".into());
    let bytes = || founders.iter().map(|home| folder_bytes(&home.data_dir())).sum::<u64>();
    let (began, bytes_before) = (Instant::now(), bytes());
    let orders = try_join_all(founders.iter().map(|home| prune(program, home)));
    let (told, during) = futures::future::try_join(orders, rate(first)).await?;
    let prune_s = told.iter().map(|(_, took)| took.as_secs_f64()).fold(0.0, f64::max);
    let bytes_told: u64 = told.iter().filter_map(|(told, _)| told["bytes_freed"].as_u64()).sum();
    load.abort();
    tokio::time::sleep(MINUTE.saturating_sub(began.elapsed())).await;
    let in_a_minute = bytes_before.saturating_sub(bytes());
    tokio::time::sleep(LATER).await;
    let in_all = bytes_before.saturating_sub(bytes()).max(in_a_minute);
    Ok(json!({
        "transactions_per_s": before, "transactions_per_s_while_pruning": during,
        "slower_percent": (1.0 - during / before.max(f64::MIN_POSITIVE)) * 100.0,
        "prune_s": prune_s, "bytes_before": bytes_before, "bytes_freed_told": bytes_told,
        "bytes_freed_in_a_minute": in_a_minute,
        "share_in_a_minute": in_a_minute as f64 / (in_all.max(1)) as f64,
    }))
}

/// One transaction after another of one account, until the task is ended.
async fn load(mut office: Sender, client: Client) {
    for cents in 1u64.. {
        let signed = office.sign(FundBudget { school_year: YEAR, amount_cents: Cents(cents) });
        // Ended with the bench: what fails shows as a rate of nothing.
        if submit(&client, &signed).await.is_err() {
            return;
        }
    }
}

/// Transactions that become final in a second.
async fn rate(client: &Client) -> Result<f64, Failure> {
    let (from, began) = (counted(client).await?, Instant::now());
    tokio::time::sleep(WINDOW).await;
    let until = counted(client).await?;
    Ok((until - from) as f64 / began.elapsed().as_secs_f64())
}

async fn counted(client: &Client) -> Result<u64, Failure> {
    let began = Instant::now();
    loop {
        if let Some(count) = client.status().await?.transactions {
            return Ok(count);
        }
        if began.elapsed() > COUNTED {
            return Err(Failure::because(
                "a node does not say how many transactions its chain has",
                "try a smaller past",
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn prune(program: &Path, home: &Home) -> Result<(Value, Duration), Failure> {
    let began = Instant::now();
    let words = ["prune", "--keep", KEEP, "--output", "json", "--home"];
    let done = Command::new(program).args(words).arg(home.path()).output().await;
    let done = done.advise("cannot order a node to prune", "run the bench again")?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(Failure::because(format!("a node does not prune: {said}"), "see its log"));
    }
    Ok((serde_json::from_slice(&done.stdout).map_err(defect)?, began.elapsed()))
}
