//! Records of an interchange file: the children of its root, one at a time.

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;

use super::Record;
use super::node::Node;
use crate::format::ReadError;
use crate::limits::{MAX_DEPTH, MAX_RECORD_BYTES};
use crate::reading::{Fault, Rule};

/// Why a file's records cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum XmlError {
    /// A document type, which could define entities.
    #[error("it has a document type, and files with one are not read")]
    DocumentType,
    /// No element in it.
    #[error("it has no element")]
    Empty,
    /// Said by whoever takes the records.
    #[error(transparent)]
    Taker(Box<ReadError>),
}

impl From<ReadError> for XmlError {
    fn from(error: ReadError) -> Self {
        Self::Taker(Box::new(error))
    }
}

/// The encoding that an XML declaration names, when it is not the usual one.
pub(super) fn declared_encoding(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(200)).unwrap_or_default()).into_owned();
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?.to_owned();
    let quoted = declaration.split("encoding").nth(1)?.trim_start().strip_prefix('=')?.trim_start();
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = quoted.get(1..)?.split(quote).next()?.to_lowercase();
    (label != "utf-8").then_some(label)
}

/// Counts lines up to a place in the text, going on from the last one asked for.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn at(&mut self, position: usize) -> u64 {
        let part = self.text.get(self.at..position).unwrap_or_default();
        self.line += part.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.at = self.at.max(position);
        self.line
    }
}

/// A record that is being read.
struct Open {
    line: u64,
    from: usize,
    path: Vec<Node>,
    fault: Option<Fault>,
}

impl Open {
    fn blame(&mut self, rule: Rule, value: &str) {
        let field = self.path.last().map(|node| node.name.clone()).unwrap_or_default();
        self.fault.get_or_insert_with(|| Fault::new(field, rule, value));
    }

    fn text(&mut self, text: &str) {
        if let Some(node) = self.path.last_mut() {
            node.text.push_str(text);
        }
    }

    /// Ends an element; gives the record when it was the outermost.
    fn close(&mut self) -> Option<Node> {
        let node = self.path.pop()?;
        match self.path.last_mut() {
            Some(parent) => parent.children.push(node),
            None => return Some(node),
        }
        None
    }
}

/// Gives each record with the line on which it begins.
///
/// # Errors
/// [`XmlError`]; a record that is not well formed is given as a fault, and what follows it cannot be told apart any more.
pub(super) fn records(
    text: &str,
    mut take: impl FnMut(u64, Record) -> Result<(), ReadError>,
) -> Result<(), XmlError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().trim_text(false);
    let mut lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    let (mut rooted, mut ended, mut open): (bool, bool, Option<Open>) = (false, false, None);
    loop {
        let from = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => {
                let line = open.as_ref().map_or_else(|| lines.at(from), |open| open.line);
                let cut = matches!(&error, Error::Syntax(why) if *why != SyntaxError::InvalidBangMarkup);
                let fault = match cut {
                    true => Fault::new("", Rule::Cut, "the file ends inside a tag"),
                    false => Fault::new("", Rule::Unreadable, &format!("{error}; nothing behind it is read")),
                };
                take(line, Err(fault))?;
                return Ok(());
            }
        };
        match event {
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Start(tag) => {
                let name = local_name(tag.local_name().as_ref());
                match &mut open {
                    _ if !rooted => rooted = true,
                    None => {
                        open = Some(Open {
                            line: lines.at(from),
                            from,
                            path: vec![Node::named(name)],
                            fault: None,
                        })
                    }
                    Some(open) if open.path.len() >= MAX_DEPTH => {
                        let line = open.line;
                        take(
                            line,
                            Err(Fault::new(name, Rule::Unreadable, "elements lie too deep in each other")),
                        )?;
                        return Ok(());
                    }
                    Some(open) => open.path.push(Node::named(name)),
                }
            }
            Event::Empty(tag) => {
                let name = local_name(tag.local_name().as_ref());
                match &mut open {
                    Some(open) => {
                        open.path.push(Node::named(name));
                        open.close();
                    }
                    None if rooted => take(lines.at(from), Ok(Node::named(name)))?,
                    None => (rooted, ended) = (true, true),
                }
            }
            Event::End(_) => match &mut open {
                None => ended = true,
                Some(record) => {
                    if let Some(node) = record.close() {
                        let (line, fault) = (record.line, record.fault.take());
                        open = None;
                        take(line, fault.map_or(Ok(node), Err))?;
                    }
                }
            },
            Event::Text(text) => match (&mut open, text.decode()) {
                (Some(open), Ok(text)) => open.text(&text),
                (Some(open), Err(_)) => open.blame(Rule::Encoding, ""),
                (None, _) => {}
            },
            Event::CData(text) => match (&mut open, text.decode()) {
                (Some(open), Ok(text)) => open.text(&text),
                (Some(open), Err(_)) => open.blame(Rule::Encoding, ""),
                (None, _) => {}
            },
            Event::GeneralRef(name) => {
                if let Some(open) = &mut open {
                    match (name.resolve_char_ref(), name.decode()) {
                        (Ok(Some(c)), _) => open.text(c.encode_utf8(&mut [0; 4])),
                        (_, Ok(name)) => match quick_xml::escape::resolve_predefined_entity(&name) {
                            Some(text) => open.text(text),
                            None => open
                                .blame(Rule::Unreadable, &format!("the entity {name} is none of XML's five")),
                        },
                        (_, Err(_)) => open.blame(Rule::Encoding, ""),
                    }
                }
            }
            Event::Eof => {
                if let Some(open) = open {
                    take(open.line, Err(Fault::new("", Rule::Cut, "the file ends inside this record")))?;
                } else if !rooted {
                    return Err(XmlError::Empty);
                } else if !ended {
                    take(
                        lines.at(from),
                        Err(Fault::new("", Rule::Cut, "the file ends before its root does")),
                    )?;
                }
                return Ok(());
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        if let Some(record) =
            open.as_ref().filter(|record| position.saturating_sub(record.from) > MAX_RECORD_BYTES)
        {
            take(record.line, Err(Fault::new("", Rule::TooLong, "a record of more than a megabyte")))?;
            return Ok(());
        }
    }
}

fn local_name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
