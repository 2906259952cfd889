//! The node of Aula: the program `aula` and everything it is wired from.
//!
//! Flow: [`program`] runs one subcommand of [`command`], as [`cli`] parses it; [`wiring`] is the table of contents of
//! a running node.
//! The ledger decides what is true, consensus what is next; this crate stores, serves and operates. No rule of
//! the ledger lives here: if a number changes a root, it is in `aula-ledger`.

pub mod api;
pub mod api_error;
pub mod bootstrap;
pub mod cli;
pub mod client;
pub mod clock;
pub mod command;
pub mod config;
pub mod demo;
pub mod explorer;
pub mod family_link;
pub mod home;
pub mod http;
pub mod keys;
pub mod localnet;
pub mod outside;
pub mod program;
pub mod read;
pub mod sentiment;
pub mod site;
pub mod solo;
pub mod storage;
pub mod terminal;
pub mod twin_record;
pub mod twin_state;
pub mod whole_file;
pub mod wiring;

#[cfg(test)]
mod testkit;
