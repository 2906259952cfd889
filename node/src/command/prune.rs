//! `aula prune`: blocks below a height go, and the disk comes back.

use aula_server::upkeep::control;
use clap::Args;

use super::{Context, Failure, Outcome};

/// Arguments of `aula prune`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula prune --home /srv/district-07 --keep 100000\n  aula prune --output json\n\nRuns beside a running node. \
                  What stays: the state, the newest blocks, and the certificates by which evidence walks from the genesis; and the blocks \
                  after the oldest snapshot that is kept, for newcomers that begin with it. Evidence that needs an older block then comes from an archive node alone: keep some in the consortium. With [storage] history = \
                  \"pruned\" a running node does this by itself. It cannot be undone but by fetching the chain again."
)]
pub struct PruneArgs {
    /// How many of the newest blocks stay, 1000 or more [default: storage.keep_blocks where history is "pruned"]
    #[arg(long, value_name = "N")]
    pub keep: Option<u64>,
}

/// Prunes.
///
/// # Errors
/// When the settings keep everything and no number is given, or the database cannot be written.
pub fn run(context: &Context, args: &PruneArgs) -> Result<Outcome, Failure> {
    let told = control::prune(&context.home, args.keep)?;
    let mut text = format!(
        "{} blocks went, the oldest is {} now; {} bytes freed ({} before, {} after)",
        told.blocks, told.oldest, told.bytes_freed, told.bytes_before, told.bytes_after
    );
    if let Some(snapshot) = told.for_snapshot {
        text.push_str(&format!(
            "\nmore stay than was asked: newcomers begin with the snapshot of height {snapshot} and ask for what follows it"
        ));
    }
    Ok(Outcome::yes(told, text))
}
