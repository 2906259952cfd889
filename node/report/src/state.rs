//! The state's export: tables named by CEDS elements, as Parquet and CSV, with a data dictionary.
//!
//! Flow: who has the state of the ledger gives each table's rows one after another → [`parquet::Writer`] and [`csv::Writer`], which hold a
//! group of rows at most → a manifest with SHA-256. Columns, their order, the rows' order and the writer are fixed and no clock is asked, so that two builds from
//! one state root are the same byte for byte.
//!
//! Names: an element of CEDS (Common Education Data Standards, <https://ceds.ed.gov>) where there is one, its Global ID in
//! the dictionary; the ledger's own figures are extensions, named in the same manner.

pub mod csv;
pub mod dataset;
pub mod datasets;
pub mod parquet;
mod thrift;

#[cfg(test)]
pub(crate) mod tests;

pub use dataset::{Cell, Column, Dataset, Head};
