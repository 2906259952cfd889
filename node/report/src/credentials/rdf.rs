//! RDF statements and their canonical N-Quads text (RDF 1.2 N-Quads, canonical form).

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// xsd:string, which N-Quads leaves out.
pub const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";
/// rdf:type: what JSON-LD's `type` becomes.
pub const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

/// Subject, object or graph.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// An IRI, without the angle brackets.
    Iri(String),
    /// A blank node by its label, without `_:`.
    Blank(String),
    /// A text with its datatype.
    Literal {
        /// Its text.
        value: String,
        /// Its datatype's IRI.
        datatype: String,
        /// Its language, exactly when the datatype is rdf:langString.
        language: Option<String>,
    },
}

/// A statement in a graph; the default graph is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quad {
    /// About what.
    pub subject: Term,
    /// Which property, an IRI.
    pub predicate: String,
    /// Its value.
    pub object: Term,
    /// The name of its graph.
    pub graph: Option<Term>,
}

/// A set of statements.
pub type Dataset = BTreeSet<Quad>;

impl Quad {
    /// The line, with its newline; `label` names blank nodes.
    pub fn line<'a>(&'a self, label: &dyn Fn(&'a str) -> &'a str) -> String {
        let mut out = String::new();
        term(&self.subject, label, &mut out);
        // Writing to a string cannot fail.
        let _ = write!(out, " <{}> ", self.predicate);
        term(&self.object, label, &mut out);
        if let Some(graph) = &self.graph {
            out.push(' ');
            term(graph, label, &mut out);
        }
        out.push_str(" .\n");
        out
    }

    /// The blank nodes with their positions: `s`, `o`, `g`.
    pub fn blanks(&self) -> impl Iterator<Item = (char, &str)> {
        [('s', Some(&self.subject)), ('o', Some(&self.object)), ('g', self.graph.as_ref())]
            .into_iter()
            .filter_map(|(at, term)| match term {
                Some(Term::Blank(label)) => Some((at, label.as_str())),
                _ => None,
            })
    }
}

fn term<'a>(term: &'a Term, label: &dyn Fn(&'a str) -> &'a str, out: &mut String) {
    // Writing to a string cannot fail.
    match term {
        Term::Iri(iri) => {
            let _ = write!(out, "<{iri}>");
        }
        Term::Blank(name) => {
            let _ = write!(out, "_:{}", label(name));
        }
        Term::Literal { value, datatype, language } => {
            out.push('"');
            escape(value, out);
            out.push('"');
            if let Some(language) = language {
                let _ = write!(out, "@{language}");
            } else if datatype != XSD_STRING {
                let _ = write!(out, "^^<{datatype}>");
            }
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' || c == '\u{7f}' => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
}
