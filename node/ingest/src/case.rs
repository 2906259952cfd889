//! CASE 1.0 and 1.1 (1EdTech): a framework of competencies as a graph of skills.
//!
//! Flow: a package as its API gives it (`CFPackages/{id}`), JSON → the items and their associations → skills are the items that
//! have no children; what precedes a group precedes everything below it. Invariants: an identifier that stands twice, an
//! association to nobody, and a circle are named; no more edges than [`MAX_EDGES`]. Absent: rubrics, definitions, and what
//! associations of other kinds mean, which are counted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::json::{self, JsonError};

#[cfg(test)]
mod tests;

/// Most bytes of a package: the largest published framework has about 40 MB.
pub const MAX_PACKAGE_BYTES: usize = 128 << 20;
/// Most items of all packages.
pub const MAX_ITEMS: usize = 100_000;
/// Most edges of the graph.
pub const MAX_EDGES: usize = 500_000;
const MAX_DEPTH: usize = 32;
/// Most identifiers that one fault names.
const TOLD: usize = 8;

/// The association that makes an edge: its origin comes before its destination.
pub const PRECEDES: &str = "precedes";
const IS_CHILD_OF: &str = "isChildOf";

/// Why packages are no graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaseError {
    /// Not JSON.
    #[error("{0}: {1}")]
    Json(String, JsonError),
    /// Not a package, or an item or association that is not valid.
    #[error("{0}: {1}")]
    Package(String, String),
    /// An identifier of several items.
    #[error("items that stand twice: {0}")]
    Twice(String),
    /// Items before themselves.
    #[error("items that come before themselves: {0}")]
    Circle(String),
    /// Too much of something.
    #[error("more than {0} {1}")]
    TooMany(usize, &'static str),
}

/// An item of the framework that has no children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// Its identifier.
    pub id: String,
    /// The code that people use; empty when it has none.
    pub code: String,
    /// The grades, as the framework writes them, joined by `;`.
    pub grades: String,
    /// What it says.
    pub text: String,
}

/// What precedes what, over all packages that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// Skills by identifier.
    pub skills: Vec<Skill>,
    /// Identifiers: the first is the prerequisite of the second.
    pub prerequisites: Vec<(String, String)>,
    /// Items that have children.
    pub groups: usize,
    /// Associations by type.
    pub associations: BTreeMap<String, usize>,
    /// Associations that name nobody in the packages.
    pub outside: usize,
    /// Edges that two items below one another would have had: a part is not its whole's prerequisite.
    pub within: usize,
}

#[derive(Default)]
struct Read {
    items: BTreeMap<String, Skill>,
    twice: BTreeSet<String>,
    documents: BTreeSet<String>,
    associations: BTreeMap<String, (String, String, String)>,
    bare: usize,
}

/// Reads packages, each with its file's name.
///
/// # Errors
/// [`CaseError`].
pub fn graph(packages: &[(String, Vec<u8>)]) -> Result<Graph, CaseError> {
    let mut read = Read::default();
    for (file, bytes) in packages {
        if bytes.len() > MAX_PACKAGE_BYTES {
            return Err(CaseError::TooMany(MAX_PACKAGE_BYTES, "bytes in a package"));
        }
        let package = json::parse(bytes, MAX_DEPTH).map_err(|error| CaseError::Json(file.clone(), error))?;
        read.package(file, &package)?;
    }
    read.graph()
}

impl Read {
    fn package(&mut self, file: &str, package: &Value) -> Result<(), CaseError> {
        let wrong = |what: String| CaseError::Package(file.to_owned(), what);
        let list = |name: &str| match package.get(name) {
            None | Some(Value::Null) => Ok(&[][..]),
            Some(Value::Array(list)) => Ok(list.as_slice()),
            Some(_) => Err(wrong(format!("{name} must be a list"))),
        };
        let document = package.get("CFDocument").and_then(|document| text(document, "identifier"));
        let document =
            document.ok_or_else(|| wrong("CFDocument.identifier is missing: is it a CFPackage?".into()))?;
        self.documents.insert(document.to_ascii_lowercase());
        for (at, item) in list("CFItems")?.iter().enumerate() {
            let need =
                |name: &str| text(item, name).ok_or_else(|| wrong(format!("CFItems.{at}.{name} is missing")));
            let id = need("identifier")?.to_ascii_lowercase();
            let skill = Skill {
                id: id.clone(),
                code: text(item, "humanCodingScheme").unwrap_or_default().to_owned(),
                grades: grades(item.get("educationLevel").or_else(|| item.get("educationalLevel"))),
                text: need("fullStatement")?.to_owned(),
            };
            // The same item in two packages is one; two items of one identifier are a fault.
            if self.items.get(&id).is_some_and(|known| *known != skill) {
                self.twice.insert(id.clone());
            }
            self.items.insert(id, skill);
            if self.items.len() > MAX_ITEMS {
                return Err(CaseError::TooMany(MAX_ITEMS, "items"));
            }
        }
        for (at, association) in list("CFAssociations")?.iter().enumerate() {
            let end = |name: &str| {
                let node = association.get(name).and_then(node);
                node.ok_or_else(|| wrong(format!("CFAssociations.{at}.{name} names no item")))
            };
            let kind = text(association, "associationType");
            let kind =
                kind.ok_or_else(|| wrong(format!("CFAssociations.{at}.associationType is missing")))?;
            let read = (kind.to_owned(), end("originNodeURI")?, end("destinationNodeURI")?);
            let key = text(association, "identifier").map(str::to_ascii_lowercase);
            self.bare += usize::from(key.is_none());
            let key = key.unwrap_or_else(|| format!("\u{1f}{}", self.bare));
            self.associations.insert(key, read);
            if self.associations.len() > MAX_EDGES {
                return Err(CaseError::TooMany(MAX_EDGES, "associations"));
            }
        }
        Ok(())
    }

