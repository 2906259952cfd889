//! From the expanded tree to statements (JSON-LD 1.1 API, 8.2).

use serde_json::{Number, Value};

use super::LdError;
use super::expand::{Item, Literal, Node};
use super::iri;
use crate::credentials::jcs;
use crate::credentials::limits::MAX_QUADS;
use crate::credentials::rdf::{Dataset, Quad, RDF_TYPE, Term, XSD_STRING};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const XSD: &str = "http://www.w3.org/2001/XMLSchema#";

/// The statements of a document.
pub fn statements(items: &[Item]) -> Result<Dataset, LdError> {
    let mut writer = Writer { dataset: Dataset::new() };
    for item in items {
        if let Item::Node(node) = item {
            writer.node(node, None)?;
        }
    }
    Ok(writer.dataset)
}

struct Writer {
    dataset: Dataset,
}

impl Writer {
    fn say(
        &mut self,
        subject: Term,
        predicate: &str,
        object: Term,
        graph: Option<&Term>,
    ) -> Result<(), LdError> {
        if self.dataset.len() >= MAX_QUADS {
            return Err(LdError::Limit("too many statements"));
        }
        self.dataset.insert(Quad { subject, predicate: predicate.to_owned(), object, graph: graph.cloned() });
        Ok(())
    }

    /// Writes a node's statements; what names it.
    fn node(&mut self, node: &Node, graph: Option<&Term>) -> Result<Term, LdError> {
        let name = match &node.id {
            // Labels of the document (`l`), names after places (`p`) and cells of lists (`c`) never meet.
            Some(id) => match id.strip_prefix("_:") {
                Some(label) => Term::Blank(format!("l{label}")),
                None => Term::Iri(id.clone()),
            },
            None => Term::Blank(format!("p{}", node.place)),
        };
        for kind in &node.types {
            let kind = match kind.strip_prefix("_:") {
                Some(label) => Term::Blank(format!("l{label}")),
                None => Term::Iri(kind.clone()),
            };
            self.say(name.clone(), RDF_TYPE, kind, graph)?;
        }
        for (property, items) in &node.properties {
            if !iri::is_absolute(property) {
                return Err(LdError::invalid(format!("the property {property:?} is not an IRI")));
            }
            for (i, item) in items.iter().enumerate() {
                let object = self.item(item, graph, &format!("{}/{property}/{i}", node.place))?;
                self.say(name.clone(), property, object, graph)?;
            }
        }
        for item in node.graph.iter().flatten() {
            match item {
                Item::Node(inner) => {
                    self.node(inner, Some(&name))?;
                }
                _ => return Err(LdError::invalid("a graph holds a value that nothing has")),
            }
        }
        Ok(name)
    }

    fn item(&mut self, item: &Item, graph: Option<&Term>, place: &str) -> Result<Term, LdError> {
        match item {
            Item::Node(node) => self.node(node, graph),
            Item::Literal(literal) => Ok(term(literal)),
            Item::List(items) => {
                let cell = |i: usize| match i {
                    i if i < items.len() => Term::Blank(format!("c{place}/{i}")),
                    _ => Term::Iri(format!("{RDF}nil")),
                };
                for (i, item) in items.iter().enumerate() {
                    let first = self.item(item, graph, &format!("{place}/{i}"))?;
                    self.say(cell(i), &format!("{RDF}first"), first, graph)?;
                    self.say(cell(i), &format!("{RDF}rest"), cell(i + 1), graph)?;
                }
                Ok(cell(0))
            }
        }
    }
}

fn term(literal: &Literal) -> Term {
    let stated = literal.datatype.as_deref();
    let (value, usual) = match &literal.value {
        value if stated == Some("@json") => (jcs::canonical(value), format!("{RDF}JSON")),
        Value::Bool(flag) => (flag.to_string(), format!("{XSD}boolean")),
        Value::Number(number) => match integer(number) {
            Some(text) if stated != Some("http://www.w3.org/2001/XMLSchema#double") => {
                (text, format!("{XSD}integer"))
            }
            _ => (double(number), format!("{XSD}double")),
        },
        Value::String(text) if literal.language.is_some() => (text.clone(), format!("{RDF}langString")),
        Value::String(text) => (text.clone(), XSD_STRING.to_owned()),
        // Expansion lets none of these through without @json.
        other => (jcs::canonical(other), format!("{RDF}JSON")),
    };
    let datatype = match stated {
        Some(datatype) if datatype != "@json" => datatype.to_owned(),
        _ => usual,
    };
    Term::Literal { value, datatype, language: literal.language.clone() }
}

/// The digits of a whole number below 10²¹.
fn integer(number: &Number) -> Option<String> {
    if number.is_i64() || number.is_u64() {
        return Some(number.to_string());
    }
    let double = number.as_f64()?;
    // Fits: below 10^21, and whole.
    #[allow(clippy::cast_possible_truncation)]
    (double.fract() == 0.0 && double.abs() < 1e21).then(|| (double as i128).to_string())
}

/// The canonical text of xsd:double with up to 15 decimals.
fn double(number: &Number) -> String {
    let text = format!("{:.15e}", number.as_f64().unwrap_or_default());
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let trimmed = mantissa.trim_end_matches('0');
    let zero = if trimmed.ends_with('.') { "0" } else { "" };
    format!("{trimmed}{zero}E{exponent}")
}
