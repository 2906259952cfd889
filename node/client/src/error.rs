//! Why a node was not asked, or what it answered instead.

use std::path::PathBuf;

use aula_api::ErrorDetail;
use aula_home::NextStep;
use aula_home::keys::KeyError;
use aula_ledger::code::Code;
use aula_ledger::types::{AccountId, Hash};

/// A request, or a transaction, that did not end as it should.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The origin is not an http or https URL.
    #[error("{0:?} is not an http URL")]
    BadUrl(String),
    /// A file of certificate authorities cannot be used.
    #[error("cannot use the certificate authorities in {path} ({from})")]
    Authorities {
        /// The PEM file.
        path: PathBuf,
        /// What named it.
        from: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No HTTP client can be made.
    #[error("cannot make an HTTP client")]
    Http(#[source] reqwest::Error),
    /// The node cannot be reached, or not in time.
    #[error("the node at {origin} {what}")]
    Unreachable {
        /// The node's origin, with scheme and port.
        origin: String,
        /// What happened, through which proxy, and why.
        what: String,
    },
    /// What answered is not a node of this version.
    #[error("{origin} answered {what}")]
    BadAnswer {
        /// The node's origin, with scheme and port.
        origin: String,
        /// What it answered.
        what: String,
        /// What to do next.
        hint: &'static str,
    },
    /// The node refuses, in its own words.
    #[error("{}{}", .0.message, number(&.0.ledger_code))]
    Refused(ErrorDetail),
    /// The time is over.
    #[error("{0}")]
    NotFinal(String),
    /// What is to be sent cannot be kept first.
    #[error("cannot use {path}")]
    Outbox {
        /// The file of the outbox.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The home has no account key.
    #[error("the home has no account key that can be used")]
    Key(#[from] KeyError),
    /// The home's note of its account cannot be read.
    #[error("cannot read {path}")]
    AccountFile {
        /// The note of the home's account.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The home's note of its account says something else.
    #[error("{path} names no account: {why}")]
    AccountName {
        /// The note of the home's account.
        path: PathBuf,
        /// Why its text is no account of 40 hex digits.
        why: String,
    },
    /// The chain does not know the home's account.
    #[error("the chain of genesis {genesis} has no account {account}, which this home's key has")]
    UnknownAccount {
        /// SHA-256 of the chain's genesis file.
        genesis: Hash,
        /// The account that the home's key, or its note, names.
        account: AccountId,
    },
}

/// The ledger's or the pool's number behind a refusal's words.
fn number(code: &Option<u16>) -> String {
    code.map(|code| format!(" (code {code})")).unwrap_or_default()
}

impl ClientError {
    /// True for the node's answer that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(detail) if detail.code == "not_found")
    }

    /// Why the ledger's state does not take the transaction, where a node saw that before any block did. None for refusals that say
    /// nothing of the state: too large, busy, malformed, a number that is taken.
    pub fn rejection(&self) -> Option<Code> {
        let code = Code::from_number(u8::try_from(self.ledger_code()?).ok()?)?;
        (code != Code::Accepted && !code.makes_block_invalid()).then_some(code)
    }

    /// The ledger's or the pool's number, when a transaction was refused.
    pub fn ledger_code(&self) -> Option<u16> {
        match self {
            Self::Refused(detail) => detail.ledger_code,
            _ => None,
        }
    }
}

impl NextStep for ClientError {
    fn code(&self) -> &str {
        match self {
            Self::BadUrl(_) => "bad_url",
            Self::Unreachable { .. } => "unreachable",
            Self::BadAnswer { .. } => "bad_answer",
            Self::Refused(detail) => &detail.code,
            Self::NotFinal(_) => "not_final",
            Self::UnknownAccount { .. } => "unknown_account",
            Self::Outbox { .. }
            | Self::Authorities { .. }
            | Self::Http(_)
            | Self::Key(_)
            | Self::AccountFile { .. }
            | Self::AccountName { .. } => "failed",
        }
    }

    fn next_step(&self) -> String {
        let step: &str = match self {
            Self::BadUrl(_) | Self::Http(_) => "give the node's URL, for example http://127.0.0.1:8480",
            Self::Authorities { .. } => {
                "name a PEM file with the certificate of the authority that signed the node's"
            }
            Self::Unreachable { what, .. } if what.contains("certificate") => {
                "name the authority that signed the node's certificate with --ca FILE or SSL_CERT_FILE"
            }
            Self::Unreachable { .. } => "start the node, or give its URL with --rpc",
            Self::BadAnswer { hint, .. } => hint,
            Self::Refused(detail) => detail.hint.as_str(),
            Self::NotFinal(_) => "look at `aula status`: are more than two thirds of the validators up?",
            Self::Key(_) | Self::UnknownAccount { .. } => "give a member's folder with --home",
            Self::AccountFile { .. } => "check the folder's owner",
            Self::Outbox { .. } => {
                "check the folder's owner and the space left, then run again: nothing is sent twice"
            }
            Self::AccountName { .. } => "write the account's 40 hex digits into it",
        };
        step.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_is_the_states_and_not_the_doors() {
        let refused = |ledger_code| {
            let (code, message, hint) = ("rejected".to_owned(), "no".to_owned(), "wait".to_owned());
            ClientError::Refused(ErrorDetail { code, message, hint, ledger_code }).rejection()
        };
        assert_eq!(refused(Some(100)), Some(Code::RoleNotAllowed));
        for number in [None, Some(0), Some(1), Some(9), Some(99), Some(1_001), Some(1_003), Some(65_535)] {
            assert_eq!(refused(number), None, "{number:?}");
        }
        assert_eq!(ClientError::NotFinal(String::new()).rejection(), None);
    }
}
