//! Context processing and term definitions (JSON-LD 1.1 API, 4.1 and 4.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::LdError;
use super::iri;
use super::terms::{Container, Context, TermDefinition};
use crate::credentials::contexts::Contexts;
use crate::credentials::limits::MAX_CONTEXTS;

/// Contexts inside contexts: pinned ones have none.
const MAX_CHAIN: usize = 8;

/// Processes contexts, counting them.
pub struct Processor<'a> {
    known: &'a Contexts,
    loaded: usize,
}

/// How a context is applied.
#[derive(Debug, Clone, Copy)]
pub struct How {
    /// Whether it may define protected terms otherwise: a property's own context may.
    pub overrides: bool,
    /// Whether it holds in nodes further inside: a type's own context does not.
    pub propagates: bool,
}

/// A context of the document itself.
pub const PLAIN: How = How { overrides: false, propagates: true };

impl<'a> Processor<'a> {
    /// With these remote contexts.
    pub const fn new(known: &'a Contexts) -> Self {
        Self { known, loaded: 0 }
    }

    /// The active context after a local one.
    pub fn apply(&mut self, active: &Arc<Context>, local: &Value, how: How) -> Result<Arc<Context>, LdError> {
        self.process(active, local, how, 0)
    }

    fn process(
        &mut self,
        active: &Arc<Context>,
        local: &Value,
        mut how: How,
        chain: usize,
    ) -> Result<Arc<Context>, LdError> {
        if chain > MAX_CHAIN {
            return Err(LdError::Limit("a context refers to a context, and so on"));
        }
        match local.get("@propagate") {
            None => {}
            Some(Value::Bool(flag)) => how.propagates = *flag,
            Some(_) => return Err(LdError::invalid("@propagate is neither true nor false")),
        }
        let mut result = Arc::clone(active);
        if !how.propagates && result.previous.is_none() {
            let mut copy = (*result).clone();
            copy.previous = Some(Arc::clone(active));
            result = Arc::new(copy);
        }
        let list = match local {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for one in list {
            self.loaded += 1;
            if self.loaded > MAX_CONTEXTS {
                return Err(LdError::Limit("too many contexts"));
            }
            result = match one {
                Value::Null => nullified(&result, how)?,
                Value::String(url) => {
                    let known = self.known.get(url).ok_or_else(|| LdError::UnknownContext(url.clone()))?;
                    let inner = known
                        .get("@context")
                        .ok_or_else(|| LdError::invalid(format!("{url} holds no @context")))?;
                    self.process(&result, inner, PLAIN, chain + 1)?
                }
                Value::Object(map) => Arc::new(defined(&result, map, how.overrides)?),
                _ => return Err(LdError::invalid("a context is neither an IRI nor an object")),
            };
        }
        Ok(result)
    }
}

fn nullified(result: &Arc<Context>, how: How) -> Result<Arc<Context>, LdError> {
    if !how.overrides && result.terms.values().any(|term| term.protected) {
        return Err(LdError::invalid("a null context would take protected terms away"));
    }
    let previous = (!how.propagates).then(|| Arc::clone(result));
    Ok(Arc::new(Context { previous, ..Context::default() }))
}

/// The context with an object's definitions.
fn defined(active: &Context, map: &Map<String, Value>, overrides: bool) -> Result<Context, LdError> {
    let mut result = active.clone();
    let mut protected = false;
    for (key, value) in map {
        match (key.as_str(), value) {
            ("@version", Value::Number(version)) if version.as_f64() == Some(1.1) => {}
            ("@vocab", Value::Null) => result.vocab = None,
            ("@vocab", Value::String(text)) => {
                let start = result.expand_iri(text, true).unwrap_or_default();
                if !iri::is_absolute(&start) {
                    return Err(LdError::invalid(format!(
                        "@vocab is {text:?}, which is not an absolute IRI"
                    )));
                }
                result.vocab = Some(start);
            }
            ("@language", Value::Null) => result.language = None,
            ("@language", Value::String(tag)) if iri::is_language(tag) => {
                result.language = Some(tag.to_lowercase())
            }
            ("@base", Value::Null) => {}
            ("@protected", Value::Bool(flag)) => protected = *flag,
            ("@propagate", Value::Bool(_)) => {}
            (key, _) if key == "@vocab" || iri::is_keyword(key) && key != "@type" => {
                return Err(LdError::Unsupported(format!("{key} as it stands in a context")));
            }
            _ => {}
        }
    }
    let mut definer =
        Definer { result: &mut result, local: map, state: BTreeMap::new(), protected, overrides };
    for key in map.keys().filter(|key| !iri::is_keyword(key) || *key == "@type") {
        definer.define(key)?;
    }
    Ok(result)
}

struct Definer<'a> {
    result: &'a mut Context,
    local: &'a Map<String, Value>,
    /// False while a term is being defined, true after.
    state: BTreeMap<String, bool>,
    protected: bool,
    overrides: bool,
}

