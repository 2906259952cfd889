//! Why files cannot be read at all, and the words for formats.

use serde::{Deserialize, Serialize};

use crate::decode::UnknownEncoding;
use crate::reading::TooManyRows;
use crate::table::TableError;
use crate::unpack::UnpackError;

/// Which standard's files they are, or what a mapping reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OneRoster 1.1 or 1.2, CSV.
    OneRoster,
    /// Ed-Fi interchange XML or API exports as JSON lines.
    EdFi,
    /// SIF NA 3.x, xPress Roster, XML or JSON.
    Sif,
    /// A vendor's results, by a mapping.
    Assessment,
    /// A roster as a table: `local_id,school,grade`, or by a mapping.
    Csv,
}

impl Format {
    /// The word in commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneRoster => "oneroster",
            Self::EdFi => "edfi",
            Self::Sif => "sif",
            Self::Assessment => "assessment",
            Self::Csv => "csv",
        }
    }
}

/// A mapping that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not TOML, or a key that is not known.
    #[error("the mapping is refused: {0}")]
    Toml(String),
    /// A rule of mappings is broken.
    #[error("the mapping is refused: {0}")]
    Rule(String),
    /// A column that the file does not have.
    #[error("{file} has no column {column:?}, which the mapping names{nearest}")]
    Column {
        /// The file's name, without folders.
        file: String,
        /// The column as the mapping names it.
        column: String,
        /// ` (near it: …)`, or nothing.
        nearest: String,
    },
}

/// Why a file's records cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// A document type, which could define entities.
    #[error("it has a document type, and files with one are not read")]
    DocumentType,
    /// No element in it.
    #[error("it has no element")]
    Empty,
    /// Said by whoever takes the records.
    #[error(transparent)]
    Taker(Box<ReadError>),
}

impl From<ReadError> for XmlError {
    fn from(error: ReadError) -> Self {
        Self::Taker(Box::new(error))
    }
}

/// Files that cannot be read at all; nothing is taken then.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing was given.
    #[error("there are no files to read")]
    Nothing,
    /// They cannot be unpacked.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// Not a table.
    #[error("{file} is not a table: {why}")]
    Table {
        /// The file's name, without folders.
        file: String,
        /// What keeps it from being one.
        why: TableError,
    },
    /// The mapping does not fit.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// No such encoding.
    #[error(transparent)]
    Encoding(#[from] UnknownEncoding),
    /// More rows than an import may have.
    #[error(transparent)]
    Rows(#[from] TooManyRows),
    /// The manifest cannot be read.
    #[error("manifest.csv, line {line}: {what}")]
    Manifest {
        /// Line of the manifest, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
    /// The manifest lists a file that is not there.
    #[error("the manifest lists {0}, which is not there: the set is not whole")]
    Promised(String),
    /// A file stands twice.
    #[error("there are two files named {0}")]
    Twice(String),
    /// Not an interchange file.
    #[error("{file} cannot be read: {what}")]
    Xml {
        /// The file's name, without folders.
        file: String,
        /// What keeps its records from being read.
        what: XmlError,
    },
    /// Neither XML nor JSON lines.
    #[error("{0} is neither an interchange file (XML) nor an export in JSON, one object a line or a list")]
    NotEdFi(String),
    /// Not a collection of SIF's.
    #[error(
        "{0} is not a collection of SIF xPress objects (xSchools, xStudents, xStaffs, xRosters, …), in XML or JSON"
    )]
    NotSif(String),
    /// An assessment without its mapping.
    #[error("results of assessments are read by a mapping: give it with --map")]
    NoMapping,
    /// The mapping is for another format.
    #[error("the mapping is for {}, and the files were called {}", .mapping.name(), .asked.name())]
    OtherFormat {
        /// The format that the mapping names.
        mapping: Format,
        /// What whoever gave the files called them.
        asked: Format,
    },
}
