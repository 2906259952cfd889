//! What is no longer needed: older snapshots, and files that no table names.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use iceberg::table::Table;
use iceberg::transaction::{ApplyTransactionAction, Transaction};
use iceberg::{Catalog, NamespaceIdent};

use crate::LakeError;
use crate::lake::{Lake, NAMESPACE};
use crate::rewrite::files_of;
use crate::tables::Definition;

/// What a table is at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Rows that its newest snapshot holds.
    pub rows: u64,
    /// Its data files.
    pub files: u64,
    /// Bytes of these files together, as they lie on the disk.
    pub bytes: u64,
    /// Its newest snapshot; none while it was never written.
    pub snapshot: Option<i64>,
    /// When that was made, milliseconds since 1970.
    pub written_ms: Option<i64>,
    /// How many snapshots it has.
    pub snapshots: u64,
    /// Its first and last day, in days since 1970.
    pub days: Option<(i32, i32)>,
    /// How many days have rows.
    pub days_with_rows: u64,
    /// Where its current metadata lies.
    pub metadata: String,
}

impl Lake {
    /// What a table is at the moment.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn standing(&self, table: &Definition) -> Result<Standing, LakeError> {
        let found = self.table(table).await?;
        let files = files_of(&found).await?;
        let metadata = found.metadata();
        let newest = metadata.current_snapshot();
        let days = files.iter().map(|file| file.day).min().zip(files.iter().map(|file| file.day).max());
        Ok(Standing {
            rows: files.iter().map(|file| file.rows).sum(),
            files: files.len() as u64,
            bytes: files.iter().map(|file| file.bytes).sum(),
            snapshot: newest.map(|snapshot| snapshot.snapshot_id()),
            written_ms: newest.map(|snapshot| snapshot.timestamp_ms()),
            snapshots: metadata.snapshots().count() as u64,
            days,
            days_with_rows: files.iter().map(|file| file.day).collect::<HashSet<_>>().len() as u64,
            metadata: found.metadata_location_result()?.to_owned(),
        })
    }

    /// Forgets a table's snapshots from before a moment but the newest, and deletes what nothing names any more. Gives how many
    /// files were deleted.
    ///
    /// # Errors
    /// When a table cannot be read, or a file not be deleted.
    pub async fn clean(&self, table: &Definition, before_ms: i64) -> Result<u64, LakeError> {
        let found = self.table(table).await?;
        // The newest stays whatever its age: with one alone there is nothing to forget, and no metadata to write.
        let table = if found.metadata().snapshots().count() > 1 {
            let change = Transaction::new(&found);
            let expire = change.expire_snapshots().expire_older_than_ms(before_ms).retain_last(1);
            expire.apply(change)?.commit(&self.catalog).await?
        } else {
            found
        };
        let named = named_by(&table).await?;
        let folder = local(table.metadata().location());
        let mut gone = 0;
        sweep(&folder, &named, &mut gone)?;
        Ok(gone)
    }

    /// Deletes the folders of tables that the catalog does not have.
    pub(crate) async fn sweep_folders(&self) -> Result<(), LakeError> {
        let mut known = HashSet::new();
        for table in self.catalog.list_tables(&NamespaceIdent::new(NAMESPACE.into())).await? {
            known.insert(local(self.catalog.load_table(&table).await?.metadata().location()));
        }
        let warehouse = self.warehouse();
        for entry in fs::read_dir(&warehouse).map_err(LakeError::io(&warehouse))? {
            let path = entry.map_err(LakeError::io(&warehouse))?.path();
            if !known.contains(&path) {
                let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
                removed.map_err(LakeError::io(&path))?;
            }
        }
        Ok(())
    }
}

/// Every file that a table's snapshots name.
async fn named_by(table: &Table) -> Result<HashSet<PathBuf>, LakeError> {
    let metadata = table.metadata();
    let mut named = HashSet::from([local(table.metadata_location_result()?)]);
    named.extend(metadata.metadata_log().iter().map(|log| local(&log.metadata_file)));
    named.extend(metadata.statistics_iter().map(|file| local(&file.statistics_path)));
    named.extend(metadata.partition_statistics_iter().map(|file| local(&file.statistics_path)));
    for snapshot in metadata.snapshots() {
        named.insert(local(snapshot.manifest_list()));
        for manifest in table.manifest_list_reader(snapshot).load().await?.entries() {
            named.insert(local(&manifest.manifest_path));
            let loaded = manifest.load_manifest(table.file_io()).await?;
            let alive = loaded.entries().iter().filter(|entry| entry.is_alive());
            named.extend(alive.map(|entry| local(entry.file_path())));
        }
    }
    Ok(named)
}

fn sweep(folder: &Path, named: &HashSet<PathBuf>, gone: &mut u64) -> Result<(), LakeError> {
    for entry in fs::read_dir(folder).map_err(LakeError::io(folder))? {
        let path = entry.map_err(LakeError::io(folder))?.path();
        if path.is_dir() {
            sweep(&path, named, gone)?;
            // Fails for a folder with something in it, which stays.
            let _ = fs::remove_dir(&path);
        } else if !named.contains(&path) {
            fs::remove_file(&path).map_err(LakeError::io(&path))?;
            *gone = gone.saturating_add(1);
        }
    }
    Ok(())
}

/// The path of a location in this lake.
fn local(location: &str) -> PathBuf {
    PathBuf::from(location.strip_prefix("file://").unwrap_or(location))
}
