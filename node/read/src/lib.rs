//! The read model: what the API answers and the explorer shows, typed once.
//!
//! Flow: a view of one height (and [`index`], which follows the final blocks) → typed rows → JSON of a route, CSV of an
//! export or a page. What is joined, worked out, named or withheld is made here and nowhere else; what a record of the ledger says as it
//! stands, routes, exports and pages read from the record. Everything here is for the public: counts of students come from the
//! ledger's published report or pass the ledger's one rule ([`publish`]); handles appear nowhere.
//!
//! The one exception is [`family`], which a family's link opens. Absent: HTML.

mod error;

pub mod acknowledgements;
pub mod activity;
pub mod audits;
pub mod consortia;
pub mod equity;
pub mod family;
pub mod index;
pub mod milestones;
pub mod parameters;
pub mod places;
pub mod proposals;
pub mod publish;
pub mod ranges;
pub mod registers;
pub mod round_figures;
pub mod rounds;
pub mod search;
pub mod statements;
pub mod table;
pub mod transactions;
pub mod uptime;
pub mod waiting;
pub mod why;
pub mod words;

pub use error::ReadError;

#[cfg(test)]
mod chain_tests;

/// `YYYY-MM-DD hh:mm:ss` of milliseconds since 1970, in UTC.
pub fn utc(time_ms: u64) -> String {
    let mut text = aula_ledger::audit::report::utc(aula_ledger::types::TimeMs(time_ms));
    text.truncate(text.len().saturating_sub(" UTC".len()));
    text
}
