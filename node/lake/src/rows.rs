//! Rows, and rows as Arrow wants them.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow_schema::{DataType, Field, SchemaRef};

use crate::LakeError;
use crate::tables::Definition;

/// Names a row.
pub type RowId = [u8; 16];

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing; refused in a column that every row has.
    None,
    /// Yes or no.
    Flag(bool),
    /// A number of 32 bits.
    Int(i32),
    /// A number of 64 bits.
    Long(i64),
    /// UTF-8; also identifiers, as hex.
    Text(String),
    /// A moment, in microseconds since 1970.
    Time(i64),
}

/// A row: its values in the order of the table's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(Vec<Cell>);

impl Row {
    /// A row with every value none, and its id.
    pub fn new(table: &Definition, id: &RowId) -> Self {
        let mut row = Self(vec![Cell::None; table.columns.len()]);
        row.set(table, crate::tables::ROW_ID, Cell::Text(hex::encode(id)));
        row
    }

    /// Sets a value; a name that the table has not changes nothing, and the batch is refused for what is then missing.
    pub fn set(&mut self, table: &Definition, name: &str, value: Cell) {
        let place = table.columns.iter().position(|column| column.name == name);
        debug_assert!(place.is_some(), "{} has no column {name}", table.name);
        if let Some(cell) = place.and_then(|place| self.0.get_mut(place)) {
            *cell = value;
        }
    }
}

/// Rows as a batch of this schema. Columns that the definition has not are empty.
pub(crate) fn batch(table: &Definition, schema: &SchemaRef, rows: &[Row]) -> Result<RecordBatch, LakeError> {
    let columns = schema.fields().iter().map(|field| {
        match table.columns.iter().position(|column| column.name == field.name()) {
            Some(place) => column(field, rows.iter().map(|row| row.0.get(place).unwrap_or(&Cell::None))),
            None => Ok(new_null_array(field.data_type(), rows.len())),
        }
    });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)?)
}

fn column<'a>(field: &Field, cells: impl Iterator<Item = &'a Cell>) -> Result<ArrayRef, LakeError> {
    let wrong = |cell: &Cell| LakeError::Rows(format!("{cell:?} stands in the column {}", field.name()));
    macro_rules! gathered {
        ($kind:path) => {
            cells
                .map(|cell| match cell {
                    Cell::None => Ok(None),
                    $kind(value) => Ok(Some(value.clone())),
                    other => Err(wrong(other)),
                })
                .collect::<Result<Vec<_>, _>>()?
        };
    }
    Ok(match field.data_type() {
        DataType::Boolean => Arc::new(BooleanArray::from(gathered!(Cell::Flag))),
        DataType::Int32 => Arc::new(Int32Array::from(gathered!(Cell::Int))),
        DataType::Int64 => Arc::new(Int64Array::from(gathered!(Cell::Long))),
        DataType::Utf8 => Arc::new(StringArray::from(gathered!(Cell::Text))),
        DataType::Timestamp(_, zone) => {
            Arc::new(TimestampMicrosecondArray::from(gathered!(Cell::Time)).with_timezone_opt(zone.clone()))
        }
        other => return Err(LakeError::Rows(format!("the column {} is of type {other}", field.name()))),
    })
}

/// A batch of one table's columns, in another schema of the same names.
pub(crate) fn recast(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, LakeError> {
    let columns = schema.fields().iter().map(|field| {
        let found = batch.column_by_name(field.name());
        found.cloned().ok_or_else(|| LakeError::Rows(format!("the column {} is missing", field.name())))
    });
    Ok(RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)?)
}

/// A text column of a batch.
pub(crate) fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a StringArray, LakeError> {
    let found = batch.column_by_name(name).and_then(|column| column.as_any().downcast_ref());
    found.ok_or_else(|| LakeError::Rows(format!("{name} is not a column of text")))
}

/// The id that a value of `row_id` says.
pub(crate) fn id(text: &str) -> Result<RowId, LakeError> {
    let mut id = [0; 16];
    hex::decode_to_slice(text, &mut id).map_err(|_| LakeError::Rows(format!("{text:?} names no row")))?;
    Ok(id)
}
