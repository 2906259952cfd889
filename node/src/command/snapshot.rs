//! `aula snapshot`: the whole state of one height as files, from which a node goes on without the blocks below.

use std::path::{Path, PathBuf};

use aula_ledger::audit::TrustedBlock;
use aula_ledger::types::Height;
use aula_server::bootstrap::read_genesis;
use aula_server::upkeep::{control, refused, told};
use aula_store::snapshots::{self, Kept, Verified};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, Failure, Outcome, absolute};

/// Arguments of `aula snapshot`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  aula snapshot create --home /srv/district-07\n  aula snapshot list\n  aula snapshot verify 120000\n  \
                  aula snapshot verify /mnt/copy/000000120000 --trusted 120000:9f2c…\n\nA running node makes them by itself every [storage] \
                  snapshot_every blocks and each half day, and keeps the newest keep_snapshots. They hold rows that are not public: \
                  admitted nodes may fetch them, nobody else."
)]
pub struct SnapshotArgs {
    /// What to do
    #[command(subcommand)]
    pub action: Action,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Write one of the newest state, whether the node runs or not
    Create,
    /// List those that this home has
    List,
    /// Check one from the genesis on: certificates, every chunk, the whole state under the certified root
    Verify {
        /// Its height, or its folder [default: the newest of this home]
        #[arg(value_name = "HEIGHT|DIR")]
        which: Option<PathBuf>,
        /// A block that is known to be real, which it must show
        #[arg(long, value_name = "HEIGHT:HASH", value_parser = aula_server::trusted::parse)]
        trusted: Option<TrustedBlock>,
    },
}

/// Makes, lists or verifies.
///
/// # Errors
/// When it cannot be done; a snapshot that is found wrong is the answer no.
pub fn run(context: &Context, args: &SnapshotArgs) -> Result<Outcome, Failure> {
    match &args.action {
        Action::Create => {
            let told = control::snapshot(&context.home)?;
            let text = format!(
                "snapshot of height {} in {}\n{} chunks, {} bytes, {} records\nblock       {}\nstate root  {}",
                told.height,
                told.folder.display(),
                told.chunks,
                told.bytes,
                told.records,
                told.block_hash,
                told.state_root
            );
            Ok(Outcome::yes(told, text))
        }
        Action::List => list(context),
        Action::Verify { which, trusted } => verify(context, which.as_deref(), *trusted),
    }
}

fn list(context: &Context) -> Result<Outcome, Failure> {
    let kept = snapshots::list(&context.home.snapshots_dir()).map_err(refused)?;
    let line = |one: &Kept| {
        let manifest = &one.manifest;
        let (chunks, bytes) = (manifest.chunks.len(), manifest.bytes());
        format!(
            "height {:>9}  {chunks:>5} chunks  {bytes:>12} bytes  block {}",
            manifest.height, manifest.block
        )
    };
    let text = match kept.as_slice() {
        [] => format!("there is none in {}", context.home.snapshots_dir().display()),
        kept => kept.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    let kept: Vec<_> = kept.iter().map(told::Snapshot::of).collect();
    Ok(Outcome::yes(json!({ "snapshots": kept }), text))
}

fn verify(
    context: &Context,
    which: Option<&Path>,
    trusted: Option<TrustedBlock>,
) -> Result<Outcome, Failure> {
    let (_, genesis) = read_genesis(&context.home)?;
    let root = context.home.snapshots_dir();
    let number = which.and_then(|which| which.to_str()?.parse().ok()).map(Height);
    let kept = match (number, which) {
        (Some(height), _) => Kept::of_height(&root, height),
        (None, Some(folder)) => Kept::in_folder(&absolute(folder)?),
        (None, None) => match snapshots::newest(&root).map_err(refused)? {
            Some(kept) => Ok(kept),
            None => Err(snapshots::SnapshotError::Absent(root)),
        },
    };
    match kept.and_then(|kept| snapshots::verify(&kept, &genesis, trusted)) {
        Ok(verified) => Ok(holds(&verified)),
        Err(error) if error.is_refusal() => {
            let text = format!("not valid: {error}\n  next: {}", error.hint());
            Ok(Outcome::no(json!({ "valid": false, "reason": error.to_string() }), text))
        }
        Err(error) => Err(refused(error)),
    }
}

fn holds(verified: &Verified) -> Outcome {
    let (manifest, tip) = (&verified.manifest, verified.tip());
    let text = format!(
        "valid: the state after block {}, certified from the genesis through {} changes of the validator set\n\
         compare with another source: {}:{}",
        tip.height,
        verified.evidence.links.iter().filter(|link| link.new_set.is_some()).count(),
        tip.height,
        tip.hash
    );
    let json = json!({
        "valid": true, "height": tip.height, "block_hash": tip.hash, "state_root": manifest.state_root,
        "time_ms": tip.time_ms, "chunks": manifest.chunks.len(), "bytes": manifest.bytes(),
        "records": manifest.records,
    });
    Outcome::yes(json, text)
}
