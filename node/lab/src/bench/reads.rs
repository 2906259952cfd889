//! `aula bench reads`: how long a node with a long past takes for each of its pages and routes.
//!
//! Flow: `past` writes a chain, every transaction signed, executed and committed as a node does it →
//! the real node is started over it twice: the first time it has to make the index of the read model, the second time it
//! finds it → each page and route (`routes`) is asked for again and again over one connection, while the validator, when it is
//! the only one, goes on deciding blocks. The node's cache and its limits by caller and of all together are off, so that every answer is made anew; the time
//! includes the way over loopback.
//!
//! With `--dir` the past is kept there and measured again by the next run; `scripts/bench-explorer.sh` uses that.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aula_client::Client;
use aula_home::{Advise, Failure, Home};
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{Figures, Folder, with_settings};
use crate::Tell;
use crate::localnet::Localnet;

pub(super) mod past;
pub(super) mod people;
mod routes;

use past::Size;
use routes::Measured;

/// Slowest answer that is allowed, in milliseconds, at the 99th percentile.
const BAR_MS: f64 = 100.0;
/// Longest wait for the index.
const INDEX_LIMIT: Duration = Duration::from_secs(600);
/// Between two questions whether the index is there.
const POLL: Duration = Duration::from_millis(5);

/// Arguments of `aula bench reads`.
#[derive(Debug, Args)]
pub struct ReadsArgs {
    /// What the chain holds
    #[command(flatten)]
    pub size: Size,
    /// How often each page and route is asked for
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub requests: u32,
    /// Keep the chain in this folder, or measure the one that is there [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Write the chain and measure nothing; needs --dir
    #[arg(long, requires = "dir")]
    pub only_write: bool,
}

