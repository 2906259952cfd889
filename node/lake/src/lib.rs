//! A district's lake: what happened, as Iceberg tables that other programs read.
//!
//! | module | is |
//! |---|---|
//! | [`tables`] | which tables there are, and what each column means |
//! | [`rows`] | a row, and rows as Arrow wants them |
//! | [`lake`] | the folder, its catalog (SQLite) and its lock; tables made, found again after a crash, given new columns |
//! | [`write`](mod@write) | rows added, one file a day and batch, one commit |
//! | [`rewrite`] | a table written anew from the rows that remain: compaction, and erasure |
//! | [`clean`] | old snapshots forgotten, files that nothing names deleted |
//!
//! Flow: whoever has the rows asks which ids are there ([`lake::Lake::ids`]), adds those that are missing and keeps those that are
//! still true. Invariants: a row is in the lake once, however often it is brought and wherever a process dies; what a rewrite left out
//! stands in no file of the folder afterwards. Absent: where rows come from, and students' names, which no column has.

pub mod clean;
mod error;
pub mod lake;
pub mod rewrite;
pub mod rows;
pub mod tables;
#[cfg(test)]
mod tests;
pub mod write;

pub use error::LakeError;
