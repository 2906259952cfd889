//! `aula bench join`: how long a newcomer takes to be level with a long chain, by a snapshot and by every block.
//!
//! Flow: a past is written for four validators (as `aula bench reads` does) → three get a snapshot of its tip, and of one of
//! them a chunk is spoiled, so that it lies → the three start → the fourth, whose database is taken away, starts and is timed
//! until it has the block that the others had then; once with a snapshot, once without → with --prune the three prune under
//! load (`pruning`); with --growth a chain of its own tells what a block costs the disk (`growth`). Everything on this machine,
//! so the four share its processors: what counts is the ratio.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aula_client::Client;
use aula_home::config::set;
use aula_home::{Advise, Failure, Home};
use aula_store::snapshots::{self, Kept};
use aula_store::{ChainDb, DbOptions, folder_bytes};
use clap::Args;
use serde_json::{Value, json};

use super::reads::past::{Size, write};
use super::{Figures, Folder};
use crate::localnet::Localnet;
use crate::{Tell, storage_failure};

mod growth;
mod pruning;

/// Longest wait for a newcomer to be level.
const LIMIT: Duration = Duration::from_secs(3_600);
/// Longest that a newcomer may take by a snapshot, seconds.
const SNAPSHOT_S: f64 = 60.0;
/// Least share of the transactions a second before pruning that there are meanwhile, and afterwards.
const PACE: f64 = 0.85;
/// Least share of what pruning told as freed that is back on the disk within a minute.
const BACK: f64 = 0.9;
const HINT: &str = "check the folder's owner and the space left";

/// Arguments of `aula bench join`.
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// What the chain holds; four validators sign it whatever --validators says
    #[command(flatten)]
    pub size: Size,
    /// Keep the chain in this folder and take the one that is there [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Time the newcomer with a snapshot alone, not with every block as well
    #[arg(long)]
    pub snapshot_only: bool,
    /// Prune the three that are level afterwards, under load
    #[arg(long)]
    pub prune: bool,
    /// Measure what a block and a day cost the disk, idle and with transactions, before and after pruning
    #[arg(long)]
    pub growth: bool,
}

/// Runs the bench.
///
/// # Errors
/// When a node does not come up or is not level in an hour.
pub async fn run(args: &JoinArgs, tell: Tell<'_>) -> Result<Figures, Failure> {
    let temporary = Folder::temporary()?;
    let folder = args.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    std::fs::create_dir_all(&folder).advise(format!("cannot make {}", folder.display()), HINT)?;
    let size = Size { validators: 4, ..args.size.clone() };
    let homes = tokio::task::block_in_place(|| write(tell, &folder, &size))?.homes;
    let Some((newcomer, founders)) = homes.split_last() else {
        return Err(crate::defect("a past without homes"));
    };
    let mut kept = Vec::new();
    for home in founders {
        kept.push(tokio::task::block_in_place(|| snapshot(home))?);
    }
    let Some(first) = kept.first() else { return Err(crate::defect("a past without founders")) };
    let (manifest, database) = (first.manifest.clone(), folder_bytes(&founders[0].data_dir()));
    spoil(first)?;
    let program = std::env::current_exe().advise("cannot find this program", "run it by its path")?;
    let mut net = Localnet::start(&program, founders).await?;
    let others = net.lines().map(|line| Client::new(&line.rpc)).collect::<Result<Vec<_>, _>>()?;
    let trusted = format!("{}:{}", manifest.height, manifest.block);
    let mut timed = Vec::new();
    let ways: &[&str] = if args.snapshot_only { &["snapshot"] } else { &["snapshot", "blocks"] };
    for way in ways {
        tell(format!("a newcomer to {} blocks, by {way}", manifest.height));
        let took = level(&program, newcomer, way, &trusted, &others).await;
        timed.push(match took {
            Ok(took) => took.as_secs_f64(),
            Err(failure) => {
                net.stop().await;
                return Err(failure);
            }
        });
    }
    let pruned = match args.prune {
        true => Some(pruning::measure(&program, founders, &others, &size, tell).await),
        false => None,
    };
    net.stop().await;
    let pruned = pruned.transpose()?;
    let grown = match args.growth {
        true => Some(tokio::task::block_in_place(|| growth::measure(&size, tell))?),
        false => None,
    };
    let log = std::fs::read_to_string(newcomer.log_file()).unwrap_or_default();
    let named = log.contains("not the one of its manifest; it is left");
    let (by_snapshot, by_blocks) = (timed.first().copied(), timed.get(1).copied());
    let ratio = by_snapshot.zip(by_blocks).map(|(snapshot, blocks)| blocks / snapshot);
    let missed = missed(by_snapshot, pruned.as_ref());
    let json = json!({
        "blocks": manifest.height, "database_bytes": database, "snapshot_bytes": manifest.bytes(),
        "chunks": manifest.chunks.len(), "snapshot_s": by_snapshot, "blocks_s": by_blocks, "ratio": ratio,
        "liars": 1, "liar_named": named, "pruning": pruned, "growth": grown, "missed": missed,
    });
    let shown = |seconds: Option<f64>| seconds.map_or("-".into(), |seconds| format!("{seconds:.1} s"));
    let text = format!(
        "{} blocks, database {database} bytes, snapshot {} bytes in {} chunks\nlevel by snapshot  {} (one of three peers lies; named: \
         {named})\nlevel by blocks    {}{}{}{}",
        manifest.height,
        manifest.bytes(),
        manifest.chunks.len(),
        shown(by_snapshot),
        shown(by_blocks),
        pruned.map_or(String::new(), |told| format!("\npruning            {told}")),
        grown.map_or(String::new(), |told| format!("\ngrowth             {told}")),
        missed.iter().map(|bar| format!("\nbar missed         {bar}")).collect::<String>()
    );
    Ok(Figures { json, text, within: missed.is_empty() })
}

