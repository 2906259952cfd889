//! A district's private vault: student records that never leave the district in clear.
//!
//! | module | is |
//! |---|---|
//! | [`keystore`] | a folder apart from the data: key-encryption key, students' wrapped keys, handles |
//! | [`vault`] | the data: records and events, each sealed under its student's key; durable before acknowledged |
//! | [`access`] | the one check that decides every read, and the log that is written before data leaves |
//! | [`rows`] | what names several students, or nobody known: rows sealed for whoever is named, found by HMACs |
//! | [`feeds`] | events of feeds, each exactly once, with where it came from sealed beside it |
//! | [`replicas`] | what a school's replica and its district level: events as they are kept, and those that came the other way |
//! | [`lake`] | what the district's lake gets: pseudonyms, names of rows, events whose read is listed |
//! | `stretch` | a student's events of a stretch of time, for a count whose read is listed |
//! | [`erase`] | erasing a student: new keystore without it, old one destroyed, rows removed |
//! | [`backup`] | copies of the data without keys, and of the newest keystore alone |
//! | [`schedule`] | when the key-encryption key is due |
//! | [`corrections`] | what a student or family says is wrong, and the district's answer |
//! | [`versions`] | which events each anchored version was folded from |
//! | [`roster`] | who is enrolled where, by the district's own identifiers |
//! | [`imports`] | many records in one write, with what stood there before, so that it can be undone |
//! | [`pair`] | a vault that another one stands by for: each write copied before it is told done |
//! | [`room`] | how much disk the data may take |
//! | [`turn`] | how a node that keeps the vault open gives it up to a command |
//!
//! Flow of a write: enrol → handle → seal under the student's key → one synced batch. Flow of a read: credential and
//! facts → [`access::decide`] → log entry, synced → open the fields that were granted. Invariants: no key in `Debug`,
//! errors, logs or arguments; without the log no read; a clock can make a rotation due and never stops a read.
//! Absent: network, async, and the ledger's transactions, which the program `aula` sends.

pub mod access;
pub mod backup;
mod ciphers;
pub mod corrections;
pub mod erase;
mod error;
pub mod feeds;
mod files;
pub mod imports;
pub mod keystore;
pub mod lake;
mod log_writer;
mod owner;
pub mod pair;
pub mod replicas;
mod reserved;
pub mod room;
pub mod roster;
pub mod rows;
pub mod schedule;
pub mod seal;
mod secret;
mod stretch;
mod tables;
#[cfg(test)]
mod testkit;
pub mod turn;
pub mod vault;
pub mod versions;

pub use files::FileError;
pub use keystore::{Generation, KeyManagement, KeyStore, KeyStoreError, LocalId};
pub use owner::Owner;
pub use secret::SecretKey;
pub use vault::{Folders, Identity, Vault, VaultError};
