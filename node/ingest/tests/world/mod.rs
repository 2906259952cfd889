//! A district in memory, and files as tests write them.

#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::convert::Infallible;

use aula_ingest::date::Date;
use aula_ingest::plan::{Compared, Kept, KeptStudent, LedgerSchool, Plan, Schools, Ties, plan};
use aula_ingest::{Format, Input, Mapping, ReadError, Reading, read, report};

/// What a district keeps.
#[derive(Default, Clone, Debug, PartialEq)]
pub struct District {
    pub students: BTreeMap<String, KeptStudent>,
    pub fields: BTreeMap<(String, u16, String), String>,
    pub schools: BTreeMap<String, u32>,
    pub ties: Ties,
}

pub const YEAR: u16 = 2026;

impl Kept for District {
    type Error = Infallible;

    fn year(&self) -> u16 {
        YEAR
    }

    fn student(&self, id: &str) -> Result<Option<KeptStudent>, Infallible> {
        Ok(self.students.get(id).cloned())
    }

    fn is_known(&self, id: &str) -> Result<bool, Infallible> {
        Ok(self.students.contains_key(id))
    }

    fn compare(&self, id: &str, year: u16, field: &str, json: &str) -> Result<Compared, Infallible> {
        Ok(match self.fields.get(&(id.to_owned(), year, field.to_owned())) {
            None => Compared::Absent,
            Some(kept) if kept == json => Compared::Same,
            Some(_) => Compared::Other,
        })
    }

    fn ties(&self) -> Result<Ties, Infallible> {
        Ok(self.ties.clone())
    }

    fn enrolled(&self) -> Result<Vec<String>, Infallible> {
        Ok(self.students.iter().filter(|(_, student)| student.enrolled).map(|(id, _)| id.clone()).collect())
    }
}

/// Schools 1 and 2 by number, 3 by its name.
fn ledger() -> Vec<LedgerSchool> {
    let school = |number, name: &str| LedgerSchool { number, name: name.to_owned() };
    vec![school(1, ""), school(2, ""), school(3, "North High")]
}

impl District {
    pub fn plan(&self, reading: &Reading, confirmed: bool) -> Plan {
        let schools = Schools::new(BTreeMap::new(), self.schools.clone(), ledger());
        plan(reading, &schools, self, confirmed, |_| {}).unwrap_or_else(|never| match never {})
    }

    /// Takes what a plan writes.
    pub fn take(&mut self, plan: &Plan) {
        for ((id, year), change) in &plan.changes {
            if let Some(roster) = &change.roster {
                self.students.insert(id.clone(), roster.clone());
            }
            for (reader, ties) in &change.ties {
                let pair = (id.clone(), reader.clone());
                match ties.is_empty() {
                    true => self.ties.remove(&pair),
                    false => self.ties.insert(pair, ties.clone()),
                };
            }
            for (field, json) in &change.fields {
                let key = (id.clone(), *year, field.clone());
                match json {
                    Some(json) => self.fields.insert(key, json.clone()),
                    None => self.fields.remove(&key),
                };
            }
        }
        self.schools.extend(plan.new_schools.clone());
    }

    /// Reads, plans and takes one import.
    pub fn import(&mut self, reading: &Reading) -> Plan {
        let plan = self.plan(reading, false);
        self.take(&plan);
        plan
    }

    pub fn field(&self, id: &str, field: &str) -> Option<&str> {
        self.fields.get(&(id.to_owned(), YEAR, field.to_owned())).map(String::as_str)
    }

    pub fn is_enrolled(&self, id: &str) -> bool {
        self.students.get(id).is_some_and(|student| student.enrolled)
    }
}

pub fn today() -> Date {
    Date::new(2026, 11, 29).expect("a day")
}

pub fn files(files: &[(&str, &str)]) -> Vec<Input> {
    files
        .iter()
        .map(|(name, text)| Input { name: (*name).to_owned(), bytes: text.as_bytes().to_vec() })
        .collect()
}

pub fn try_read(given: &[(&str, &str)], mapping: Option<&str>) -> Result<(Format, Reading), ReadError> {
    let mapping = mapping.map(|text| Mapping::parse(text).expect("a mapping"));
    read(files(given), None, mapping.as_ref(), today())
}

pub fn reading(given: &[(&str, &str)], mapping: Option<&str>) -> Reading {
    try_read(given, mapping).expect("readable files").1
}

/// A plain roster.
pub fn roster(rows: &str) -> Reading {
    reading(&[("roster.csv", &format!("local_id,school,grade\n{rows}"))], None)
}

/// `line rule` of each row, as the report of all rows tells it.
pub fn told(reading: &Reading, plan: &Plan) -> Vec<String> {
    let text = report::all(reading, plan);
    let mut table = csv::Reader::from_reader(text.as_bytes());
    let rows = table.records().map(|row| row.expect("a row of the report"));
    rows.map(|row| format!("{} {}", &row[1], &row[3])).collect()
}

/// A zip of files.
pub fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
        zip.write_all(bytes).expect("in memory");
    }
    zip.finish().expect("in memory").into_inner()
}