    fn graph(self) -> Result<Graph, CaseError> {
        if !self.twice.is_empty() {
            return Err(CaseError::Twice(some(self.twice.iter())));
        }
        let mut graph = Graph::default();
        let (mut children, mut before): (Edges<'_>, Edges<'_>) = Default::default();
        for (kind, origin, destination) in self.associations.values() {
            *graph.associations.entry(kind.clone()).or_default() += 1;
            let known = |id: &String| self.items.contains_key(id);
            match kind.as_str() {
                // What lies under the document itself lies under no item.
                IS_CHILD_OF if self.documents.contains(destination) => {}
                IS_CHILD_OF if known(origin) && known(destination) => {
                    children.entry(destination).or_default().insert(origin);
                }
                PRECEDES if known(origin) && origin == destination => {
                    return Err(CaseError::Circle(format!("{origin} -> {origin}")));
                }
                PRECEDES if known(origin) && known(destination) => {
                    before.entry(origin).or_default().insert(destination);
                }
                IS_CHILD_OF | PRECEDES => graph.outside += 1,
                _ => {}
            }
        }
        circle(&children)?;
        let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let mut edges: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (origin, destinations) in &before {
            for destination in destinations {
                let from = leaves(origin, &children, &mut below);
                let to = leaves(destination, &children, &mut below);
                if !from.is_disjoint(&to) {
                    graph.within += 1;
                    continue;
                }
                if edges.len() + from.len() * to.len() > MAX_EDGES {
                    return Err(CaseError::TooMany(MAX_EDGES, "edges"));
                }
                edges.extend(from.iter().flat_map(|one| to.iter().map(move |other| (*one, *other))));
            }
        }
        let mut after: Edges<'_> = BTreeMap::new();
        for (from, to) in &edges {
            after.entry(from).or_default().insert(to);
        }
        circle(&after)?;
        graph.groups = children.len();
        graph.prerequisites = edges.into_iter().map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
        graph.skills =
            self.items.values().filter(|item| !children.contains_key(item.id.as_str())).cloned().collect();
        Ok(graph)
    }
}

type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The items without children at or below one.
fn leaves<'a>(
    item: &'a str,
    children: &Edges<'a>,
    known: &mut BTreeMap<&'a str, BTreeSet<&'a str>>,
) -> BTreeSet<&'a str> {
    if let Some(found) = known.get(item) {
        return found.clone();
    }
    // There is no circle: what was pushed is left in the end. Each is looked at once.
    let (mut found, mut seen, mut stack) = (BTreeSet::new(), BTreeSet::new(), vec![item]);
    while let Some(one) = stack.pop() {
        match children.get(one) {
            _ if !seen.insert(one) => {}
            Some(below) => stack.extend(below),
            None => {
                found.insert(one);
            }
        }
    }
    known.insert(item, found.clone());
    found
}

/// Refuses edges that lead back to where they began, naming one such way.
fn circle(edges: &Edges<'_>) -> Result<(), CaseError> {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for start in edges.keys() {
        // The way from the start, each with those behind it that are not looked at yet.
        let mut way: Vec<(&str, Vec<&str>)> = Vec::new();
        let mut on_way: BTreeSet<&str> = BTreeSet::new();
        let behind = |one: &str| edges.get(one).map(|to| to.iter().copied().collect()).unwrap_or_default();
        if !done.contains(start) {
            on_way.insert(start);
            way.push((start, behind(start)));
        }
        while let Some((one, left)) = way.last_mut() {
            match left.pop() {
                Some(next) if on_way.contains(next) => {
                    let from = way.iter().position(|(one, _)| *one == next).unwrap_or_default();
                    let names = way.iter().skip(from).map(|(one, _)| *one).chain([next]);
                    return Err(CaseError::Circle(names.collect::<Vec<_>>().join(" -> ")));
                }
                Some(next) if done.contains(next) => {}
                Some(next) => {
                    on_way.insert(next);
                    way.push((next, behind(next)));
                }
                None => {
                    let one = *one;
                    on_way.remove(one);
                    done.insert(one);
                    way.pop();
                }
            }
        }
    }
    Ok(())
}

fn some<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    let more = names.len().saturating_sub(TOLD);
    names.truncate(TOLD);
    if more > 0 { format!("{} and {more} more", names.join(", ")) } else { names.join(", ") }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// The identifier that a link names: as its member, or as the last part of its URI.
fn node(link: &Value) -> Option<String> {
    let of_uri =
        |uri: &str| uri.rsplit('/').next().filter(|last| !last.is_empty()).map(str::to_ascii_lowercase);
    match link {
        Value::String(uri) => of_uri(uri),
        link => text(link, "identifier").map(str::to_ascii_lowercase).or_else(|| of_uri(text(link, "uri")?)),
    }
}

fn grades(levels: Option<&Value>) -> String {
    match levels {
        Some(Value::String(text)) => text.replace(',', ";"),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(";"),
        _ => String::new(),
    }
}
