//! The credential with which a member reads what is not public: the form and its checks are [`aula_ledger::credential`]'s, so that
//! the district's vault takes the same one; here is only how HTTP carries it.

pub use aula_ledger::credential::{Claim, Credential, CredentialError, MAX_LIFETIME_MS, Scope};

pub use aula_api::CREDENTIAL_HEADER as HEADER;