impl Definer<'_> {
    fn define(&mut self, term: &str) -> Result<(), LdError> {
        match self.state.get(term) {
            Some(true) => return Ok(()),
            Some(false) => return Err(LdError::invalid(format!("the term {term:?} is defined by itself"))),
            None => {}
        }
        if term.is_empty() {
            return Err(LdError::invalid("a context defines the empty term"));
        }
        if term == "@type" {
            // It can only say that `@type` is a set, which makes no difference to statements, or protect it.
            let allowed = self.local.get(term).and_then(Value::as_object).is_some_and(|map| {
                !map.is_empty()
                    && map.iter().all(|(key, value)| {
                        (key == "@container" && value == "@set")
                            || (key == "@protected" && value.is_boolean())
                    })
            });
            return if allowed { Ok(()) } else { Err(LdError::invalid("a context redefines @type")) };
        }
        if iri::is_keyword_like(term) {
            return Ok(());
        }
        self.state.insert(term.to_owned(), false);
        let before = self.result.terms.remove(term);
        let value = self.local.get(term).cloned().unwrap_or_default();
        let Some(mut definition) = self.definition(term, &value)? else {
            self.state.insert(term.to_owned(), true);
            return Ok(());
        };
        if let Some(before) = before.filter(|before| before.protected && !self.overrides) {
            if !before.same_meaning(&definition) {
                return Err(LdError::invalid(format!("the protected term {term:?} is defined otherwise")));
            }
            definition = (*before).clone();
        }
        self.result.terms.insert(term.to_owned(), Arc::new(definition));
        self.state.insert(term.to_owned(), true);
        Ok(())
    }

    /// What the context says of a term; nothing when it is to be passed over.
    fn definition(&mut self, term: &str, value: &Value) -> Result<Option<TermDefinition>, LdError> {
        let bad = |what: &str| LdError::invalid(format!("the term {term:?} has {what}"));
        let mut found = TermDefinition { protected: self.protected, ..TermDefinition::default() };
        let empty = Map::new();
        let (id, simple, map) = match value {
            Value::Null => (Some(None), false, &empty),
            Value::String(text) => (Some(Some(text.as_str())), true, &empty),
            Value::Object(map) => {
                let id = match map.get("@id") {
                    None => None,
                    Some(Value::Null) => Some(None),
                    Some(Value::String(text)) => Some(Some(text.as_str())),
                    Some(_) => return Err(bad("an @id that is not a string")),
                };
                (id, false, map)
            }
            _ => return Err(bad("a definition that is neither a string nor an object")),
        };
        if let Some(flag) = map.get("@protected") {
            found.protected = flag.as_bool().ok_or_else(|| bad("a @protected that is not true or false"))?;
        }
        if let Some(kind) = map.get("@type") {
            let text = kind.as_str().ok_or_else(|| bad("a @type that is not a string"))?;
            let kind = self.expand(text)?.unwrap_or_default();
            let known = matches!(kind.as_str(), "@id" | "@vocab" | "@json" | "@none");
            if !known && !iri::is_absolute(&kind) {
                return Err(bad("a @type that is not an IRI"));
            }
            found.reads_as = Some(kind);
        }
        match id {
            Some(None) => {}
            Some(Some(text)) if text != term => {
                if iri::is_keyword_like(text) && !iri::is_keyword(text) {
                    return Ok(None);
                }
                let meaning = self.expand(text)?.unwrap_or_default();
                if meaning == "@context" || !(iri::is_keyword(&meaning) || iri::is_absolute(&meaning)) {
                    return Err(bad("an @id that is not an IRI"));
                }
                let plain = !term.contains([':', '/']);
                let own =
                    term.contains('/') || iri::split(term).is_some_and(|(_, suffix)| !suffix.is_empty());
                if own && self.expand_name(term)?.as_deref() != Some(&meaning) {
                    return Err(bad("the form of an IRI, and stands for another"));
                }
                found.prefix = plain && simple && meaning.ends_with([':', '/', '?', '#', '[', ']', '@']);
                found.iri = Some(meaning);
            }
            _ => found.iri = Some(self.own_iri(term)?),
        }
        if let Some(flag) = map.get("@prefix") {
            found.prefix = flag.as_bool().ok_or_else(|| bad("a @prefix that is not true or false"))?;
            if found.prefix && term.contains([':', '/']) {
                return Err(bad("a @prefix and a colon or slash"));
            }
        }
        if let Some(value) = map.get("@container") {
            found.container = container(value)
                .ok_or_else(|| LdError::Unsupported(format!("the container {value} of the term {term:?}")))?;
        }
        found.scoped = map.get("@context").cloned();
        match map.get("@language") {
            None => {}
            Some(Value::Null) => found.language = Some(None),
            Some(Value::String(tag)) if iri::is_language(tag) => {
                found.language = Some(Some(tag.to_lowercase()))
            }
            Some(_) => return Err(bad("a @language that is not a language tag")),
        }
        let known = ["@id", "@type", "@protected", "@prefix", "@container", "@context", "@language"];
        match map.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(LdError::Unsupported(format!("{key} of the term {term:?}"))),
            None => Ok(Some(found)),
        }
    }

    /// What a term without an `@id` stands for: a compact IRI, an IRI, or below `@vocab`.
    fn own_iri(&mut self, term: &str) -> Result<String, LdError> {
        if let Some((prefix, suffix)) = iri::split(term) {
            if self.local.contains_key(prefix) {
                self.define(prefix)?;
            }
            if let Some(start) = self.result.term(prefix).and_then(|found| found.iri.clone()) {
                return Ok(format!("{start}{suffix}"));
            }
            if iri::is_absolute(term) {
                return Ok(term.to_owned());
            }
        }
        let start = self.result.vocab.as_deref();
        let start = start.ok_or_else(|| LdError::invalid(format!("the term {term:?} stands for no IRI")))?;
        Ok(format!("{start}{term}"))
    }

    /// What a term with a colon or slash would be read as without its definition.
    fn expand_name(&mut self, term: &str) -> Result<Option<String>, LdError> {
        if let Some((prefix, _)) = iri::split(term)
            && self.local.contains_key(prefix)
        {
            self.define(prefix)?;
        }
        Ok(self.result.expand_iri(term, true))
    }

    /// Reads an IRI of the context, defining first the terms that it needs.
    fn expand(&mut self, text: &str) -> Result<Option<String>, LdError> {
        if !iri::is_keyword(text) {
            if self.local.contains_key(text) && self.state.get(text) != Some(&true) {
                self.define(text)?;
            } else if let Some((prefix, suffix)) = iri::split(text)
                && prefix != "_"
                && !suffix.starts_with("//")
                && self.local.contains_key(prefix)
                && self.state.get(prefix) != Some(&true)
            {
                self.define(prefix)?;
            }
        }
        Ok(self.result.expand_iri(text, true))
    }
}

fn container(value: &Value) -> Option<Container> {
    let mut found = Container::default();
    let list = match value {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    for one in list {
        match one.as_str()? {
            "@list" => found.list = true,
            "@set" => found.set = true,
            "@graph" => found.graph = true,
            _ => return None,
        }
    }
    (!(found.list && (found.set || found.graph))).then_some(found)
}
