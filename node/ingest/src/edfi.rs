//! Ed-Fi: interchange files (XML) and exports of the API (one JSON object a line).
//!
//! Read are schools, students, their schools, results, attendance and programmes; other records are told as not needed. Both
//! forms become one small tree a record (`node::Node`), so that a rule stands once. Invariants: no document type and no entity
//! but XML's own five, so nothing outside a file enters it; one record at a time in memory; a file that ends inside a record
//! says so. Absent: birth dates, addresses, items of assessments, which nothing here needs.

use crate::date::Date;
use crate::decode::decode;
use crate::error::ReadError;
use crate::homes::{Claim, settle};
use crate::reading::{Fault, Keys, Place, Reading, Said, Unused};
use crate::tree::{Attributes, Node, Record, declared_encoding};
use crate::unpack::Input;

mod gone;
mod json;
mod records;

/// Reads interchange files and exports; `today` says which withdrawals are past.
///
/// # Errors
/// A file that is not one of these.
pub fn read(files: Vec<Input>, today: Date) -> Result<Reading, ReadError> {
    let mut made = Made { reading: Reading::default(), keys: Keys::default(), claims: Vec::new(), today };
    for file in files {
        let index = made.reading.file(&file.name);
        let declared = declared_encoding(&file.bytes);
        let decoded = decode(file.bytes, declared.as_deref())?;
        let text = decoded.text.trim_start();
        let skipped = (decoded.text.len() - text.len()) as u64;
        let before =
            decoded.text.bytes().take(decoded.text.len() - text.len()).filter(|b| *b == b'\n').count() as u64;
        match text.bytes().next() {
            None => {}
            Some(b'<') => crate::tree::records(text, Attributes::Left, |line, record| {
                made.take(index, line + before, record)
            })
            .map_err(|what| ReadError::Xml { file: file.name.clone(), what })?,
            Some(b'{') => {
                json::records(&file.name, text, |line, record| made.take(index, line + before, record))?
            }
            Some(b'[') => {
                // An answer of the API as it was saved: its objects have numbers, not lines.
                let records = json::list(&file.name, text).ok_or(ReadError::NotEdFi(file.name))?;
                for (number, record) in (1..).zip(records) {
                    made.take(index, number, record)?;
                }
            }
            Some(_) => return Err(ReadError::NotEdFi(file.name)),
        }
        debug_assert!(skipped >= before);
    }
    let Made { mut reading, claims, .. } = made;
    settle(claims, &mut reading);
    Ok(reading)
}

struct Made {
    reading: Reading,
    keys: Keys,
    claims: Vec<Claim>,
    today: Date,
}

impl Made {
    fn take(&mut self, file: usize, line: u64, record: Record) -> Result<(), ReadError> {
        let place = Place { file, line };
        let Some(node) = self.reading.node(place, record)? else { return Ok(()) };
        let student = node.text(&["StudentUniqueId"]).unwrap_or_default().to_owned();
        match said(&node, self.today) {
            Err(fault) => self.reading.refuse(place, Some(&student), fault),
            Ok(records::Said::Unused(why)) => self.reading.say(place, Said::Unused(why)),
            Ok(records::Said::School(id, school)) => {
                let said = self.earlier(&node, &id, place);
                self.reading.schools.entry(id.clone()).or_insert(school);
                self.reading.say(place, said.unwrap_or(Said::School(id)));
            }
            Ok(records::Said::Student(key, row)) => match self.earlier(&node, &key, place) {
                Some(Said::Refused(fault)) => self.reading.refuse(place, Some(&student), fault),
                Some(said) => self.reading.say(place, said),
                None => self.reading.say(place, Said::Student(Box::new(row))),
            },
            Ok(records::Said::Enrolled(key, made)) => match self.earlier(&node, &key, place) {
                Some(Said::Refused(fault)) => self.reading.refuse(place, Some(&student), fault),
                Some(said) => self.reading.say(place, said),
                None => {
                    let records::Enrolled { row, school, ended, primary, since } = made;
                    self.claims.push(Claim { place, row, school, ended, primary, since });
                }
            },
        }
        Ok(())
    }

    fn earlier(&mut self, node: &Node, key: &str, place: Place) -> Option<Said> {
        let content = node.to_string();
        let key = format!("{}\u{1f}{key}", node.name);
        self.keys.earlier(&key, &[&content], place, &self.reading.files)
    }
}

/// What a record says, or what is said of one that is no more or has another key.
fn said(node: &Node, today: Date) -> Result<records::Said, Fault> {
    if let Some(name) = node.name.strip_prefix(json::DELETED) {
        return gone::deleted(name, node, today);
    }
    if let Some(name) = node.name.strip_prefix(json::REKEYED) {
        return gone::rekeyed(name, node, today);
    }
    records::read(node, today)
}

/// What is not read, in the words of reports.
const NOT_NEEDED: records::Said = records::Said::Unused(Unused::NotNeeded);
