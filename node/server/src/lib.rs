//! A running node, put together from the crates below it; and what it does by itself: keeping up, copying, reporting.
//!
//! [`wiring`] is the table of contents of the process that `aula start` is; [`upkeep`] prunes, copies and begins with a
//! snapshot; [`reports`] reads the chain for the reports that `aula-report` makes and sends them when they are due. What
//! subcommands share with it stands here too: [`at_risk`], [`bootstrap`], [`backups`], [`models`], [`pairs`], [`estate_files`]. Invariant: nothing
//! here decides what is valid. Absent: command lines, terminals.

pub mod at_risk;
pub mod backups;
pub mod bootstrap;
pub mod estate_files;
pub mod feed_health;
pub mod models;
pub mod pairs;
pub mod reports;
pub mod trusted;
pub mod upkeep;
pub mod wiring;
