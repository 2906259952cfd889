//! The contract of a node's HTTP API: what is sent and answered, typed once for the server and whoever asks it.
//!
//! Absent: the server, which is `aula-web`, and asking, which is `aula-client`.

mod error;
pub mod routes;

pub use error::{ErrorBody, ErrorDetail};

/// The header that carries a member's or a reader's credential (`aula_ledger::credential`).
pub const CREDENTIAL_HEADER: &str = "aula-credential";
