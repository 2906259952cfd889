//! Judges a credential: every check told, and one verdict.
//!
//! Three answers: it holds; it does not (one check at least says no); or nobody can tell here (a context, key, schema or list
//! is not to be had, and no check says no). What was signed by nobody known is said first.

mod judge;
mod nested;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::Value;

use super::baked::{self, BakedError, MAX_PICTURE_BYTES};
use super::contexts::Contexts;
use super::issuer::{Pin, Trust};
use super::json::{self, JsonError};
use super::jwt::{Token, TokenError};
use super::sources::Sources;
use super::status::Status;
use super::time::Moment;

use judge::Judge;

/// What the reader knows and wants.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// The moment for which it is judged.
    pub at: Moment,
    /// Keys that the reader trusts.
    pub pins: &'a [Pin],
    /// Whether a key that the credential brings itself is not enough.
    pub require_trusted: bool,
    /// Where lists and issuers' documents are.
    pub sources: &'a dyn Sources,
    /// The contexts that are known.
    pub contexts: &'a Contexts,
}

/// One question about a credential, and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name: trust, form, context, schema, key, signature, dates, status, endorsements, credentials.
    pub name: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// What was found.
    pub detail: String,
    /// Whether it did not pass because nobody can tell here.
    #[serde(skip)]
    pub unknown: bool,
}

impl Check {
    fn yes(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: true, detail: detail.into(), unknown: false }
    }

    fn no(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into(), unknown: false }
    }

    fn unknown(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, ok: false, detail: detail.into(), unknown: true }
    }
}

/// The three answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Valid,
    /// It does not.
    Invalid,
    /// Nobody can tell here.
    CannotTell,
}

/// Who issued it, and how far that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Issuer {
    /// As the credential names it; none when it names nobody.
    pub id: Option<String>,
    /// The key that signed.
    pub key: Option<String>,
    /// How far that key is to be trusted.
    pub trust: Option<Trust>,
}

/// A judgment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether every check passed.
    pub valid: bool,
    /// The first check that did not pass, or what the credential is; what is self-asserted is said first.
    pub reason: String,
    /// In whose name it is, and whether the key is theirs.
    pub issuer: Issuer,
    /// What its status lists say.
    pub status: Status,
    /// Every check.
    pub checks: Vec<Check>,
}

impl Report {
    /// The answer.
    pub fn verdict(&self) -> Verdict {
        match self.checks.iter().find(|check| !check.ok && !check.unknown) {
            Some(_) => Verdict::Invalid,
            None if self.valid => Verdict::Valid,
            None => Verdict::CannotTell,
        }
    }
}

/// Why there is nothing to judge.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Larger than is read.
    #[error("it has {0} bytes, more than are read")]
    TooLarge(usize),
    /// A picture without a credential.
    #[error(transparent)]
    Picture(#[from] BakedError),
    /// Neither JSON nor a token.
    #[error("{0}")]
    Json(#[from] JsonError),
    /// A token that cannot be read.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// JSON that is not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
}

/// A credential as it came.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// With proofs inside.
    Embedded(Value),
    /// As a token.
    Token(Box<Token>, Value),
}

impl Form {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Unreadable> {
        let first =
            bytes.iter().find(|byte| !byte.is_ascii_whitespace() && !matches!(byte, 0xef | 0xbb | 0xbf));
        if first != Some(&b'{') {
            match Token::parse(bytes) {
                // What is not even shaped as a token is reported as the JSON that it is not.
                Err(TokenError::NotAToken) => {}
                read => {
                    let token = read?;
                    let credential = token.credential()?;
                    return Ok(Self::Token(Box::new(token), credential));
                }
            }
        }
        let value = json::parse(bytes)?;
        if value.is_object() { Ok(Self::Embedded(value)) } else { Err(Unreadable::NotAnObject) }
    }

    pub(super) const fn credential(&self) -> &Value {
        match self {
            Self::Embedded(value) | Self::Token(_, value) => value,
        }
    }
}

/// Judges a file: JSON, a token, or a picture that holds one of them.
///
/// # Errors
/// [`Unreadable`], in words that stand after the file's name.
pub fn verify(bytes: &[u8], options: &Options<'_>) -> Result<Report, Unreadable> {
    if bytes.len() > MAX_PICTURE_BYTES {
        return Err(Unreadable::TooLarge(bytes.len()));
    }
    let inside = baked::take_out(bytes)?;
    let form = Form::read(inside.as_deref().unwrap_or(bytes))?;
    Ok(Judge::new(options).report(&form))
}
