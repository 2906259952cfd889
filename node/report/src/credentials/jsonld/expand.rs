//! Expansion (JSON-LD 1.1 API, 5.1), into a tree of nodes, values and lists rather than JSON, in safe mode.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::LdError;
use super::context::{How, PLAIN, Processor};
use super::iri;
use super::terms::{Context, TermDefinition};
use crate::credentials::contexts::Contexts;

/// Something expanded.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Something with properties.
    Node(Node),
    /// A value without properties of its own.
    Literal(Literal),
    /// An ordered list.
    List(Vec<Item>),
}

/// Something with properties.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Its place in the document, as a JSON pointer: what it is called without an id.
    pub place: String,
    /// Its id: an IRI, or a blank node's label with `_:`.
    pub id: Option<String>,
    /// What it is, as IRIs.
    pub types: Vec<String>,
    /// Its properties by IRI.
    pub properties: BTreeMap<String, Vec<Item>>,
    /// What is said in the graph that it names.
    pub graph: Option<Vec<Item>>,
}

/// A literal as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Its value; an object or list only with `@json`.
    pub value: Value,
    /// Its datatype's IRI, or `@json`.
    pub datatype: Option<String>,
    /// A language tag in lower case; none: the text names none.
    pub language: Option<String>,
}

/// The document's nodes.
pub fn document(document: &Value, contexts: &Contexts) -> Result<Vec<Item>, LdError> {
    let mut expander = Expander { processor: Processor::new(contexts) };
    let mut items = expander.expand(&Arc::new(Context::default()), None, document, String::new())?;
    if let [Item::Node(Node { id: None, types, properties, graph: Some(graph), .. })] = items.as_mut_slice()
        && types.is_empty()
        && properties.is_empty()
    {
        items = std::mem::take(graph);
    }
    for item in &items {
        match item {
            Item::Node(node) if node.id.is_some() && node.says_nothing() => {
                return Err(LdError::invalid("a node on its own says nothing but its id"));
            }
            Item::Node(_) => {}
            _ => return Err(LdError::invalid("a value stands there that nothing has")),
        }
    }
    Ok(items)
}

impl Node {
    fn says_nothing(&self) -> bool {
        self.types.is_empty() && self.properties.is_empty() && self.graph.is_none()
    }
}

struct Expander<'a> {
    processor: Processor<'a>,
}

/// The property whose value is expanded.
type Active<'p> = Option<(&'p str, Option<&'p TermDefinition>)>;

