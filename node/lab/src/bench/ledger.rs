//! `aula bench ledger`: student states anchored, final, and persisted on every node of a consortium of its own.
//!
//! Flow: a consortium in a temporary folder → all transactions signed → two blocks decided → the clock starts
//! with the first submission and stops when every node has the block of the last one. Without `--rate` the
//! largest batches as fast as the nodes take them; with it one record a transaction at fixed times, whatever
//! became of the ones before, and a latency counts from the time at which a transaction was due. Finality is
//! seen at one node, by asking for the next block every few milliseconds; that is part of the latency.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aula_client::Client;
use aula_client::sender::submit;
use aula_client::watch::{POLL, Watcher};
use aula_home::clock::now_ms;
use aula_home::{Advise, Failure};
use aula_ledger::params::Params;
use aula_ledger::tx::TransactionId;
use aula_ledger::types::TimeMs;
use clap::Args;
use futures::future::try_join_all;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

use super::load::{Districts, Queue};
use super::{Figures, Folder, percentile, with_settings};
use crate::localnet::{Localnet, Plan, prepare};
use crate::{Tell, defect};

/// Districts that send. More would share the same signatures and trees among more accounts.
const DISTRICTS: u16 = 16;
/// Blocks decided before the clock starts.
const WARM_UP_BLOCKS: u64 = 2;
/// Longest wait for the end after the last submission.
const END_LIMIT: Duration = Duration::from_secs(120);

/// Arguments of `aula bench ledger`.
#[derive(Debug, Args)]
pub struct LedgerArgs {
    /// How many validators
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub validators: u16,
    /// Submit for at most this many seconds
    #[arg(long, default_value_t = 20)]
    pub seconds: u64,
    /// Most records that are submitted
    #[arg(long, default_value_t = 400_000, value_parser = clap::value_parser!(u32).range(1..=3_000_000))]
    pub records: u32,
    /// One record a transaction, this many transactions a second [default: the largest batches, as fast as possible]
    #[arg(long, value_name = "TX_PER_S", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: Option<u32>,
}

/// Runs the bench.
///
/// # Errors
/// When a node does not come up, refuses a transaction, or the end is not reached.
pub async fn run(args: &LedgerArgs, tell: Tell<'_>) -> Result<Figures, Failure> {
    let now = now_ms();
    let folder = Folder::temporary()?;
    let districts = Districts::new(DISTRICTS);
    let plan = Plan {
        dir: folder.path().to_owned(),
        validators: args.validators,
        name: "bench".into(),
        base_port: None,
        time_ms: TimeMs(now),
        base: districts.base().map_err(defect)?,
    };
    let prepared = prepare(&plan)?;
    // The ledger is measured, not a district's share of a machine.
    for home in &prepared.homes {
        with_settings(home, &[("quotas", "requests_per_second", "0")])?;
    }
    tell(format!("signing {} records", records(args)));
    let batch = args.rate.map_or(Params::default().max_batch_entries as usize, |_| 1);
    let genesis = prepared.genesis.sha256;
    let queues = tokio::task::block_in_place(|| districts.load(&genesis, records(args), batch));
    let program = std::env::current_exe().advise("cannot find this program", "run it by its path")?;
    let mut net = Localnet::start(&program, &prepared.homes).await?;
    let clients = net.lines().map(|line| Client::new(&line.rpc)).collect::<Result<Vec<_>, _>>()?;
    let measured = measure(tell, args, &clients, queues).await;
    net.stop().await;
    let measured = measured?;
    Ok(measured.figures(args))
}

/// Records that will be sent: with a rate, those that fit the time.
fn records(args: &LedgerArgs) -> usize {
    let most = args.records as usize;
    args.rate.map_or(most, |rate| most.min(usize::try_from(u64::from(rate) * args.seconds).unwrap_or(most)))
}

/// What was seen.
struct Measured {
    records: usize,
    transactions: usize,
    bytes: usize,
    seconds: f64,
    blocks: u64,
    /// Milliseconds from submission to final, ascending.
    latencies_ms: Vec<f64>,
}

/// A transaction that is on its way.
#[derive(Clone, Copy)]
struct Sent {
    at: Instant,
    records: usize,
    bytes: usize,
}

type SentBook = Arc<Mutex<BTreeMap<TransactionId, Sent>>>;

