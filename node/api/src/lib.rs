//! The contract of a node's HTTP API: what is sent and answered, typed once for the server and whoever asks it.
//!
//! Every answer of JSON is a type here (or a row of `aula-read` in [`places::Figures`]), with `Serialize`, `Deserialize` and a
//! schema. Records of the ledger are answered as they are; [`records`] has the schemas. Absent: the server, which is `aula-web`,
//! and asking, which is `aula-client`.

pub mod chain;
pub mod classroom;
pub mod delays;
pub mod district;
mod error;
pub mod event;
pub mod hours;
pub mod operation;
pub mod paths;
pub mod places;
pub mod records;
pub mod registers;
pub mod report;
pub mod rounds;
pub mod routes;
pub mod transactions;
pub mod vault;
pub mod why;

pub use error::{ErrorBody, ErrorDetail};
pub use event::PublicEvent;

/// The header that carries a member's or a reader's credential (`aula_ledger::credential`).
pub const CREDENTIAL_HEADER: &str = "aula-credential";
