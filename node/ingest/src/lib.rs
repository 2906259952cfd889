//! Reads what districts' other systems export: rosters, assessments, attendance. Bytes in, typed rows out.
//!
//! | module | is |
//! |---|---|
//! | [`unpack`] | files as they are given: zip and gzip opened, within limits |
//! | [`decode`], [`table`] | bytes to text, text to rows: encodings, separators, quotes, cut ends |
//! | [`json`] | JSON with each member once, within a depth |
//! | [`date`], [`decimal`], [`grade`] | words of many habits as one value, or refused |
//! | [`oneroster`], [`edfi`], [`sif`], [`mapping`] | the formats; `mapping` reads any table by an operator's TOML file |
//! | [`reading`] | what all of them give: every input row with exactly one thing said of it |
//! | [`case`] | frameworks of competencies as a graph of skills |
//! | [`event`] | messages of live feeds: lines, frames, xAPI statements by rules |
//! | [`plan`] | the difference to what a district has: what is added, changed, ended, and each row's fate |
//! | [`report`] | the rows' fates as CSV |
//!
//! Flow: [`read`] → [`reading::Reading`] → [`plan::plan`] → the district's vault. Invariants: any bytes in, no panic and
//! bounded memory; a row is never lost silently; a row that is refused never ends anybody's enrolment. Absent: files,
//! network, vault and clock, which are the caller's.

pub mod case;
pub mod date;
pub mod decimal;
pub mod decode;
pub mod edfi;
pub mod event;
pub mod grade;
pub mod json;
pub mod limits;
pub mod mapping;
pub mod oneroster;
pub mod plan;
pub mod reading;
pub mod report;
pub mod sif;
pub mod table;
pub mod unpack;

mod error;
mod field;
mod format;
mod homes;
mod tree;

pub use error::{Format, MappingError, ReadError, XmlError};
pub use format::read;
pub use mapping::Mapping;
pub use reading::{Fault, Place, Reading, Rule};
pub use unpack::Input;
