//! Any table by a TOML file that an operator writes: which columns mean what. docs/import.md is its reference.
//!
//! Flow: [`Mapping::parse`] (unknown keys, formats and ranges are refused with their line) → [`read`] matches it with a file's
//! header, where every column it names has to be → each row becomes a student's fields and results, is left out by a condition,
//! or is refused. The roster of three columns (`local_id,school,grade`) is a mapping as well: [`Mapping::plain`]. Invariants: a
//! mapping is data, it computes nothing but the steps listed in `source`; one wrong value refuses its row.

mod apply;
mod bind;
mod source;
mod spec;

pub use apply::read;
pub use spec::Mapping;