/// Writes the past and measures.
///
/// # Errors
/// When the chain cannot be written, the node does not come up, or an answer is not a success.
pub async fn run(args: &ReadsArgs, tell: Tell<'_>) -> Result<Figures, Failure> {
    let (folder, temporary) = match &args.dir {
        Some(dir) => {
            let unusable = format!("cannot make {} absolute", dir.display());
            (std::path::absolute(dir).advise(unusable, "name an absolute path")?, None)
        }
        None => {
            let temporary = Folder::temporary()?;
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    let written = tokio::task::block_in_place(|| past::write(tell, &folder, &args.size))?;
    if args.only_write {
        let text = format!("{}: {} transactions", folder.display(), written.transactions);
        let json = json!({ "dir": folder, "transactions": written.transactions });
        return Ok(Figures { json, text, within: true });
    }
    let home = written.homes.first().ok_or_else(|| Failure::because("no home", "report it"))?;
    let config = every_answer_anew(home)?;
    let program = std::env::current_exe().advise("cannot find this program", "run it by its path")?;
    let measured = measure(tell, args, &program, home).await;
    // A folder that is kept is left as an operator's would be.
    std::fs::write(home.config_file(), config).advise("cannot write config.toml", "check the space")?;
    let figures = measured?.figures(args, &written);
    drop(temporary);
    Ok(figures)
}

/// Turns cache and limits off; gives the configuration as it was.
fn every_answer_anew(home: &Home) -> Result<String, Failure> {
    let off =
        [("api", "cache_mib", "0"), ("api", "reads_per_second", "0"), ("quotas", "requests_per_second", "0")];
    with_settings(home, &off)
}

/// A start of the node.
#[derive(Debug, Clone, Copy, Serialize)]
struct Start {
    /// Until it serves, in seconds.
    up_s: f64,
    /// From there until everything is indexed.
    index_s: f64,
    /// Resident memory then.
    resident_mib: f64,
}

/// What was seen of the node that had its index.
struct Seen {
    first: Start,
    again: Start,
    /// Resident memory after all requests.
    resident_end_mib: f64,
    height: u64,
    /// Blocks decided while it was measured.
    blocks: u64,
    seconds: f64,
    routes: Vec<Measured>,
}

async fn measure(tell: Tell<'_>, args: &ReadsArgs, program: &Path, home: &Home) -> Result<Seen, Failure> {
    past::forget_index(home)?;
    let (mut net, client, first) = start(program, home).await?;
    net.stop().await;
    drop(client);
    let (mut net, client, again) = start(program, home).await?;
    let pid = net.lines().next().map_or(0, |line| line.pid);
    let seen = ask(tell, args, &client, (first, again), pid).await;
    net.stop().await;
    seen
}

/// Starts the node and waits until it has indexed its chain.
async fn start(program: &Path, home: &Home) -> Result<(Localnet, Client, Start), Failure> {
    let begin = Instant::now();
    let mut net = Localnet::start(program, std::slice::from_ref(home)).await?;
    let up_s = begin.elapsed().as_secs_f64();
    let indexed = async {
        let line = net.lines().next().ok_or_else(|| Failure::because("there is no node", "run it again"))?;
        let client = Client::new(&line.rpc)?;
        let begin = Instant::now();
        while client.status().await?.transactions.is_none() {
            if begin.elapsed() > INDEX_LIMIT {
                return Err(Failure::because("the index is not made", "see the node's log"));
            }
            tokio::time::sleep(POLL).await;
        }
        let index_s = begin.elapsed().as_secs_f64();
        Ok((client, Start { up_s, index_s, resident_mib: resident_mib(line.pid)? }))
    };
    match indexed.await {
        Ok((client, start)) => Ok((net, client, start)),
        Err(failure) => {
            net.stop().await;
            Err(failure)
        }
    }
}

async fn ask(
    tell: Tell<'_>,
    args: &ReadsArgs,
    client: &Client,
    (first, again): (Start, Start),
    pid: u32,
) -> Result<Seen, Failure> {
    let height = client.height().await?;
    tell("asking for every page and route".into());
    let begin = Instant::now();
    let routes = routes::measure(client, args.requests).await?;
    let seconds = begin.elapsed().as_secs_f64();
    let blocks = client.height().await?.saturating_sub(height);
    Ok(Seen { first, again, resident_end_mib: resident_mib(pid)?, height, blocks, seconds, routes })
}

/// Resident memory of a process as the kernel counts it.
fn resident_mib(pid: u32) -> Result<f64, Failure> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).advise(format!("cannot read {path}"), "run it on Linux")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    Ok(kib.unwrap_or(0.0) / 1024.0)
}

impl Seen {
    fn figures(&self, args: &ReadsArgs, written: &past::Written) -> Figures {
        let slowest = self.routes.iter().map(|route| route.p99_ms).fold(0.0, f64::max);
        let within = slowest <= BAR_MS && (self.blocks > 0 || args.size.validators > 1);
        let mut lines: Vec<String> = self.routes.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "{} transactions, {} rounds, {} decisions, height {}; {} requests each\nup {:.2} s, index made in {:.2} s, {:.0} MiB; \
             started again: up {:.2} s, index found in {:.2} s, {:.0} MiB, after all requests {:.0} MiB\n{} blocks decided in the \
             {:.0} s of the requests\nslowest p99 {slowest:.1} ms, allowed {BAR_MS} ms",
            written.transactions,
            args.size.rounds,
            args.size.decisions,
            self.height,
            args.requests,
            self.first.up_s,
            self.first.index_s,
            self.first.resident_mib,
            self.again.up_s,
            self.again.index_s,
            self.again.resident_mib,
            self.resident_end_mib,
            self.blocks,
            self.seconds,
        ));
        let json = json!({
            "transactions": written.transactions, "rounds": args.size.rounds, "decisions": args.size.decisions,
            "height": self.height, "requests": args.requests, "start_without_index": self.first,
            "start": self.again, "resident_end_mib": self.resident_end_mib, "blocks": self.blocks,
            "seconds": self.seconds, "routes": self.routes, "slowest_p99_ms": slowest, "bar_ms": BAR_MS, "within": within,
        });
        let text = lines.join("\n");
        Figures { json, text, within }
    }
}