impl Expander<'_> {
    fn expand(
        &mut self,
        context: &Arc<Context>,
        active: Active<'_>,
        element: &Value,
        place: String,
    ) -> Result<Vec<Item>, LdError> {
        match element {
            Value::Null => Ok(Vec::new()),
            Value::Array(list) => {
                let mut items = Vec::new();
                let in_list = active.and_then(|(_, term)| term).is_some_and(|term| term.container.list);
                for (i, one) in list.iter().enumerate() {
                    let found = self.expand(context, active, one, format!("{place}/{i}"))?;
                    if in_list && one.is_array() {
                        items.push(Item::List(found));
                    } else {
                        items.extend(found);
                    }
                }
                Ok(items)
            }
            Value::Object(map) => self.object(context, active, map, place),
            scalar => {
                if active.is_none_or(|(name, _)| name == "@graph") {
                    return Err(LdError::invalid(format!("the value {scalar} stands where nothing has it")));
                }
                let scoped = active.and_then(|(_, term)| term).and_then(|term| term.scoped.as_ref());
                let context = match scoped {
                    Some(local) => self.processor.apply(context, local, PROPERTY)?,
                    None => Arc::clone(context),
                };
                Ok(vec![value(&context, active.and_then(|(_, term)| term), scalar, place)?])
            }
        }
    }

    fn object(
        &mut self,
        outer: &Arc<Context>,
        active: Active<'_>,
        map: &Map<String, Value>,
        place: String,
    ) -> Result<Vec<Item>, LdError> {
        let mut context = Arc::clone(outer);
        let means = |context: &Context, key: &str| context.expand_iri(key, true);
        if let Some(previous) = &outer.previous {
            let is_value = map.keys().any(|key| means(outer, key).as_deref() == Some("@value"));
            let only_id = map.len() == 1 && map.keys().all(|key| means(outer, key).as_deref() == Some("@id"));
            if !is_value && !only_id {
                context = Arc::clone(previous);
            }
        }
        if let Some(local) = active.and_then(|(_, term)| term).and_then(|term| term.scoped.as_ref()) {
            context = self.processor.apply(&context, local, PROPERTY)?;
        }
        if let Some(local) = map.get("@context") {
            context = self.processor.apply(&context, local, PLAIN)?;
        }
        let of_types = Arc::clone(&context);
        for key in sorted(map) {
            if means(&context, key).as_deref() == Some("@type") {
                let mut names: Vec<&str> = strings(&map[key]).collect();
                names.sort_unstable();
                for name in names {
                    if let Some(local) = of_types.term(name).and_then(|term| term.scoped.as_ref()) {
                        context = self.processor.apply(&context, local, TYPE)?;
                    }
                }
            }
        }
        let mut parts = Parts { node: Node { place, ..Node::default() }, ..Parts::default() };
        for key in sorted(map) {
            if key != "@context" {
                self.entry(&context, &of_types, active, key, &map[key], &mut parts)?;
            }
        }
        parts.finish(active)
    }

    fn entry(
        &mut self,
        context: &Arc<Context>,
        of_types: &Context,
        active: Active<'_>,
        key: &str,
        value: &Value,
        parts: &mut Parts,
    ) -> Result<(), LdError> {
        let here = format!("{}/{}", parts.node.place, pointer_part(key));
        let term = context.term(key);
        let property = match context.expand_iri(key, true) {
            Some(property) if iri::is_keyword(&property) || iri::is_absolute(&property) => property,
            _ => {
                return Err(LdError::invalid(format!(
                    "{here}: no context defines {key:?}, so nothing signs it"
                )));
            }
        };
        if property.starts_with('@') {
            return self.keyword(context, of_types, active, &property, value, here, parts);
        }
        let json = term.is_some_and(|term| term.reads_as.as_deref() == Some("@json"));
        let mut items = if json {
            let datatype = Some("@json".to_owned());
            vec![Item::Literal(Literal { value: value.clone(), datatype, language: None })]
        } else {
            self.expand(context, Some((key, term)), value, here.clone())?
        };
        if value.is_null() && !json {
            return Ok(());
        }
        let container = term.map(|term| term.container).unwrap_or_default();
        if container.list && !matches!(items.as_slice(), [Item::List(_)] if !value.is_array()) {
            items = vec![Item::List(items)];
        }
        if container.graph {
            let wrapped = items.into_iter().map(|item| {
                // After the node inside, so that leaving out its neighbours does not rename it.
                let inside = if let Item::Node(node) = &item { node.place.as_str() } else { here.as_str() };
                Item::Node(Node {
                    place: format!("graph:{inside}"),
                    graph: Some(vec![item]),
                    ..Node::default()
                })
            });
            items = wrapped.collect();
        }
        parts.node.properties.entry(property).or_default().extend(items);
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn keyword(
        &mut self,
        context: &Arc<Context>,
        of_types: &Context,
        active: Active<'_>,
        keyword: &str,
        value: &Value,
        here: String,
        parts: &mut Parts,
    ) -> Result<(), LdError> {
        let bad = |why: &str| Err(LdError::invalid(format!("{here}: {why}")));
        match keyword {
            "@id" => match value.as_str().and_then(|text| context.expand_iri(text, false)) {
                Some(id) if parts.node.id.is_none() && (id.starts_with("_:") || iri::is_absolute(&id)) => {
                    parts.node.id = Some(id);
                }
                _ => return bad("the id is not an absolute IRI, or stands twice"),
            },
            "@type" => {
                parts.has_type = true;
                let list = super::super::json::many(Some(value));
                for one in list {
                    match one.as_str().and_then(|text| of_types.expand_iri(text, true)) {
                        Some(name) if iri::is_absolute(&name) || name == "@json" => {
                            parts.node.types.push(name)
                        }
                        _ => return bad(&format!("no context defines the type {one}")),
                    }
                }
            }
            "@value" => parts.value = Some(value.clone()),
            "@language" => match value.as_str().filter(|tag| iri::is_language(tag)) {
                Some(tag) => parts.language = Some(tag.to_lowercase()),
                None => return bad("a language is not a language tag"),
            },
            // Names a place for people; makes no statement.
            "@index" if value.is_string() => {}
            "@index" => return bad("an index is not a string"),
            "@graph" => {
                let items = self.expand(context, Some(("@graph", None)), value, here)?;
                parts.node.graph.get_or_insert_default().extend(items);
            }
            "@list" => {
                let items = self.expand(context, active, value, here)?;
                parts.list = Some(items);
            }
            "@set" => parts.set = Some(self.expand(context, active, value, here)?),
            other => return Err(LdError::Unsupported(format!("{here}: {other}"))),
        }
        Ok(())
    }
}

