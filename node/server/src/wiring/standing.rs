//! Looks whether the chain moves. While it stands, this node says who is missing, and whether its own disk is why.
//!
//! A chain stands for want of votes, which nothing here can mend, or because this node cannot write: then the engine's log
//! fails under it, and the engine waits without a word. So the disk is tried whenever a look finds no new block, and a disk
//! that refuses twice ends the process with a sentence: an operator, or a service manager, sees that at once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aula_consensus::RunningConsensus;
use aula_home::{Failure, with_causes};
use aula_ledger::state::schema;
use aula_ledger::types::{Height, ValidatorAddress};
use aula_store::ChainDb;
use aula_web::api::chain::Standing;

/// Between two looks.
const LOOK: Duration = Duration::from_secs(5);
/// A chain without a block for so long stands: an idle one makes one a second, and a dead proposer's turn costs a few.
const STANDS: Duration = Duration::from_secs(20);
/// How often it is said again while it stands.
const AGAIN: Duration = Duration::from_secs(60);
/// Looks in a row at which the disk must have refused.
const REFUSALS: u32 = 2;
/// What is written to try the disk, as much as a vote in the engine's log.
const PROBE: [u8; 512] = [0x5a; 512];

/// What the status tells while the chain stands.
pub(super) type Told = Arc<Mutex<Option<Standing>>>;

/// Where this looks.
pub(super) struct Watch {
    pub(super) folder: PathBuf,
    pub(super) db: Arc<ChainDb>,
    pub(super) consensus: Arc<RunningConsensus>,
    pub(super) told: Told,
    /// Time between blocks when there is nothing to do.
    pub(super) idle: Duration,
}

impl Watch {
    /// Looks until the disk refuses; gives what is to be said of it.
    pub(super) async fn attend(self) -> Failure {
        let (mut tip, mut since, mut said, mut refused) = (Height(0), Instant::now(), None, 0);
        loop {
            tokio::time::sleep(LOOK).await;
            let now = self.db.latest().tip().height;
            if now != tip {
                if said.take().is_some() {
                    tracing::warn!(height = now.0, "the chain moves again");
                }
                (tip, since, refused) = (now, Instant::now(), 0);
                self.tell(None);
                continue;
            }
            match self.probe().await {
                Ok(()) => refused = 0,
                Err(error) => {
                    refused += 1;
                    tracing::error!(folder = %self.folder.display(), %error, "the disk takes no bytes");
                    if refused >= REFUSALS {
                        return full(&self.folder, &error);
                    }
                }
            }
            if since.elapsed() < STANDS.max(self.idle.saturating_mul(3)) {
                continue;
            }
            let missing = self.names(&self.consensus.silent());
            if said.is_none_or(|at: Instant| at.elapsed() >= AGAIN) {
                said = Some(Instant::now());
                tracing::error!("{}", words(tip, since.elapsed(), &missing));
            }
            self.tell(Some(Standing { for_s: since.elapsed().as_secs(), missing }));
        }
    }

    fn tell(&self, standing: Option<Standing>) {
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    async fn probe(&self) -> io::Result<()> {
        let folder = self.folder.clone();
        let tried = tokio::task::spawn_blocking(move || probe(&folder)).await;
        tried.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Validators by their names, where the state can be read.
    fn names(&self, silent: &[ValidatorAddress]) -> Vec<String> {
        let known = schema::validator_infos(&*self.db.latest()).unwrap_or_default();
        let name = |address: &ValidatorAddress| {
            let found = known.iter().find(|info| info.address == *address);
            found.map_or_else(|| address.to_string(), |info| info.name.to_string())
        };
        silent.iter().map(name).collect()
    }
}

/// Writes a file, syncs it, removes it.
fn probe(folder: &Path) -> io::Result<()> {
    let path = folder.join(".probe");
    let written =
        File::create(&path).and_then(|mut file| file.write_all(&PROBE).and_then(|()| file.sync_all()));
    // A full disk removes as well.
    let removed = fs::remove_file(&path);
    written.and(removed)
}

fn words(tip: Height, stood: Duration, missing: &[String]) -> String {
    let who = match missing {
        [] => "every validator has voted; see whether blocks are refused above".to_owned(),
        missing => format!("no vote for the next height came from {}", missing.join(", ")),
    };
    format!(
        "the chain stands at height {tip} for {} s: {who}. With a third of the power missing it waits, and goes on by itself \
         when they are back",
        stood.as_secs()
    )
}

fn full(folder: &Path, error: &io::Error) -> Failure {
    let next = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space on that disk, or move the home to a larger one, and start the node again: everything final is kept"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "mount the disk writable for the node's user (dmesg says why it is not) and start the node again"
        }
        _ => "see what the system says of that disk (dmesg), and start the node again",
    };
    Failure::new(
        "disk_refuses",
        format!("nothing can be written in {}: {}", folder.display(), with_causes(error)),
        next,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_tried_without_a_trace_and_its_refusal_has_a_next_step() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        probe(folder.path())?;
        assert_eq!(fs::read_dir(folder.path())?.count(), 0);
        assert!(probe(&folder.path().join("gone")).is_err());
        // The kernel's own full disk.
        let refused =
            File::options().write(true).open("/dev/full").and_then(|mut full| full.write_all(&PROBE));
        let failure = refused.err().map(|error| full(folder.path(), &error));
        assert!(failure.is_some_and(|failure| failure.hint.contains("free space")));
        let read_only = full(folder.path(), &io::ErrorKind::ReadOnlyFilesystem.into());
        assert!(read_only.hint.contains("mount"), "{read_only:?}");
        Ok(())
    }

    #[test]
    fn whoever_is_missing_is_named() {
        let told = words(Height(7), Duration::from_secs(30), &["lake".into(), "river".into()]);
        assert!(told.contains("height 7 for 30 s") && told.contains("lake, river"), "{told}");
        assert!(words(Height(7), STANDS, &[]).contains("every validator has voted"));
    }
}
