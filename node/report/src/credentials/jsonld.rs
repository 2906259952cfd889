//! JSON-LD 1.1 as credentials use it: contexts, expansion, and the way to RDF.
//!
//! Known: terms, compact IRIs, `@vocab`, protected terms, type- and property-scoped contexts, `@propagate`; `@id`, `@type`,
//! `@value`, `@language`, `@list`, `@set`, `@graph`, `@json`; containers `@set`, `@list`, `@graph`. Anything else a context
//! or a document asks for is refused by name as [`LdError::Unsupported`], never read otherwise. What expansion would drop (an
//! undefined term, a relative IRI, a value nobody is the subject of) is refused as well, because a signature over the
//! statements would not cover it ("safe mode").
//!
//! Blank nodes are named after their place in the document, so that a selection of it ([`crate::credentials::proof::sd`])
//! names them alike.

mod context;
mod expand;
mod iri;
mod terms;
mod to_rdf;

use serde_json::Value;

use super::contexts::Contexts;
use super::rdf::Dataset;

/// Why a document has no statements.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LdError {
    /// A context that is not pinned here.
    #[error("the context {0} is not one that is pinned here")]
    UnknownContext(String),
    /// A part of JSON-LD that is not read here.
    #[error("{0} is a part of JSON-LD that is not read here")]
    Unsupported(String),
    /// Not JSON-LD, or with a part that no signature would cover.
    #[error("{0}")]
    Invalid(String),
    /// Outside the limits.
    #[error("it is outside the limits: {0}")]
    Limit(&'static str),
}

impl LdError {
    fn invalid(why: impl Into<String>) -> Self {
        Self::Invalid(why.into())
    }
}

/// The document's statements.
///
/// # Errors
/// [`LdError`].
pub fn to_rdf(document: &Value, contexts: &Contexts) -> Result<Dataset, LdError> {
    to_rdf::statements(&expand::document(document, contexts)?)
}