/// Bars that were not kept, of what was measured.
fn missed(by_snapshot: Option<f64>, pruned: Option<&Value>) -> Vec<String> {
    let mut missed = Vec::new();
    if by_snapshot.is_none_or(|seconds| seconds > SNAPSHOT_S) {
        missed.push(format!("level by snapshot within {SNAPSHOT_S} s"));
    }
    let Some(pruned) = pruned else { return missed };
    for (field, least) in [("ratio_while_pruning", PACE), ("ratio_after", PACE), ("share_in_a_minute", BACK)]
    {
        if pruned[field].as_f64().is_none_or(|share| share < least) {
            missed.push(format!("{field} {least}: {}", pruned[field]));
        }
    }
    missed
}

fn snapshot(home: &Home) -> Result<Kept, Failure> {
    let db = ChainDb::open(&home.data_dir(), DbOptions::default()).map_err(storage_failure)?;
    snapshots::create(&db.latest(), &home.snapshots_dir())
        .map_err(|error| Failure::because(&error, error.hint()))
}

/// Flips a bit of every chunk: this peer gives none that is true.
fn spoil(kept: &Kept) -> Result<(), Failure> {
    for index in 0..kept.manifest.chunks.len() {
        let path = kept.folder.join(snapshots::chunk_name(index));
        let what = || format!("cannot spoil {}", path.display());
        let mut bytes = std::fs::read(&path).advise(what(), HINT)?;
        if let Some(first) = bytes.first_mut() {
            *first ^= 0x80;
        }
        std::fs::write(&path, bytes).advise(what(), HINT)?;
    }
    Ok(())
}

/// How long the newcomer takes from its start until it has the block that the others have then.
async fn level(
    program: &Path,
    newcomer: &Home,
    way: &str,
    trusted: &str,
    others: &[Client],
) -> Result<Duration, Failure> {
    for folder in [newcomer.data_dir(), newcomer.snapshots_dir()] {
        if folder.exists() {
            std::fs::remove_dir_all(&folder).advise(format!("cannot clear {}", folder.display()), HINT)?;
        }
    }
    let path = newcomer.config_file();
    let text = std::fs::read_to_string(&path).advise(format!("cannot read {}", path.display()), HINT)?;
    let text = set(&text, "p2p", "trusted", &format!("\"{trusted}\""));
    let text = set(&text, "storage", "begin_with", &format!("\"{way}\""));
    let text = set(&text, "consensus", "role", "\"follower\"");
    std::fs::write(&path, text).advise(format!("cannot write {}", path.display()), HINT)?;
    let mut target = 0;
    for other in others {
        target = target.max(other.height().await?);
    }
    let start = Instant::now();
    let mut net = Localnet::start(program, std::slice::from_ref(newcomer)).await?;
    let rpc = net.lines().map(|line| line.rpc.clone()).collect::<String>();
    let client = Client::new(&rpc)?;
    // While it begins anew it does not answer.
    while client.height().await.unwrap_or(0) < target {
        if start.elapsed() > LIMIT {
            net.stop().await;
            return Err(Failure::because(
                format!("the newcomer is not level after {LIMIT:?}"),
                format!("see {}", newcomer.log_file().display()),
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let took = start.elapsed();
    net.stop().await;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pruned(during: f64, after: f64, back: f64) -> Value {
        json!({ "ratio_while_pruning": during, "ratio_after": after, "share_in_a_minute": back })
    }

    #[test]
    fn a_bar_that_is_missed_is_named_and_what_was_not_measured_is_no_bar_but_the_snapshot() {
        let count = |by_snapshot, pruned: Option<Value>| missed(by_snapshot, pruned.as_ref()).len();
        assert_eq!(count(Some(60.0), None), 0);
        assert_eq!([count(Some(60.1), None), count(None, None)], [1, 1]);
        assert_eq!(count(Some(9.0), Some(pruned(0.85, 0.97, 0.9))), 0);
        assert_eq!(count(Some(9.0), Some(pruned(0.84, 0.84, 0.89))), 3);
        assert!(
            missed(Some(9.0), Some(&pruned(0.8, 1.0, 1.0)))[0].starts_with("ratio_while_pruning 0.85: 0.8")
        );
        assert_eq!(count(Some(9.0), Some(json!({}))), 3, "a figure that is gone is not kept");
    }
}
