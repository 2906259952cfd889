//! The program `aula`.
//!
//! Flow: [`program`] runs one subcommand of [`command`], as [`cli`] parses it; `aula start` runs the node that `aula-server`
//! puts together.
//! The ledger decides what is true, consensus what is next; this crate asks them for a person. No rule of
//! the ledger lives here: if a number changes a root, it is in `aula-ledger`.

pub mod cli;
pub mod command;
pub mod outward;
pub mod program;
pub mod service_manager;
pub mod terminal;

// The old names of rooms that are crates now.
pub use aula_client as client;
pub use aula_district as district;
pub use aula_home::{clock, config, home, keys, outside, whole_file};
pub use aula_pages::{explorer, site};
pub use aula_read as read;
pub use aula_server::{backups, bootstrap, estate_files, models, reports, trusted, upkeep, wiring};
pub use aula_store as storage;
pub use aula_web::{api, api_error, family_link, http};

#[cfg(test)]
mod api_tests;
