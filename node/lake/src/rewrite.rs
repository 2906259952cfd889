//! A table written anew from the rows that remain, since the library rewrites no files in place.
//!
//! Flow: a second table, `NAME__next`, is filled day by day and counted → `NAME` is renamed to `NAME__old` and `NAME__next` to
//! `NAME` → the old one leaves the catalog and its folder is deleted: data, manifests with their bounds, statistics, every older
//! snapshot. A crash before the first rename leaves the table as it was, one after it is finished when the lake is opened. A reader
//! that has the old files open reads on; one that opens them later must load the table again.

use arrow_array::{Array, RecordBatch, StringArray};
use futures::TryStreamExt;
use iceberg::Catalog;
use iceberg::expr::Reference;
use iceberg::spec::{Datum, Literal, PrimitiveLiteral};
use iceberg::table::Table;

use crate::LakeError;
use crate::lake::{Lake, NEXT, OLD};
use crate::rows::{self, RowId};
use crate::tables::{AT, Definition, ROW_ID, STUDENT};
use crate::write::Writer;

const DAY_US: i64 = 86_400_000_000;

/// What a rewrite did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Rows that the table has now.
    pub rows: u64,
    /// Rows that were left out.
    pub removed: u64,
    /// Data files that the old table had.
    pub files_before: u64,
    /// Its files now.
    pub files: u64,
}

/// One file of a table.
pub(crate) struct DataFileOf {
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    /// Days since 1970.
    pub(crate) day: i32,
}

/// The files that a table's current snapshot has.
pub(crate) async fn files_of(table: &Table) -> Result<Vec<DataFileOf>, LakeError> {
    let Some(snapshot) = table.metadata().current_snapshot() else { return Ok(Vec::new()) };
    let mut files = Vec::new();
    for manifest in table.manifest_list_reader(snapshot).load().await?.entries() {
        for entry in manifest.load_manifest(table.file_io()).await?.entries() {
            if !entry.is_alive() {
                continue;
            }
            let day = match entry.data_file().partition().fields().first() {
                Some(Some(Literal::Primitive(PrimitiveLiteral::Int(day)))) => *day,
                _ => return Err(LakeError::Rows(format!("{} is of no day", entry.file_path()))),
            };
            files.push(DataFileOf { rows: entry.record_count(), bytes: entry.file_size_in_bytes(), day });
        }
    }
    Ok(files)
}

impl Lake {
    /// How many rows of a table are not kept, by their ids and students.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn unkept(
        &self,
        table: &Definition,
        keep: impl Fn(&RowId, Option<&str>) -> bool,
    ) -> Result<u64, LakeError> {
        let found = self.table(table).await?;
        let columns = [ROW_ID, STUDENT].into_iter().take(if table.of_students() { 2 } else { 1 });
        let mut batches = found.scan().select(columns).build()?.to_arrow().await?;
        let mut count = 0u64;
        while let Some(batch) = batches.try_next().await? {
            let kept = kept(table, &batch, &keep)?;
            count = count.saturating_add(kept.iter().filter(|kept| !**kept).count() as u64);
        }
        Ok(count)
    }

    /// Writes the table anew with the rows that are kept. When it returns, nothing of the others is in the folder.
    ///
    /// # Errors
    /// [`LakeError::Count`] when the new table does not have what it should: the old one stays. A disk that refuses.
    pub async fn rewrite(
        &self,
        table: &Definition,
        keep: impl Fn(&RowId, Option<&str>) -> bool,
    ) -> Result<Rewritten, LakeError> {
        let old = self.table(table).await?;
        let before = files_of(&old).await?;
        let total: u64 = before.iter().map(|file| file.rows).sum();
        let schema = old.metadata().current_schema().as_ref().clone();
        let next = self.create(table, NEXT, schema).await?;
        let writer = Writer::of(&next)?;
        let mut days: Vec<i32> = before.iter().map(|file| file.day).collect();
        days.sort_unstable();
        days.dedup();
        let (mut files, mut removed) = (Vec::new(), 0u64);
        for day in days {
            let (batches, left_out) = self.day(table, &old, day, (&writer, &keep)).await?;
            removed = removed.saturating_add(left_out);
            files.extend(writer.one_day(&batches).await?);
        }
        let rows = total.saturating_sub(removed);
        let made = files.len() as u64;
        let next = if files.is_empty() { next } else { self.commit(&next, files).await? };
        let found = counted(&next).await?;
        if found != rows {
            self.catalog.drop_table(&Self::named(table, NEXT)).await?;
            self.sweep_folders().await?;
            return Err(LakeError::Count { table: table.name, expected: rows, found });
        }
        self.swap(table).await?;
        Ok(Rewritten { rows, removed, files_before: before.len() as u64, files: made })
    }

    /// The rows of one day that are kept, and how many are not.
    async fn day(
        &self,
        table: &Definition,
        old: &Table,
        day: i32,
        (writer, keep): (&Writer, &impl Fn(&RowId, Option<&str>) -> bool),
    ) -> Result<(Vec<RecordBatch>, u64), LakeError> {
        let from = i64::from(day).saturating_mul(DAY_US);
        let within = Reference::new(AT)
            .greater_than_or_equal_to(Datum::timestamptz_micros(from))
            .and(Reference::new(AT).less_than(Datum::timestamptz_micros(from.saturating_add(DAY_US))));
        let mut found = old.scan().select_all().with_filter(within).build()?.to_arrow().await?;
        let (mut batches, mut left_out) = (Vec::new(), 0u64);
        while let Some(batch) = found.try_next().await? {
            let batch = rows::recast(&batch, &writer.schema)?;
            let kept = kept(table, &batch, keep)?;
            left_out = left_out.saturating_add(kept.iter().filter(|kept| !**kept).count() as u64);
            batches.extend(runs(&kept).map(|(start, length)| batch.slice(start, length)));
        }
        Ok((batches, left_out))
    }

    async fn swap(&self, table: &Definition) -> Result<(), LakeError> {
        let [own, next, old] = ["", NEXT, OLD].map(|suffix| Self::named(table, suffix));
        self.catalog.rename_table(&own, &old).await?;
        self.catalog.rename_table(&next, &own).await?;
        self.catalog.drop_table(&old).await?;
        self.sweep_folders().await
    }
}

/// Which rows of a batch are kept.
fn kept(
    table: &Definition,
    batch: &RecordBatch,
    keep: &impl Fn(&RowId, Option<&str>) -> bool,
) -> Result<Vec<bool>, LakeError> {
    let ids = rows::texts(batch, ROW_ID)?;
    let students: Option<&StringArray> = match table.of_students() {
        true => Some(rows::texts(batch, STUDENT)?),
        false => None,
    };
    let one = |at: usize| -> Result<bool, LakeError> {
        let student = students.filter(|students| students.is_valid(at)).map(|students| students.value(at));
        Ok(keep(&rows::id(ids.value(at))?, student))
    };
    (0..batch.num_rows()).map(one).collect()
}

/// Where kept rows stand together: start and length.
fn runs(kept: &[bool]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    kept.chunk_by(|a, b| a == b).filter_map(move |run| {
        let start = at;
        at += run.len();
        run.first().copied().unwrap_or(false).then_some((start, run.len()))
    })
}

/// The rows that can be read of a table.
async fn counted(table: &Table) -> Result<u64, LakeError> {
    let mut batches = table.scan().select([ROW_ID]).build()?.to_arrow().await?;
    let mut count = 0u64;
    while let Some(batch) = batches.try_next().await? {
        count = count.saturating_add(batch.num_rows() as u64);
    }
    Ok(count)
}
