//! The node of Aula: the program `aula` and everything it is wired from.
//!
//! Flow: [`program`] runs one subcommand of [`command`], as [`cli`] parses it; [`wiring`] is the table of contents of
//! a running node.
//! The ledger decides what is true, consensus what is next; this crate stores, serves and operates. No rule of
//! the ledger lives here: if a number changes a root, it is in `aula-ledger`.

pub mod backups;
pub mod bootstrap;
pub mod cli;
pub mod command;
mod estate_files;
pub mod feed_health;
mod models;
pub mod program;
pub mod reports;
pub mod service_manager;
pub mod terminal;
pub mod trusted;
pub mod upkeep;
pub mod wiring;

// The old names of rooms that are crates now.
pub use aula_client as client;
pub use aula_district as district;
pub use aula_home::{clock, config, home, keys, outside, whole_file};
pub use aula_read as read;
pub use aula_store as storage;
pub use aula_web::{api, api_error, explorer, family_link, http, site};

#[cfg(test)]
mod api_tests;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod testkit;
