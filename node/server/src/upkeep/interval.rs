//! What the settings ask for while the node decides: a snapshot every so many blocks and each half day, and pruning.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use aula_home::clock::now_ms;
use aula_home::config::{Config, History};
use aula_home::{Advise, Failure, Home};
use aula_ledger::store::Tip;
use aula_ledger::types::Height;
use aula_store::{ChainDb, ChainView, snapshots};
use tokio::sync::mpsc::Receiver;

use super::newcomer::OLDEST_MS;
use super::{Prunable, prune};

/// How many blocks more than are kept there are before the node prunes: a hundredth, and no fewer than these.
const LEAST_SURPLUS: u64 = 1_000;
/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);
/// How much these threads stand back behind consensus.
const NICE: i32 = 10;

/// Starts what the settings ask for; ends with the database.
///
/// # Errors
/// When a thread cannot be started.
pub(crate) fn start(db: &Arc<ChainDb>, home: &Home, config: &Config) -> Result<(), Failure> {
    let hint = "raise the limit on processes (ulimit -u) and start again";
    let storage = &config.storage;
    match snapshots::clear_unfinished(&home.snapshots_dir()) {
        Ok(0) => {}
        Ok(cleared) => tracing::info!(cleared, "snapshots that were never finished are removed"),
        Err(error) => tracing::warn!(%error, "snapshots that were never finished cannot be removed"),
    }
    if let Some(every) = NonZeroU64::new(storage.snapshot_every) {
        tokio::spawn(take_snapshots(db.snapshots_due(every), every, home.clone(), storage.keep_snapshots));
    }
    if storage.history == History::Pruned {
        let (weak, home, config) = (Arc::downgrade(db), home.clone(), config.clone());
        let surplus = (storage.keep_blocks / 100).max(LEAST_SURPLUS);
        let work = move || {
            stand_back();
            let mut said = None;
            while let Some(db) = weak.upgrade() {
                prune_surplus(&db, &home, &config, surplus, &mut said);
                drop(db);
                thread::sleep(LOOK);
            }
        };
        thread::Builder::new().name("prune".into()).spawn(work).hint(hint)?;
    }
    Ok(())
}

fn stand_back() {
    // On Linux this is the one thread's; where it is refused, all are equal.
    let _ = rustix::process::nice(NICE);
}

/// Prunes once there is something to gain; `said` is the snapshot of which it was said that blocks stay for it.
pub(super) fn prune_surplus(
    db: &ChainDb,
    home: &Home,
    config: &Config,
    surplus: u64,
    said: &mut Option<Height>,
) {
    let view = db.latest();
    let Ok(oldest) = view.oldest() else { return };
    let (tip, keep) = (view.tip().height, config.storage.keep_blocks);
    drop(view);
    let kept = (tip.0 + 1).saturating_sub(oldest.0);
    if kept < keep.saturating_add(surplus) {
        return;
    }
    let told = Prunable::of(home, config, tip, keep).and_then(|prunable| {
        if prunable.below.0.saturating_sub(oldest.0) >= surplus {
            return prune(db, home, config, None).map(Some);
        }
        // A moment without words, in which the next snapshot is being made.
        if kept >= keep.saturating_add(2 * surplus) && prunable.for_snapshot != *said {
            *said = prunable.for_snapshot;
            tracing::warn!(
                kept, keep, snapshot = said.map(|height| height.0),
                "more blocks stay than the settings say, for newcomers that begin with this snapshot: have newer ones made, or remove it"
            );
        }
        Ok(None)
    });
    match told {
        Ok(Some(told)) => tracing::info!(
            oldest = %told.oldest, blocks = told.blocks, bytes_freed = told.bytes_freed, "pruned"
        ),
        Ok(None) => {}
        Err(failure) => tracing::error!(%failure, "pruning failed"),
    }
}

/// A half day of long ago is passed while its blocks are fetched, and no newcomer would take its snapshot.
pub(super) fn is_wanted(tip: &Tip, every: NonZeroU64, now_ms: u64) -> bool {
    tip.height.0.is_multiple_of(every.get()) || now_ms.saturating_sub(tip.time_ms.0) <= OLDEST_MS
}

/// Writes each snapshot that is due, and removes those beyond the newest.
async fn take_snapshots(mut due: Receiver<Arc<ChainView>>, every: NonZeroU64, home: Home, keep: usize) {
    while let Some(view) = due.recv().await {
        if !is_wanted(&view.tip(), every, now_ms()) {
            continue;
        }
        let root = home.snapshots_dir();
        let made = tokio::task::spawn_blocking(move || {
            let made = snapshots::create(&view, &root);
            // The view keeps on disk what it shows: it ends before anything else is done.
            drop(view);
            made.and_then(|made| snapshots::prune_to(&root, keep).map(|_| made))
        });
        match made.await {
            Ok(Ok(made)) => {
                let (height, bytes) = (made.manifest.height, made.manifest.bytes());
                tracing::info!(%height, bytes, "a snapshot was made");
            }
            Ok(Err(error)) => tracing::error!(%error, "a snapshot was not made"),
            Err(error) => tracing::error!(%error, "a snapshot was not made"),
        }
    }
}
