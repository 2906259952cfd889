//! Where a district's outputs go.
//!
//! | module | is |
//! |---|---|
//! | [`Local`] | a file that goes somewhere, read in pieces |
//! | [`seal`] | files encrypted to recipients with age |
//! | [`sftp`] | upload to a server whose host key is pinned: `.part`, resumed, read back, renamed |
//! | [`bucket`] | S3: put once, in parts where it is large, read back, and deleted with all versions |
//! | [`mail`] | a note that something is ready, by SMTP with STARTTLS alone |
//! | [`webhook`] | the same note for a program, signed |
//! | [`public`] | which addresses may be asked at all |
//! | [`sign`] | what lets the receiver of a webhook know who sent it |
//!
//! Invariants: nothing leaves unencrypted by [`mail`] but that something is ready; a file that was uploaded twice is there once.
//! Absent: which output goes where, when, and the mark that it went, which the node keeps.

pub mod bucket;
mod error;
mod local;
pub mod mail;
pub mod public;
pub mod seal;
pub mod sftp;
pub mod sign;
mod trust;
pub mod webhook;

pub use error::DeliveryError;
pub use local::Local;

/// What `scripts/delivery-peers.sh` says of the servers that it started.
#[cfg(test)]
fn told(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: run scripts/delivery-peers.sh"))
}
