//! `aula bench`: figures of this program on this machine, each from one command that anybody can run again.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::{Advise, Context, Failure, Outcome};
use crate::clock::now_ms;

mod ledger;
mod load;
mod reads;
mod zk;

/// Arguments of `aula bench`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula bench ledger --validators 4 --seconds 20 --records 400000\n  aula bench ledger --seconds 20 --records \
                  20000 --rate 1000\n  aula bench reads --transactions 200000 --rounds 50 --decisions 15000\n  aula bench zk"
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
    /// Each page and route of a node whose chain is long, every answer made anew
    Reads(reads::ReadsArgs),
    /// Verification of range proofs, one thread
    Zk,
}

/// Measures and prints one line.
///
/// # Errors
/// When a node does not come up, refuses, or stands still.
pub async fn run(context: &Context, args: &BenchArgs) -> Result<Outcome, Failure> {
    match &args.what {
        What::Ledger(args) => ledger::run(context, args).await,
        What::Reads(args) => reads::run(context, args).await,
        What::Zk => tokio::task::block_in_place(zk::run),
    }
}

/// A temporary folder, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn temporary() -> Result<Self, Failure> {
        let path = std::env::temp_dir().join(format!("aula-bench-{}-{}", std::process::id(), now_ms()));
        std::fs::create_dir(&path).advise(format!("cannot make {}", path.display()), "set TMPDIR")?;
        Ok(Self(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is left for the system's cleaning of temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The value below which `share` of the ascending values lie (nearest rank); 0 when there are none.
fn percentile(ascending: &[f64], share: f64) -> f64 {
    let rank = (ascending.len() as f64 * share).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(
            (percentile(&values, 0.5), percentile(&values, 0.97), percentile(&values, 1.0)),
            (50.0, 97.0, 100.0)
        );
        assert_eq!(percentile(&[7.0], 0.5), 7.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }
}
