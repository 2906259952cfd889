//! Rows added: one file a day and batch, all of them in one commit. A file that no commit names is an orphan, and deleted later.

use std::sync::Arc;

use arrow_array::RecordBatch;
use iceberg::arrow::{RecordBatchPartitionSplitter, schema_to_arrow_schema};
use iceberg::spec::{DataFile, DataFileFormat};
use iceberg::table::Table;
use iceberg::transaction::{ApplyTransactionAction, Transaction};
use iceberg::writer::base_writer::data_file_writer::DataFileWriterBuilder;
use iceberg::writer::file_writer::ParquetWriterBuilder;
use iceberg::writer::file_writer::location_generator::{DefaultFileNameGenerator, DefaultLocationGenerator};
use iceberg::writer::file_writer::rolling_writer::RollingFileWriterBuilder;
use iceberg::writer::{IcebergWriter, IcebergWriterBuilder};
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use crate::LakeError;
use crate::lake::{Lake, unique};
use crate::rows::{self, Row};
use crate::tables::Definition;

type Files = DataFileWriterBuilder<ParquetWriterBuilder, DefaultLocationGenerator, DefaultFileNameGenerator>;

/// Makes the files of one table.
pub(crate) struct Writer {
    files: Files,
    splitter: RecordBatchPartitionSplitter,
    /// The table's schema as Arrow has it.
    pub(crate) schema: arrow_schema::SchemaRef,
}

impl Writer {
    pub(crate) fn of(table: &Table) -> Result<Self, LakeError> {
        let metadata = table.metadata();
        let schema = metadata.current_schema().clone();
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let rolling = RollingFileWriterBuilder::new_with_default_file_size(
            ParquetWriterBuilder::new(properties, schema.clone()),
            table.file_io().clone(),
            DefaultLocationGenerator::new(metadata)?,
            DefaultFileNameGenerator::new(unique(), None, DataFileFormat::Parquet),
        );
        let partitions = metadata.default_partition_spec().clone();
        Ok(Self {
            files: DataFileWriterBuilder::new(rolling),
            splitter: RecordBatchPartitionSplitter::try_new_with_computed_values(schema.clone(), partitions)?,
            schema: Arc::new(schema_to_arrow_schema(&schema)?),
        })
    }

    /// Writes a batch of many days.
    pub(crate) async fn split(&self, batch: &RecordBatch) -> Result<Vec<DataFile>, LakeError> {
        let mut files = Vec::new();
        for (day, part) in self.splitter.split(batch)? {
            let mut writer = self.files.build(Some(day)).await?;
            writer.write(part).await?;
            files.extend(writer.close().await?);
        }
        Ok(files)
    }

    /// Writes batches of one day into as few files as their size allows.
    pub(crate) async fn one_day(&self, batches: &[RecordBatch]) -> Result<Vec<DataFile>, LakeError> {
        let Some(first) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(Vec::new()) };
        let mut days = self.splitter.split(first)?;
        let Some((day, _)) = days.pop().filter(|_| days.is_empty()) else {
            return Err(LakeError::Rows("rows of one day are of several".into()));
        };
        let mut writer = self.files.build(Some(day)).await?;
        for batch in batches {
            writer.write(batch.clone()).await?;
        }
        Ok(writer.close().await?)
    }
}

impl Lake {
    /// Adds rows whose ids the table has not; all are there on return, or none.
    ///
    /// # Errors
    /// Rows that do not fit, a disk that refuses.
    pub async fn append(&self, table: &Definition, rows: &[Row]) -> Result<(), LakeError> {
        if rows.is_empty() {
            return Ok(());
        }
        let found = self.table(table).await?;
        let writer = Writer::of(&found)?;
        let files = writer.split(&rows::batch(table, &writer.schema, rows)?).await?;
        self.commit(&found, files).await?;
        Ok(())
    }

    pub(crate) async fn commit(&self, table: &Table, files: Vec<DataFile>) -> Result<Table, LakeError> {
        let change = Transaction::new(table);
        // File names are unique: asking every manifest whether one is there already costs more each time.
        let append = change.fast_append().with_check_duplicate(false).add_data_files(files);
        Ok(append.apply(change)?.commit(&self.catalog).await?)
    }
}
