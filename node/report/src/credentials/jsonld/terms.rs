//! What a context says: its terms, and how an IRI is read under it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::iri;

/// How a term's values are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Container {
    /// `@list`: the order of the values is kept.
    pub list: bool,
    /// `@set`; makes no difference to statements.
    pub set: bool,
    /// `@graph`: each value is a graph of its own.
    pub graph: bool,
}

/// A term's definition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TermDefinition {
    /// What it stands for: an IRI, a keyword, or nothing.
    pub iri: Option<String>,
    /// Whether it may begin a compact IRI.
    pub prefix: bool,
    /// Whether it may not be defined otherwise.
    pub protected: bool,
    /// How its strings are read: a datatype, `@id`, `@vocab`, `@json`, `@none`.
    pub reads_as: Option<String>,
    /// The language of its strings; inside, none for none whatever the default.
    pub language: Option<Option<String>>,
    /// How its values are grouped.
    pub container: Container,
    /// The context inside its values.
    pub scoped: Option<Value>,
}

impl TermDefinition {
    /// The same but for `protected`.
    pub fn same_meaning(&self, other: &Self) -> bool {
        Self { protected: false, ..self.clone() } == Self { protected: false, ..other.clone() }
    }
}

/// The active context.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Every term in force here, those of contexts around it included.
    pub terms: BTreeMap<String, Arc<TermDefinition>>,
    /// What terms that are not defined begin with.
    pub vocab: Option<String>,
    /// The language of strings without one.
    pub language: Option<String>,
    /// The context to return to in the next node, after one that does not propagate.
    pub previous: Option<Arc<Context>>,
}

impl Context {
    /// The term's definition, if it stands for something.
    pub fn term(&self, name: &str) -> Option<&TermDefinition> {
        self.terms.get(name).map(Arc::as_ref)
    }

    /// Reads an IRI: a keyword, a term (when `vocab`), a compact IRI, an IRI, or below `@vocab`. What is neither comes back as
    /// it is; nothing when a term stands for nothing.
    pub fn expand_iri(&self, text: &str, vocab: bool) -> Option<String> {
        if iri::is_keyword(text) {
            return Some(text.to_owned());
        }
        if iri::is_keyword_like(text) {
            return None;
        }
        if let Some(term) = self.term(text) {
            let keyword = term.iri.as_deref().is_some_and(iri::is_keyword);
            if vocab || keyword {
                return term.iri.clone();
            }
        }
        if let Some((prefix, suffix)) = iri::split(text) {
            if prefix == "_" || suffix.starts_with("//") {
                return Some(text.to_owned());
            }
            if let Some(term) = self.term(prefix).filter(|term| term.prefix)
                && let Some(start) = &term.iri
            {
                return Some(format!("{start}{suffix}"));
            }
            if iri::is_absolute(text) {
                return Some(text.to_owned());
            }
        }
        match &self.vocab {
            Some(start) if vocab => Some(format!("{start}{text}")),
            _ => Some(text.to_owned()),
        }
    }
}
