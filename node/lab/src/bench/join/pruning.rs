//! What pruning gives back, how soon, and what it costs the chain meanwhile.
//!
//! Flow: the founders run under load → transactions that become final are counted for a while → every founder is told to prune
//! (`aula prune`, beside its running node) → the same count while they do → the folders' bytes a minute after the order, beside
//! those that the orders told before and as freed → the count once more under load.

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
use tokio::task::JoinHandle;

use crate::bench::reads::past::Size;
use crate::bench::reads::people::YEAR;
use crate::bench::reads::people::account_key;
use crate::{Tell, defect};

/// How long transactions are counted, each time.
const WINDOW: Duration = Duration::from_secs(15);
/// Blocks that stay: the fewest that may.
const KEEP: &str = "1000";
/// When the disk should have come back.
const MINUTE: Duration = Duration::from_secs(60);
/// Load before anything is counted.
const WARM_UP: Duration = Duration::from_secs(3);
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
    tell("transactions a second without pruning".into());
    let loading = begin_load(first, size).await?;
    let before = rate(first).await?;
    tell("pruning".into());
    let began = Instant::now();
    let orders = try_join_all(founders.iter().map(|home| prune(program, home)));
    let (told, during) = futures::future::try_join(orders, rate(first)).await?;
    loading.abort();
    let prune_s = told.iter().map(|(_, took)| took.as_secs_f64()).fold(0.0, f64::max);
    let sum = |field: &str| told.iter().filter_map(|(told, _)| told[field].as_u64()).sum::<u64>();
    let (bytes_before, bytes_told) = (sum("bytes_before"), sum("bytes_freed"));
    tokio::time::sleep(MINUTE.saturating_sub(began.elapsed())).await;
    let now: u64 = founders.iter().map(|home| folder_bytes(&home.data_dir())).sum();
    let in_a_minute = bytes_before.saturating_sub(now);
    tell("transactions a second after pruning".into());
    let loading = begin_load(first, size).await?;
    let after = rate(first).await?;
    loading.abort();
    let to_before = |rate: f64| rate / before.max(f64::MIN_POSITIVE);
    Ok(json!({
        "transactions_per_s": before, "transactions_per_s_while_pruning": during, "transactions_per_s_after": after,
        "ratio_while_pruning": to_before(during), "ratio_after": to_before(after),
        "slower_percent": (1.0 - to_before(during)) * 100.0,
        "prune_s": prune_s, "bytes_before": bytes_before, "bytes_freed_told": bytes_told,
        "bytes_freed_in_a_minute": in_a_minute,
        "share_in_a_minute": in_a_minute as f64 / bytes_told.max(1) as f64,
    }))
}

/// Load of the office's account, as the chain knows it now; gives the task once it runs.
async fn begin_load(client: &Client, size: &Size) -> Result<JoinHandle<()>, Failure> {
    let key = account_key(size.seed, 0);
    let genesis = client.status().await?.genesis_sha256;
    let mut office = Sender::new(genesis, account_of(&public_key(&key)), key, Height(u64::MAX / 2));
    office.refresh(client).await?;
    let task = tokio::spawn(load(office, client.clone()));
    tokio::time::sleep(WARM_UP).await;
    Ok(task)
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
