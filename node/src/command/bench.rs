//! `aula bench`: figures of this program on this machine, each from one command that anybody can run again.

use aula_lab::bench::{Figures, feed, join, ledger, reads, replicas, zk};
use clap::{Args, Subcommand};

use super::{Context, Failure, Outcome, Verdict};

pub mod consortium;

/// Arguments of `aula bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula bench ledger --validators 4 --seconds 20 --records 400000\n  aula bench ledger --seconds 20 --records \
                  20000 --rate 1000\n  aula bench reads --transactions 200000 --rounds 50 --decisions 15000\n  aula bench zk\n  aula bench feed --seconds 10 --source frames\n  aula bench replicas --events 100000\n  aula bench consortium --validators 200"
)]
pub struct BenchArgs {
    /// What to measure
    #[command(subcommand)]
    pub what: What,
}

/// What can be measured.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Student states anchored and final on a consortium of its own, on loopback
    Ledger(ledger::LedgerArgs),
    /// Each page and route of a node whose chain is long, with no answer from the cache
    Reads(reads::ReadsArgs),
    /// A newcomer to a long chain, by a snapshot and by every block, with one lying peer of three
    Join(join::JoinArgs),
    /// Verification of range proofs, one thread
    Zk,
    /// What levelling a school's replica with its district costs, by how far they differ
    Replicas(replicas::ReplicasArgs),
    /// How a consortium of many districts decides, in simulated time
    Consortium(consortium::ConsortiumArgs),
    /// Events from a publishing process into the vault and the twins of another
    Feed(feed::FeedArgs),
    /// The node of `bench feed`
    #[command(hide = true)]
    FeedHost(feed::HostArgs),
    /// The publishing process of `bench feed`
    #[command(hide = true)]
    FeedPublish(feed::PublishArgs),
}

/// Measures and prints one line.
///
/// # Errors
/// When a node does not come up, refuses, or stands still.
pub async fn run(context: &Context, args: &BenchArgs) -> Result<Outcome, Failure> {
    let tell = |line: String| context.tell(line);
    let Figures { json, text, within } = match &args.what {
        What::Ledger(args) => ledger::run(args, &tell).await,
        What::Reads(args) => reads::run(args, &tell).await,
        What::Join(args) => join::run(args, &tell).await,
        What::Feed(args) => feed::run(args, &tell).await,
        What::Replicas(args) => replicas::run(args, &tell).await,
        // These two print lines of their own.
        What::FeedHost(args) => {
            feed::run_host(args).await?;
            return Ok(Outcome { verdict: Verdict::Yes, answer: None });
        }
        What::FeedPublish(args) => {
            feed::run_publish(args).await?;
            return Ok(Outcome { verdict: Verdict::Yes, answer: None });
        }
        What::Consortium(args) => tokio::task::block_in_place(|| consortium::run(args)),
        What::Zk => tokio::task::block_in_place(zk::run),
    }?;
    Ok(if within { Outcome::yes(json, text) } else { Outcome::no(json, text) })
}
