//! The lake's folder: its lock, its catalog, its tables as their definitions want them.
//!
//! | path | holds |
//! |---|---|
//! | `lock` | held while a process works here |
//! | `catalog.db` | SQLite, Iceberg's own catalog format: each table's current metadata |
//! | `warehouse/TABLE-…/` | a table's data and metadata; a rewrite makes a new one |
//!
//! A rewrite renames three times ([`crate::rewrite`]); [`Lake::open`] finishes or undoes one that a crash interrupted.

use std::collections::{HashMap, HashSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::RecordBatch;
use futures::TryStreamExt;
use iceberg::io::LocalFsStorageFactory;
use iceberg::spec::Schema;
use iceberg::table::Table;
use iceberg::transaction::{AddColumn, ApplyTransactionAction, Transaction};
use iceberg::{Catalog, CatalogBuilder, NamespaceIdent, TableCreation, TableIdent};
use iceberg_catalog_sql::{SqlBindStyle, SqlCatalog, SqlCatalogBuilder};

use crate::LakeError;
use crate::rows::{self, RowId};
use crate::tables::{Definition, ROW_ID};

/// The namespace and the catalog's name.
pub const NAMESPACE: &str = "aula";
/// What a table is called while it is written anew, and while its predecessor waits to be deleted.
pub(crate) const NEXT: &str = "__next";
pub(crate) const OLD: &str = "__old";
/// Earlier metadata files that a table's own log names.
const METADATA_KEPT: &str = "3";

/// An open lake.
pub struct Lake {
    root: PathBuf,
    pub(crate) catalog: SqlCatalog,
    tables: Vec<Definition>,
    /// Held while it lives.
    _lock: File,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("root", &self.root).finish_non_exhaustive()
    }
}

/// The catalog's file in a lake's folder.
pub fn catalog_file(root: &Path) -> PathBuf {
    root.join("catalog.db")
}

impl Lake {
    /// Opens the lake in a folder that is there, makes its tables where they are missing, and gives them columns that they have not.
    ///
    /// # Errors
    /// [`LakeError::Busy`] while another process works in it; a folder or catalog that refuses.
    pub async fn open(root: &Path, tables: &[Definition]) -> Result<Self, LakeError> {
        let path = root.join("lock");
        let lock = File::create(&path).map_err(LakeError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LakeError::Busy(root.to_owned())),
            Err(TryLockError::Error(error)) => return Err(LakeError::io(&path)(error)),
        }
        let warehouse = root.join("warehouse");
        std::fs::create_dir_all(&warehouse).map_err(LakeError::io(&warehouse))?;
        let settings = HashMap::from([
            ("uri".to_owned(), format!("sqlite://{}?mode=rwc", escaped(&catalog_file(root)))),
            ("warehouse".to_owned(), format!("file://{}", warehouse.display())),
            ("sql_bind_style".to_owned(), SqlBindStyle::QMark.to_string()),
        ]);
        let builder = SqlCatalogBuilder::default().with_storage_factory(Arc::new(LocalFsStorageFactory));
        let catalog = builder.load(NAMESPACE, settings).await?;
        let namespace = NamespaceIdent::new(NAMESPACE.into());
        if !catalog.namespace_exists(&namespace).await? {
            catalog.create_namespace(&namespace, HashMap::new()).await?;
        }
        let lake = Self { root: root.to_owned(), catalog, tables: tables.to_vec(), _lock: lock };
        for table in tables {
            lake.recover(table).await?;
            lake.fit(table).await?;
        }
        // Of what was dropped, now or where a process died.
        lake.sweep_folders().await?;
        Ok(lake)
    }

    /// The definitions that it was opened with.
    pub fn tables(&self) -> &[Definition] {
        &self.tables
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn warehouse(&self) -> PathBuf {
        self.root.join("warehouse")
    }

    pub(crate) fn named(table: &Definition, suffix: &str) -> TableIdent {
        TableIdent::new(NamespaceIdent::new(NAMESPACE.into()), format!("{}{suffix}", table.name))
    }

    pub(crate) async fn table(&self, table: &Definition) -> Result<Table, LakeError> {
        Ok(self.catalog.load_table(&Self::named(table, "")).await?)
    }

    /// Finishes a rewrite that was swapped, and forgets one that was not.
    async fn recover(&self, table: &Definition) -> Result<(), LakeError> {
        let [own, next, old] = ["", NEXT, OLD].map(|suffix| Self::named(table, suffix));
        if self.catalog.table_exists(&next).await? {
            // Without the table itself the new one is whole: it is named only after it was counted.
            match self.catalog.table_exists(&own).await? {
                true => self.catalog.drop_table(&next).await?,
                false => self.catalog.rename_table(&next, &own).await?,
            }
        }
        if self.catalog.table_exists(&old).await? {
            self.catalog.drop_table(&old).await?;
        }
        Ok(())
    }

    /// Makes the table, or gives it the columns that it has not.
    async fn fit(&self, table: &Definition) -> Result<(), LakeError> {
        if !self.catalog.table_exists(&Self::named(table, "")).await? {
            self.create(table, "", table.schema()?).await?;
            return Ok(());
        }
        let found = self.table(table).await?;
        let schema = found.metadata().current_schema().clone();
        let mut change = Transaction::new(&found).update_schema();
        let mut missing = 0;
        for column in table.columns {
            match schema.field_by_name(column.name) {
                Some(field) if *field.field_type == column.holds.in_iceberg() => {}
                Some(field) => {
                    let told = format!("{}.{} is of type {}", table.name, column.name, field.field_type);
                    return Err(LakeError::Rows(told));
                }
                // Older rows have no value for it.
                None => {
                    missing += 1;
                    change = change.add_column(AddColumn::optional(column.name, column.holds.in_iceberg()));
                }
            }
        }
        if missing > 0 {
            let change = change.apply(Transaction::new(&found))?;
            change.commit(&self.catalog).await?;
        }
        Ok(())
    }

    pub(crate) async fn create(
        &self,
        table: &Definition,
        suffix: &str,
        schema: Schema,
    ) -> Result<Table, LakeError> {
        let partitions = Definition::partitions(&schema)?;
        let creation = TableCreation::builder()
            .name(format!("{}{suffix}", table.name))
            .location(format!("file://{}/{}-{}", self.warehouse().display(), table.name, unique()))
            .schema(schema)
            .partition_spec(partitions)
            .properties([("write.metadata.previous-versions-max".to_owned(), METADATA_KEPT.to_owned())])
            .build();
        Ok(self.catalog.create_table(&NamespaceIdent::new(NAMESPACE.into()), creation).await?)
    }

    /// The ids of a table's rows.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ids(&self, table: &Definition) -> Result<HashSet<RowId>, LakeError> {
        let found = self.table(table).await?;
        let mut batches = found.scan().select([ROW_ID]).build()?.to_arrow().await?;
        let mut ids = HashSet::new();
        while let Some(batch) = batches.try_next().await? {
            for text in rows::texts(&batch, ROW_ID)?.iter().flatten() {
                ids.insert(rows::id(text)?);
            }
        }
        Ok(ids)
    }

    /// Every row of a table, in batches; for tests and for who reads a small one.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn read(&self, table: &Definition) -> Result<Vec<RecordBatch>, LakeError> {
        let found = self.table(table).await?;
        Ok(found.scan().select_all().build()?.to_arrow().await?.try_collect().await?)
    }
}

/// A name that no other folder or file of this lake has: one process at a time works in it.
pub(crate) fn unique() -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("{nanos:024x}-{:x}-{count:x}", std::process::id())
}

/// A path as it stands in a URI.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
