//! Records of an interchange file: the children of its root, one at a time.

use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::{BytesStart, Event};

use super::{Node, Record};
use crate::error::{ReadError, XmlError};
use crate::limits::{MAX_DEPTH, MAX_RECORD_BYTES};
use crate::reading::{Fault, Rule};

/// Whether attributes become elements, `@` before their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attributes {
    /// They say nothing here.
    Left,
    /// They do.
    Kept,
}

/// The encoding that an XML declaration names, when it is not the usual one.
pub(crate) fn declared_encoding(bytes: &[u8]) -> Option<String> {
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
pub(crate) fn records(
    text: &str,
    attributes: Attributes,
    take: impl FnMut(u64, Record) -> Result<(), ReadError>,
) -> Result<(), XmlError> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().trim_text(false);
    let lines = Lines { text: text.as_bytes(), at: 0, line: 1 };
    let mut walk = Walk { lines, attributes, rooted: false, ended: false, open: None, take };
    loop {
        let from = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let goes_on = match reader.read_event() {
            Ok(event) => walk.event(event, from)?,
            Err(error) => {
                walk.stop(from, broken(&error))?;
                false
            }
        };
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        if !goes_on || !walk.fits(position)? {
            return Ok(());
        }
    }
}

fn broken(error: &Error) -> Fault {
    match error {
        Error::Syntax(why) if *why != SyntaxError::InvalidBangMarkup => {
            Fault::new("", Rule::Cut, "the file ends inside a tag")
        }
        _ => Fault::new("", Rule::Unreadable, &format!("{error}; nothing behind it is read")),
    }
}

/// How far a file is read.
struct Walk<'a, T> {
    lines: Lines<'a>,
    attributes: Attributes,
    /// The root has begun.
    rooted: bool,
    /// The root has ended.
    ended: bool,
    open: Option<Open>,
    take: T,
}

impl<T: FnMut(u64, Record) -> Result<(), ReadError>> Walk<'_, T> {
    /// Takes an event; false when nothing can be read behind it.
    fn event(&mut self, event: Event<'_>, from: usize) -> Result<bool, XmlError> {
        match event {
            Event::DocType(_) => return Err(XmlError::DocumentType),
            Event::Start(tag) => return self.start(self.node(&tag), from),
            Event::Empty(tag) => self.empty(self.node(&tag), from)?,
            Event::End(_) => self.end()?,
            Event::Text(text) => self.text(text.decode().ok().as_deref()),
            Event::CData(text) => self.text(text.decode().ok().as_deref()),
            Event::GeneralRef(name) => {
                let known = match (name.resolve_char_ref(), name.decode()) {
                    (Ok(Some(c)), _) => Some(c.to_string()),
                    (_, Ok(name)) => quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned),
                    (_, Err(_)) => None,
                };
                match (&mut self.open, known) {
                    (Some(open), Some(text)) => open.text(&text),
                    (Some(open), None) => {
                        open.blame(Rule::Unreadable, "an entity that is not one of XML's five")
                    }
                    (None, _) => {}
                }
            }
            Event::Eof => {
                self.close(from)?;
                return Ok(false);
            }
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
        Ok(true)
    }

    /// The element that a tag begins.
    fn node(&self, tag: &BytesStart<'_>) -> Node {
        let mut node = Node::named(local_name(tag.local_name().as_ref()));
        if self.attributes == Attributes::Kept {
            for attribute in tag.attributes().flatten() {
                let mut child = Node::named(format!("@{}", local_name(attribute.key.local_name().as_ref())));
                child.text = attribute.unescape_value().map(|text| text.into_owned()).unwrap_or_default();
                node.children.push(child);
            }
        }
        node
    }

    fn start(&mut self, node: Node, from: usize) -> Result<bool, XmlError> {
        match &mut self.open {
            _ if !self.rooted => self.rooted = true,
            None => {
                let line = self.lines.at(from);
                self.open = Some(Open { line, from, path: vec![node], fault: None });
            }
            Some(open) if open.path.len() >= MAX_DEPTH => {
                let fault = Fault::new(node.name, Rule::Unreadable, "elements lie too deep in each other");
                self.stop(from, fault)?;
                return Ok(false);
            }
            Some(open) => open.path.push(node),
        }
        Ok(true)
    }

    fn empty(&mut self, node: Node, from: usize) -> Result<(), XmlError> {
        match &mut self.open {
            Some(open) => {
                open.path.push(node);
                open.close();
            }
            None if self.rooted => (self.take)(self.lines.at(from), Ok(node))?,
            None => (self.rooted, self.ended) = (true, true),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), XmlError> {
        let Some(record) = &mut self.open else {
            self.ended = true;
            return Ok(());
        };
        if let Some(node) = record.close() {
            let (line, fault) = (record.line, record.fault.take());
            self.open = None;
            (self.take)(line, fault.map_or(Ok(node), Err))?;
        }
        Ok(())
    }

    fn text(&mut self, text: Option<&str>) {
        match (&mut self.open, text) {
            (Some(open), Some(text)) => open.text(text),
            (Some(open), None) => open.blame(Rule::Encoding, ""),
            (None, _) => {}
        }
    }

    /// Tells why the record that is open, or the place, is the last that can be read.
    fn stop(&mut self, from: usize, fault: Fault) -> Result<(), XmlError> {
        let line = match &self.open {
            Some(open) => open.line,
            None => self.lines.at(from),
        };
        Ok((self.take)(line, Err(fault))?)
    }

    /// At the end of the file.
    fn close(&mut self, from: usize) -> Result<(), XmlError> {
        match (&self.open, self.rooted, self.ended) {
            (Some(_), ..) => self.stop(from, Fault::new("", Rule::Cut, "the file ends inside this record")),
            (None, false, _) => Err(XmlError::Empty),
            (None, true, false) => {
                self.stop(from, Fault::new("", Rule::Cut, "the file ends before its root does"))
            }
            (None, true, true) => Ok(()),
        }
    }

    /// False when the open record has grown too large.
    fn fits(&mut self, position: usize) -> Result<bool, XmlError> {
        let large =
            self.open.as_ref().is_some_and(|open| position.saturating_sub(open.from) > MAX_RECORD_BYTES);
        if large {
            self.stop(position, Fault::new("", Rule::TooLong, "a record of more than a megabyte"))?;
        }
        Ok(!large)
    }
}

fn local_name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
