//! The program `aula`.
//!
//! Flow: [`program`] runs one subcommand of [`command`], as [`cli`] parses it and [`examples`] shows it; `aula start` runs the node that `aula-server`
//! puts together.
//! The ledger decides what is true, consensus what is next; this crate asks them for a person. No rule of
//! the ledger lives here: if a number changes a root, it is in `aula-ledger`.

pub mod cli;
pub mod command;
pub mod examples;
pub mod outward;
pub mod program;
pub mod service_manager;
pub mod terminal;

#[cfg(test)]
mod api_tests;
