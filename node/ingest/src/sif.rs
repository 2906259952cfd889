//! SIF NA 3.x, xPress Roster, as files: XML, or JSON in the notation that SIF's infrastructure uses. Read only.
//!
//! Read are `xSchool`, `xStudent`, `xStaff` and `xRoster`; other objects are told as not needed. Of a student the local identifier, the
//! name, the grade and the schools are read; demographics, addresses and contacts never are. A class is a section by its `xRoster`'s
//! `refId`. Invariants: as for Ed-Fi's files: no document type, no entity but XML's own, one object at a time told of. Absent: SIF's
//! infrastructure (queues, zones), which is another protocol.

use std::collections::BTreeMap;

use crate::date::Date;
use crate::decode::decode;
use crate::error::ReadError;
use crate::reading::{Coverage, Keys, Place, Reading, Said};
use crate::tree::{Attributes, Node, Record, declared_encoding};
use crate::unpack::Input;

mod json;
mod objects;

/// Collections, and what lies in each.
const COLLECTIONS: [(&str, &str); 7] = [
    ("xLeas", "xLea"),
    ("xSchools", "xSchool"),
    ("xStudents", "xStudent"),
    ("xStaffs", "xStaff"),
    ("xRosters", "xRoster"),
    ("xCourses", "xCourse"),
    ("xContacts", "xContact"),
];

/// Whether a file looks like one.
pub(crate) fn is_one(file: &Input) -> bool {
    // Without zeros a head of UTF-16 reads as well.
    let head: Vec<u8> = file.bytes.iter().take(4_096).filter(|byte| **byte != 0).copied().collect();
    let head = String::from_utf8_lossy(&head);
    let head = head.trim_start_matches(['\u{feff}', '\u{fffd}']).trim_start();
    let named = |name: &str| match head.bytes().next() {
        Some(b'<') => root(head).is_some_and(|(_, own)| own == name),
        Some(b'{') => head.get(1..).is_some_and(|rest| rest.trim_start().starts_with(&format!("\"{name}\""))),
        _ => false,
    };
    COLLECTIONS.iter().any(|(many, one)| named(many) || named(one))
}

/// Where the outermost element begins, and its local name.
fn root(text: &str) -> Option<(usize, &str)> {
    let at = text
        .char_indices()
        .zip(text.chars().skip(1))
        .find_map(|((at, c), next)| (c == '<' && next.is_alphabetic()).then_some(at))?;
    let name = text.get(at + 1..)?.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
    Some((at, name.rsplit(':').next().unwrap_or(name)))
}

/// Reads collections of objects; `today` says which enrolments are past.
///
/// # Errors
/// A file that is not valid.
pub fn read(files: Vec<Input>, today: Date) -> Result<Reading, ReadError> {
    let mut made = Made {
        reading: Reading::default(),
        keys: Keys::default(),
        students: BTreeMap::new(),
        staff: BTreeMap::new(),
        rosters: Vec::new(),
        today,
    };
    for file in files {
        let index = made.reading.file(&file.name);
        let declared = declared_encoding(&file.bytes);
        let decoded = decode(file.bytes, declared.as_deref())?;
        let text = decoded.text.trim_start();
        let before =
            decoded.text.bytes().take(decoded.text.len() - text.len()).filter(|b| *b == b'\n').count() as u64;
        match text.bytes().next() {
            None => {}
            Some(b'<') => {
                let (at, name) = root(text).unwrap_or_default();
                let known = COLLECTIONS.iter().find(|(many, one)| *many == name || *one == name);
                let (_, one) = known.ok_or_else(|| ReadError::NotSif(file.name.clone()))?;
                // One object alone is a collection of one.
                let wrapped =
                    (*one == name).then(|| format!("<one>{}</one>", text.get(at..).unwrap_or_default()));
                let text = wrapped.as_deref().unwrap_or(text);
                crate::tree::records(text, Attributes::Kept, |line, record| {
                    made.take(index, line + before, record)
                })
                .map_err(|what| ReadError::Xml { file: file.name.clone(), what })?;
            }
            Some(_) => {
                let objects = json::objects(text).ok_or(ReadError::NotSif(file.name))?;
                for (number, record) in (1..).zip(objects) {
                    made.take(index, number, record)?;
                }
            }
        }
    }
    made.sections();
    Ok(made.reading)
}

struct Made {
    reading: Reading,
    keys: Keys,
    /// Students' identifiers and the staff's words, by `refId`.
    students: BTreeMap<String, String>,
    staff: BTreeMap<String, String>,
    /// Told when everybody is known.
    rosters: Vec<(Place, Node)>,
    today: Date,
}

impl Made {
    fn take(&mut self, file: usize, line: u64, record: Record) -> Result<(), ReadError> {
        let place = Place { file, line };
        let Some(node) = self.reading.node(place, record)? else { return Ok(()) };
        let (student, said) = match node.name.as_str() {
            "xRoster" => {
                self.rosters.push((place, node));
                return Ok(());
            }
            "xStudent" => {
                let id = objects::local_id(&node).unwrap_or_default().to_owned();
                if let Some(reference) = objects::ref_id(&node) {
                    self.students.insert(reference.to_owned(), id.clone());
                }
                (id, objects::student(&node, self.today))
            }
            "xStaff" => {
                if let (Some(reference), Some(word)) = (objects::ref_id(&node), objects::reader(&node)) {
                    self.staff.insert(reference.to_owned(), word);
                }
                let said = objects::staff(&node);
                if matches!(said, Said::Links { .. }) {
                    self.reading.counselors = Some(Coverage::Delta);
                }
                (String::new(), Ok((objects::key(&node), said)))
            }
            "xSchool" => (String::new(), objects::school(&node, &mut self.reading.schools)),
            _ => (String::new(), Ok((objects::key(&node), Said::Unused(crate::reading::Unused::NotNeeded)))),
        };
        let whose = (!student.is_empty()).then_some(student.as_str());
        match said {
            // A school's or a teacher's object is no student's: what is wrong with it makes nobody's absence doubtful.
            Err(fault) if node.name != "xStudent" => self.reading.say(place, Said::Refused(fault)),
            Err(fault) => self.reading.refuse(place, whose, fault),
            Ok((key, said)) => {
                let (key, content) = (format!("{}\u{1f}{key}", node.name), node.to_string());
                match self.keys.earlier(&key, &[&content], place, &self.reading.files) {
                    Some(Said::Refused(fault)) if node.name == "xStudent" => {
                        self.reading.refuse(place, whose, fault)
                    }
                    Some(earlier) => self.reading.say(place, earlier),
                    None => self.reading.say(place, said),
                }
            }
        }
        Ok(())
    }

    /// Who is in which section, once everybody is known.
    fn sections(&mut self) {
        for (place, node) in std::mem::take(&mut self.rosters) {
            self.reading.sections = Some(Coverage::Delta);
            let said = match objects::roster(&node, &self.students, &self.staff) {
                Err(fault) => Said::Refused(fault),
                Ok(links) => {
                    let (key, content) = (format!("xRoster\u{1f}{}", objects::key(&node)), node.to_string());
                    let earlier = self.keys.earlier(&key, &[&content], place, &self.reading.files);
                    earlier.unwrap_or(Said::Links { links, ended: false })
                }
            };
            self.reading.say(place, said);
        }
    }
}