async fn measure(
    tell: Tell<'_>,
    args: &LedgerArgs,
    clients: &[Client],
    queues: Vec<Queue>,
) -> Result<Measured, Failure> {
    let node = clients.first().ok_or_else(|| Failure::because("there is no node", "give --validators 4"))?;
    let mut watcher = Watcher::from_now(node).await?;
    // Starting is not what is measured: the chain moves on every node before the first submission.
    watcher.until_height(watcher.height() + WARM_UP_BLOCKS, END_LIMIT).await?;
    persisted(clients, watcher.height()).await?;
    let before = watcher.height();
    let book = SentBook::default();
    tell("submitting".into());
    let start = Instant::now();
    let end = start + Duration::from_secs(args.seconds);
    let accounts = queues.len();
    let sending = queues.into_iter().enumerate().map(|(place, queue)| {
        let client = clients.get(place % clients.len().max(1)).unwrap_or(node).clone();
        let pace = Pace { start, end, rate: args.rate, place, accounts };
        tokio::spawn(send(client, queue, pace, book.clone()))
    });
    let sending = try_join_all(sending.collect::<Vec<_>>());
    tokio::pin!(sending);
    let mut finals: BTreeMap<TransactionId, Instant> = BTreeMap::new();
    let mut all_sent = false;
    loop {
        if let Some(ids) = watcher.advance().await? {
            let seen = Instant::now();
            finals.extend(ids.into_iter().map(|id| (id, seen)));
            continue;
        }
        if all_sent {
            let missing = book.lock().await.keys().filter(|id| !finals.contains_key(*id)).count();
            if missing == 0 {
                break;
            }
            if Instant::now() > end + END_LIMIT {
                let message = format!("{missing} transactions are not final");
                return Err(Failure::new("not_final", message, "try fewer --records"));
            }
        }
        tokio::select! {
            done = &mut sending, if !all_sent => {
                done.advise("a sending task failed", "run it again")?.into_iter().collect::<Result<(), _>>()?;
                all_sent = true;
            }
            () = tokio::time::sleep(POLL) => {}
        }
    }
    persisted(clients, watcher.height()).await?;
    let blocks = watcher.height() - before;
    let seconds = start.elapsed().as_secs_f64();
    let book = book.lock().await;
    let rejected = watcher.rejected();
    if let Some(one) = rejected {
        return Err(Failure::new(
            "rejected",
            format!("{} was rejected: {}", one.kind, one.meaning),
            "report it",
        ));
    }
    let latency = |(id, sent): (&TransactionId, &Sent)| {
        finals.get(id).map(|seen| seen.duration_since(sent.at).as_secs_f64() * 1e3)
    };
    let mut latencies_ms: Vec<f64> = book.iter().filter_map(latency).collect();
    latencies_ms.sort_by(f64::total_cmp);
    Ok(Measured {
        records: book.values().map(|sent| sent.records).sum(),
        transactions: book.len(),
        bytes: book.values().map(|sent| sent.bytes).sum(),
        seconds,
        blocks,
        latencies_ms,
    })
}

/// When an account's transactions are due.
#[derive(Clone, Copy)]
struct Pace {
    start: Instant,
    end: Instant,
    rate: Option<u32>,
    place: usize,
    accounts: usize,
}

impl Pace {
    /// The account's `index`-th transaction: with a rate the accounts take turns at even times.
    fn due(&self, index: usize) -> Instant {
        let turn = (index * self.accounts + self.place) as f64;
        self.rate.map_or(self.start, |rate| self.start + Duration::from_secs_f64(turn / f64::from(rate)))
    }
}

/// Sends one account's transactions in order, until the end of the time.
async fn send(client: Client, queue: Queue, pace: Pace, book: SentBook) -> Result<(), Failure> {
    for (index, (signed, records)) in queue.into_iter().enumerate() {
        let due = pace.due(index);
        sleep_until(due).await;
        let now = Instant::now();
        if now >= pace.end {
            break;
        }
        let at = if pace.rate.is_some() { due } else { now };
        book.lock().await.insert(signed.id, Sent { at, records, bytes: signed.bytes.len() });
        submit(&client, &signed).await?;
    }
    Ok(())
}

/// Waits until every node has the block.
async fn persisted(clients: &[Client], height: u64) -> Result<(), Failure> {
    let wait = |client: &Client| {
        let client = client.clone();
        async move {
            while client.height().await? < height {
                tokio::time::sleep(POLL).await;
            }
            Ok::<(), Failure>(())
        }
    };
    try_join_all(clients.iter().map(wait)).await.map(drop)
}

impl Measured {
    fn figures(&self, args: &LedgerArgs) -> Figures {
        let records_per_s = self.records as f64 / self.seconds;
        let transactions_per_s = self.transactions as f64 / self.seconds;
        let of = |share| percentile(&self.latencies_ms, share);
        let (p50, p97, p99) = (of(0.50), of(0.97), of(0.99));
        let bytes_per_record = self.bytes as f64 / self.records.max(1) as f64;
        let text = format!(
            "{} records in {} transactions and {} blocks, final and on disk on all {} validators after {:.2} s\n{records_per_s:.0} records/s, \
             {transactions_per_s:.0} transactions/s, {bytes_per_record:.0} bytes a record\nsubmit to final: p50 {p50:.0} ms, p97 \
             {p97:.0} ms, p99 {p99:.0} ms",
            self.records, self.transactions, self.blocks, args.validators, self.seconds
        );
        let json = json!({
            "records_per_s": records_per_s, "transactions_per_s": transactions_per_s,
            "latency_ms": { "p50": p50, "p97": p97, "p99": p99 },
            "bytes_per_record": bytes_per_record, "validators": args.validators,
        });
        Figures { json, text, within: true }
    }
}
