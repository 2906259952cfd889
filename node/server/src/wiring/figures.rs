//! Figures that are too dear to be made whenever somebody asks for `/metrics`: room on the disk, overdue acknowledgements.
//!
//! Each is looked for on a thread that may wait; where one cannot be had, the last one stays and the log says why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aula_read::acknowledgements;
use aula_store::ChainDb;
use metrics::{describe_gauge, gauge};

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(30);

/// Looks at once and then again and again, for as long as the node runs.
pub(super) async fn watch(home: PathBuf, db: Arc<ChainDb>) {
    describe_gauge!(
        "aula_disk_free_bytes",
        metrics::Unit::Bytes,
        "bytes that this node may still write where its home is"
    );
    describe_gauge!(
        "aula_disk_size_bytes",
        metrics::Unit::Bytes,
        "bytes of the file system that the home is on"
    );
    describe_gauge!(
        "aula_overdue_acknowledgements",
        "acknowledgements that are late in rounds whose decision stands"
    );
    loop {
        let (home, db) = (home.clone(), db.clone());
        // Ends with an error only when the runtime ends.
        let _ = tokio::task::spawn_blocking(move || look(&home, &db)).await;
        tokio::time::sleep(EVERY).await;
    }
}

fn look(home: &Path, db: &ChainDb) {
    match aula_files::room(home) {
        Ok(room) => {
            gauge!("aula_disk_free_bytes").set(as_f64(room.free_bytes));
            gauge!("aula_disk_size_bytes").set(as_f64(room.size_bytes));
        }
        Err(error) => tracing::warn!(%error, home = %home.display(), "the room on the disk is not known"),
    }
    match acknowledgements::late(&db.latest()) {
        Ok(late) => gauge!("aula_overdue_acknowledgements").set(as_f64(late.len() as u64)),
        Err(error) => tracing::warn!(%error, "overdue acknowledgements cannot be read"),
    }
}

/// Prometheus knows floats only; bytes of a disk above 2^53 do not occur.
#[expect(clippy::cast_precision_loss, reason = "monitoring figures")]
pub(super) const fn as_f64(value: u64) -> f64 {
    value as f64
}