const PROPERTY: How = How { overrides: true, propagates: true };
const TYPE: How = How { overrides: false, propagates: false };

/// What an object turned out to hold.
#[derive(Default)]
struct Parts {
    node: Node,
    has_type: bool,
    value: Option<Value>,
    language: Option<String>,
    list: Option<Vec<Item>>,
    set: Option<Vec<Item>>,
}

impl Parts {
    fn finish(self, active: Active<'_>) -> Result<Vec<Item>, LdError> {
        let bad = |why: &str| LdError::invalid(format!("{}: {why}", self.node.place));
        let bare = self.node.properties.is_empty() && self.node.graph.is_none() && self.node.id.is_none();
        if let Some(value) = &self.value {
            let json = self.node.types == ["@json"];
            let clean = bare && self.list.is_none() && self.set.is_none() && self.node.types.len() <= 1;
            if !clean || (self.language.is_some() && (self.has_type || !value.is_string())) {
                return Err(bad("a value has more than its type or language"));
            }
            return match value {
                Value::Null if !json => Ok(Vec::new()),
                Value::Array(_) | Value::Object(_) if !json => Err(bad("a value is an object or a list")),
                _ => {
                    let datatype = self.node.types.into_iter().next();
                    Ok(vec![Item::Literal(Literal {
                        value: value.clone(),
                        datatype,
                        language: self.language,
                    })])
                }
            };
        }
        if self.language.is_some() {
            return Err(bad("a language stands without a value"));
        }
        match (self.list, self.set) {
            (Some(_), _) | (_, Some(_)) if !bare || self.has_type => {
                Err(LdError::invalid("a list or set has properties"))
            }
            (Some(list), None) if active.is_some_and(|(name, _)| name != "@graph") => {
                Ok(vec![Item::List(list)])
            }
            (None, Some(set)) => Ok(set),
            (None, None) => Ok(vec![Item::Node(self.node)]),
            _ => Err(LdError::invalid("a list stands where nothing has it")),
        }
    }
}

/// A string, number or boolean as the term reads it.
fn value(
    context: &Context,
    term: Option<&TermDefinition>,
    scalar: &Value,
    place: String,
) -> Result<Item, LdError> {
    let reads_as = term.and_then(|term| term.reads_as.as_deref());
    if let (Some(kind @ ("@id" | "@vocab")), Value::String(text)) = (reads_as, scalar) {
        return match context.expand_iri(text, kind == "@vocab") {
            Some(id) if id.starts_with("_:") || iri::is_absolute(&id) => {
                Ok(Item::Node(Node { place, id: Some(id), ..Node::default() }))
            }
            _ => Err(LdError::invalid(format!("{place}: {text:?} is not an absolute IRI"))),
        };
    }
    let datatype = reads_as.filter(|kind| !matches!(*kind, "@id" | "@vocab" | "@none")).map(str::to_owned);
    let language = match (scalar, &datatype) {
        (Value::String(_), None) => match term.and_then(|term| term.language.clone()) {
            Some(own) => own,
            None => context.language.clone(),
        },
        _ => None,
    };
    Ok(Item::Literal(Literal { value: scalar.clone(), datatype, language }))
}

fn sorted(map: &Map<String, Value>) -> Vec<&String> {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_unstable();
    keys
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    super::super::json::many(Some(value)).iter().filter_map(Value::as_str)
}

/// A key as a part of a JSON pointer (RFC 6901).
fn pointer_part(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
