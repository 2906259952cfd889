//! The tables of a lake. Every one has `row_id`, which says what the row is of, and `at`, by whose day it is partitioned.
//!
//! A column is added at the end and never changes its type; a lake of before gets it when it is opened, empty in its older rows.

use iceberg::spec::{NestedField, PrimitiveType, Schema, Transform, Type, UnboundPartitionSpec};

use crate::LakeError;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// Yes or no.
    Flag,
    /// A whole number of 32 bits.
    Int,
    /// A whole number of 64 bits.
    Long,
    /// UTF-8 of any length.
    Text,
    /// A moment, UTC, in microseconds.
    Time,
}

/// A column, with what it means: readers find that in the table itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// As SQL names it; never changed once a lake has it.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether every row has it.
    pub required: bool,
    /// What it means, with its unit; written into the table.
    pub means: &'static str,
}

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// As SQL names it, in the lake's one namespace.
    pub name: &'static str,
    /// In their order; added at the end only.
    pub columns: &'static [Column],
}

/// The column that names a row.
pub const ROW_ID: &str = "row_id";
/// The column with the lake's pseudonym of a student.
pub const STUDENT: &str = "student";
/// The column by whose day a table is partitioned.
pub const AT: &str = "at";

const fn every(name: &'static str, holds: Holds, means: &'static str) -> Column {
    Column { name, holds, required: true, means }
}

const fn some(name: &'static str, holds: Holds, means: &'static str) -> Column {
    Column { name, holds, required: false, means }
}

use Holds::{Flag, Int, Long, Text, Time};

/// What happened to students, one row an event of the vault.
pub const EVENTS: Definition = Definition {
    name: "events",
    columns: &[
        every(ROW_ID, Text, "names the row; 32 hex digits, another when the vault's event is replaced"),
        every(STUDENT, Text, "the lake's pseudonym of the student, the same in every year; 32 hex digits"),
        every(AT, Time, "when it happened, by the verdict on the source's clock"),
        every("school_year", Int, "the school year by its first calendar year"),
        every("event", Text, "names the event; 32 hex digits"),
        every("kind", Text, "what kind of event, as docs/feeds.md lists them"),
        some("amends", Text, "the event that a correction or deletion is about"),
        some("item", Long, "the item that was answered, by its number in the model"),
        some("skills", Text, "skills by their numbers in the model, ascending, joined by ;"),
        some("correct", Flag, "whether the response was right"),
        some("duration_ms", Long, "time taken, milliseconds"),
        some("sentiment_e4", Int, "sentiment of a written response, -10000 to 10000"),
        some("minutes", Int, "length of a session or use, minutes, 0 to 1440"),
        some("active_minutes", Int, "minutes with activity, 0 to minutes"),
        some("available_minutes", Int, "minutes for which the resource was there, 1 to 1440"),
        some("attendance", Text, "present, late, absent or excused"),
        some("resource", Long, "the resource that was used, by its number"),
        some("grade", Int, "school grade, 0 (kindergarten) to 20"),
        some("test_year", Int, "the test's school year by its first calendar year"),
        some("score_e1", Long, "scaled score in tenths of a point"),
        some("intervention", Long, "the intervention, by its number"),
        some("input", Int, "an input of the need rule, by its number"),
        some("value", Int, "the input's value"),
    ],
};

/// What rounds decided for the district's students, one row a request.
pub const DECISIONS: Definition = Definition {
    name: "decisions",
    columns: &[
        every(ROW_ID, Text, "names the row; 32 hex digits, another when the decision's standing changes"),
        every(STUDENT, Text, "the lake's pseudonym of the student, the same in every year; 32 hex digits"),
        every(AT, Time, "block time of the decision"),
        every("school_year", Int, "the school year by its first calendar year"),
        every("round", Int, "the round"),
        every("class", Int, "the resource class"),
        every("standing", Text, "stands, reverted or replaced"),
        every("home_school", Long, "the student's school, by its number on the ledger"),
        every("band", Int, "the need band, 0 to 9"),
        every("mandated", Flag, "whether the student had to be placed"),
        every("placed", Flag, "whether the student got a place"),
        some("pool", Long, "the pool of the place"),
        some("rank", Int, "which wish it was, from 0"),
        some("tier", Int, "travel tier: 0 own school, 1 own district, 2 same type of school"),
        every("weight", Long, "the request's weight"),
        every("cost", Long, "weight times the place's cost"),
    ],
};

/// What the ledger publishes of rounds; a figure that it withholds has no value.
pub const FIGURES: Definition = Definition {
    name: "figures",
    columns: &[
        every(ROW_ID, Text, "names the row; 32 hex digits, another when the figure or its standing changes"),
        every(AT, Time, "block time of the decision"),
        every("school_year", Int, "the school year by its first calendar year"),
        every("round", Int, "the round"),
        every("class", Int, "the resource class"),
        every("standing", Text, "stands, reverted or replaced"),
        every("figure", Text, "which figure"),
        some("band", Int, "of which need band, 0 to 9"),
        some("pool", Long, "of which pool"),
        some("value", Long, "the figure; none where the ledger withholds it"),
    ],
};

/// What meters and sensors read, from the files of the settings.
pub const READINGS: Definition = Definition {
    name: "readings",
    columns: &[
        every(ROW_ID, Text, "names the row by what it says; 32 hex digits"),
        every(AT, Time, "when it was read"),
        every("meter", Text, "which meter or sensor"),
        every("value_e6", Long, "what it read, in millionths of the unit"),
        some("unit", Text, "the unit"),
    ],
};

/// Every table of a lake.
pub const ALL: [Definition; 4] = [EVENTS, DECISIONS, READINGS, FIGURES];

impl Holds {
    pub(crate) const fn in_iceberg(self) -> Type {
        Type::Primitive(match self {
            Flag => PrimitiveType::Boolean,
            Int => PrimitiveType::Int,
            Long => PrimitiveType::Long,
            Text => PrimitiveType::String,
            Time => PrimitiveType::Timestamptz,
        })
    }
}

impl Definition {
    /// The schema of a new table.
    pub(crate) fn schema(&self) -> Result<Schema, LakeError> {
        let fields = self.columns.iter().zip(1..).map(|(column, id)| {
            NestedField::new(id, column.name, column.holds.in_iceberg(), column.required)
                .with_doc(column.means)
                .into()
        });
        Ok(Schema::builder().with_fields(fields).build()?)
    }

    /// Its partitions: the day of `at`.
    pub(crate) fn partitions(schema: &Schema) -> Result<UnboundPartitionSpec, LakeError> {
        let missing = || LakeError::Rows(format!("a table has no column {AT}"));
        let at = schema.field_id_by_name(AT).ok_or_else(missing)?;
        Ok(UnboundPartitionSpec::builder().add_partition_field(at, "day", Transform::Day)?.build())
    }

    /// True when its rows are of students.
    pub fn of_students(&self) -> bool {
        self.columns.iter().any(|column| column.name == STUDENT)
    }
}
