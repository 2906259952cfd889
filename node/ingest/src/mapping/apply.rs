//! A mapping at work: each row of a table becomes what it says of a student.

use std::collections::BTreeMap;

use csv::StringRecord;
use serde_json::{Map, Value, json};

use super::bind::{Bound, Header, Words};
use super::source::Source;
use super::spec::{FieldSpec, KeyPart, Mapping, ResultSpec};
use crate::decode::decode;
use crate::error::{MappingError, ReadError};
use crate::field::field_name;
use crate::grade::Grade;
use crate::limits::MAX_COMBINATIONS;
use crate::reading::{
    Enrolment, Fault, Keys, Place, Reading, Rule, Said, Set, StudentRow, Unknown, Unused, is_local_id,
};
use crate::table::{Cells, Layout, Table};
use crate::unpack::Input;

/// Reads tables by a mapping.
///
/// # Errors
/// A file that is not a table, or does not have the mapping's columns.
pub fn read(files: Vec<Input>, mapping: &Mapping) -> Result<Reading, ReadError> {
    let mut reading = Reading { coverage: mapping.coverage(), ..Reading::default() };
    let mut keys = Keys::default();
    let layout = layout(mapping)?;
    for file in files {
        let index = reading.file(&file.name);
        let decoded = decode(file.bytes, mapping.file.encoding.as_deref())?;
        let wrong = |why| ReadError::Table { file: file.name.clone(), why };
        let mut table = Table::open(decoded.text, &layout).map_err(wrong)?;
        let bound = BoundMapping::new(mapping, &file.name, table.header())?;
        while let Some(cells) = table.next_row() {
            reading.room()?;
            let place = Place { file: index, line: cells.line };
            if cells.fault.is_none() && cells.cells.iter().all(|cell| cell.trim().is_empty()) {
                reading.say(place, Said::Unused(Unused::EmptyRow));
                continue;
            }
            let mut student = String::new();
            match bound.row(&cells, &mut student) {
                Err(fault) => reading.refuse(place, Some(&student), fault),
                Ok(said) => match repeated(&said, &mut keys, place, &reading.files) {
                    Some(Said::Refused(fault)) => reading.refuse(place, Some(&student), fault),
                    Some(other) => reading.say(place, other),
                    None => reading.say(place, said),
                },
            }
        }
    }
    Ok(reading)
}

fn layout(mapping: &Mapping) -> Result<Layout, MappingError> {
    let rule = |what: &str| MappingError::Rule(what.to_owned());
    let separator = match mapping.file.separator.as_deref() {
        None => None,
        Some("tab") => Some(b'\t'),
        Some(text) => match text.as_bytes() {
            [one] if one.is_ascii() && !matches!(one, b'"' | b'\n' | b'\r') => Some(*one),
            _ => return Err(rule("the separator is one ASCII character, or \"tab\"")),
        },
    };
    let fixed: Vec<_> = mapping.file.fixed.iter().map(|one| (one.name.clone(), one.at, one.length)).collect();
    if fixed.iter().any(|(_, at, length)| *at == 0 || *length == 0) {
        return Err(rule("a fixed column begins at 1 or later and has a character at least"));
    }
    Ok(Layout { separator, skip_lines: mapping.file.skip_lines, header: mapping.file.header.clone(), fixed })
}

/// What is said of a row whose student and fields stand in an earlier one.
fn repeated(said: &Said, keys: &mut Keys, place: Place, files: &[String]) -> Option<Said> {
    let Said::Student(row) = said else { return None };
    let mut parts = Vec::with_capacity(row.sets.len() + 1);
    let key = |name: &str, year: Option<u16>| {
        format!("{}\u{1f}{}\u{1f}{name}", row.student, year.unwrap_or_default())
    };
    let enrolment = row.enrolment.as_ref().map(|enrolment| match enrolment {
        Enrolment::At(school) => format!("at {school}"),
        Enrolment::LeftSchool(school) => format!("left {school}"),
        Enrolment::Left => "left".to_owned(),
    });
    if let Some(enrolment) = &enrolment {
        parts.push((key("", None), enrolment.as_str()));
    }
    parts.extend(
        row.sets.iter().map(|set| (key(&set.field, set.year), set.json.as_deref().unwrap_or_default())),
    );
    keys.all_earlier(&parts, place, files)
}

/// Fields that a `[[field]]` may not set: the program's own, and those of the roster.
const TAKEN: [&str; 5] = ["state", "events", "enrolment", "home_school", "local:school"];

struct BoundMapping {
    id: Bound,
    roster: Option<(Bound, Option<Bound>, Vec<Bound>)>,
    only: Vec<Bound>,
    fields: Vec<(String, Bound)>,
    results: Vec<BoundResult>,
}

impl BoundMapping {
    fn new(mapping: &Mapping, file: &str, names: &[String]) -> Result<Self, MappingError> {
        let header = Header::new(file, &mapping.file, names);
        let none = Words::new();
        let bind = |source: &Source| Bound::new(source, &header, &none);
        let conditions = |sources: &[Source]| -> Result<Vec<Bound>, MappingError> {
            sources.iter().map(|source| bind(source)?.condition()).collect()
        };
        let roster = match mapping.roster() {
            None => None,
            Some(roster) => Some((
                bind(&roster.school)?,
                roster.grade.as_ref().map(bind).transpose()?,
                conditions(&roster.left)?,
            )),
        };
        let field = |spec: &FieldSpec| {
            let taken =
                TAKEN.contains(&spec.name.as_str()) || (spec.name == "grade" && mapping.roster().is_some());
            if taken {
                let name = &spec.name;
                Err(MappingError::Rule(format!(
                    "the field {name} is the roster's or the program's own: give it another name"
                )))
            } else if is_field_name(&spec.name) {
                Ok((spec.name.clone(), bind(&spec.value)?))
            } else {
                let name = &spec.name;
                Err(MappingError::Rule(format!(
                    "{name:?} is not a field: 1 to 64 letters, digits and _-:./, as local:bus"
                )))
            }
        };
        let mut results = Vec::new();
        for spec in &mapping.results {
            BoundResult::all(spec, &header, &mut results)?;
        }
        Ok(Self {
            id: bind(&mapping.student().id)?,
            roster,
            only: conditions(&mapping.only)?,
            fields: mapping.fields.iter().map(field).collect::<Result<_, _>>()?,
            results,
        })
    }

    fn row(&self, cells: &Cells, student: &mut String) -> Result<Said, Fault> {
        let row = &cells.cells;
        let id = self.id.text(row);
        // Whose a broken row is, as far as it can be read.
        if let Ok(id) = id.as_ref() {
            student.clone_from(id);
        }
        if let Some(fault) = &cells.fault {
            // Totals below a table have other cells than its header; a condition that names their word says what they are. Any other
            // condition may fail because the row is cut, and leaves nothing out.
            let is_said = fault.rule == Rule::Columns && self.only.iter().any(|one| one.excludes(row));
            return if is_said { Ok(Said::Unused(Unused::LeftOut)) } else { Err(fault.clone()) };
        }
        if !all(&self.only, row)? {
            return Ok(Said::Unused(Unused::LeftOut));
        }
        let id = self.id.needed(row)?;
        if !is_local_id(&id) {
            return Err(Fault::new(self.id.told.clone(), Rule::LocalId, &id));
        }
        let (mut sets, mut enrolment, mut unknown) = (Vec::new(), None, Unknown::Refuse);
        if let Some((school, grade, left)) = &self.roster {
            let has_left =
                left.iter().map(|one| one.holds(row)).collect::<Result<Vec<_>, _>>()?.contains(&true);
            unknown = if has_left { Unknown::Skip } else { Unknown::Enter };
            enrolment = Some(if has_left { Enrolment::Left } else { Enrolment::At(school.needed(row)?) });
            if let (Some(grade), false) = (grade, has_left) {
                let text = grade.needed(row)?;
                let read =
                    Grade::parse(&text).ok_or_else(|| Fault::new(grade.told.clone(), Rule::Grade, &text))?;
                sets.push(Set::new("grade", read.json()));
            }
        }
        for (name, value) in &self.fields {
            if let Some(value) = value.value(row)? {
                sets.push(Set::new(name.clone(), value));
            }
        }
        for result in &self.results {
            sets.extend(result.read(row)?);
        }
        if sets.is_empty() && enrolment.is_none() {
            return Ok(Said::Unused(Unused::NoResult));
        }
        Ok(Said::Student(Box::new(StudentRow { student: id, enrolment, unknown, modified_ms: None, sets })))
    }
}

fn is_field_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:./".contains(&b))
}

fn all(conditions: &[Bound], row: &StringRecord) -> Result<bool, Fault> {
    for condition in conditions {
        if !condition.holds(row)? {
            return Ok(false);
        }
    }
    Ok(true)
}

struct BoundResult {
    only: Vec<Bound>,
    instrument: Bound,
    measure: Option<Bound>,
    window: Option<Bound>,
    date: Option<Bound>,
    school_year: Option<Bound>,
    grade: Option<Bound>,
    scores: Vec<(String, Bound)>,
    levels: Vec<(String, Bound)>,
    key: Option<Vec<KeyPart>>,
}

impl BoundResult {
    /// One for each combination of words.
    fn all(spec: &ResultSpec, header: &Header<'_>, into: &mut Vec<Self>) -> Result<(), MappingError> {
        let mut combinations = vec![Words::new()];
        for (name, words) in &spec.each {
            if combinations.len().saturating_mul(words.len()) > MAX_COMBINATIONS {
                return Err(MappingError::Rule(format!(
                    "each has more than {MAX_COMBINATIONS} combinations"
                )));
            }
            combinations = combinations
                .iter()
                .flat_map(|known| {
                    words.iter().map(move |word| {
                        let mut next = known.clone();
                        next.insert(name.as_str(), word.as_str());
                        next
                    })
                })
                .collect();
        }
        for words in combinations {
            match Self::new(spec, header, &words) {
                Ok(result) => into.push(result),
                Err(MappingError::Column { .. }) if spec.optional => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn new(spec: &ResultSpec, header: &Header<'_>, words: &Words<'_>) -> Result<Self, MappingError> {
        let bind = |source: &Source| Bound::new(source, header, words);
        let maybe = |source: &Option<Source>| source.as_ref().map(bind).transpose();
        let named = |sources: &BTreeMap<String, Source>| -> Result<Vec<(String, Bound)>, MappingError> {
            sources.iter().map(|(name, source)| Ok((name.clone(), bind(source)?))).collect()
        };
        if spec.scores.is_empty() && spec.levels.is_empty() {
            return Err(MappingError::Rule("a [[result]] has scores or levels".into()));
        }
        Ok(Self {
            only: spec.only.iter().map(|source| bind(source)?.condition()).collect::<Result<_, _>>()?,
            instrument: bind(&spec.instrument)?,
            measure: maybe(&spec.measure)?,
            window: maybe(&spec.window)?,
            date: maybe(&spec.date)?,
            school_year: maybe(&spec.school_year)?,
            grade: maybe(&spec.grade)?,
            scores: named(&spec.scores)?,
            levels: named(&spec.levels)?,
            key: spec.key.clone(),
        })
    }

    /// The result of a row; none when no score and no level is in it.
    fn read(&self, row: &StringRecord) -> Result<Option<Set>, Fault> {
        if !all(&self.only, row)? {
            return Ok(None);
        }
        let (scores, levels) = (self.scores(row)?, self.levels(row)?);
        if scores.is_empty() && levels.is_empty() {
            return Ok(None);
        }
        let text =
            |source: &Option<Bound>| source.as_ref().map_or(Ok(String::new()), |source| source.text(row));
        let day = self.date.as_ref().map_or(Ok(None), |date| date.day(row))?;
        let year = match (&self.school_year, day) {
            (Some(source), _) => Some(school_year(source, row)?),
            (None, day) => day.map(crate::date::Date::school_year),
        };
        let own = Told {
            instrument: self.instrument.needed(row)?,
            measure: text(&self.measure)?,
            window: text(&self.window)?,
            day: day.map(|day| day.to_string()).unwrap_or_default(),
            year,
            grade: self.grade(row)?,
        };
        let mut value = own.json();
        for (name, map) in [("scores", scores), ("levels", levels)] {
            if !map.is_empty() {
                value[name] = Value::Object(map);
            }
        }
        Ok(Some(Set::new(own.field(self.key.as_deref()), value).in_year(year)))
    }

    fn scores(&self, row: &StringRecord) -> Result<Map<String, Value>, Fault> {
        let mut scores = Map::new();
        for (name, source) in &self.scores {
            if let Some(number) = source.number(row)? {
                let mut score = json!({ "value": number.json() });
                if let Some(unit) = source.unit() {
                    score["unit"] = json!(unit);
                }
                scores.insert(name.clone(), score);
            }
        }
        Ok(scores)
    }

    fn levels(&self, row: &StringRecord) -> Result<Map<String, Value>, Fault> {
        let mut levels = Map::new();
        for (name, source) in &self.levels {
            let text = source.text(row)?;
            if !text.is_empty() {
                levels.insert(name.clone(), text.into());
            }
        }
        Ok(levels)
    }

    fn grade(&self, row: &StringRecord) -> Result<Option<Grade>, Fault> {
        let Some(source) = &self.grade else { return Ok(None) };
        match source.text(row)?.as_str() {
            "" => Ok(None),
            text => {
                Grade::parse(text).map(Some).ok_or_else(|| Fault::new(source.told.clone(), Rule::Grade, text))
            }
        }
    }
}

/// What a result says of itself.
struct Told {
    instrument: String,
    measure: String,
    window: String,
    day: String,
    year: Option<u16>,
    grade: Option<Grade>,
}

impl Told {
    fn json(&self) -> Value {
        let mut value = json!({ "instrument": self.instrument });
        for (name, text) in [("measure", &self.measure), ("window", &self.window), ("date", &self.day)] {
            if !text.is_empty() {
                value[name] = json!(text);
            }
        }
        if let Some(grade) = self.grade {
            value["grade"] = grade.json();
        }
        value
    }

    /// The field's name: instrument, measure, and what tells two of them apart.
    fn field(&self, key: Option<&[KeyPart]>) -> String {
        let usual = [if self.window.is_empty() { KeyPart::Date } else { KeyPart::Window }];
        let parts = key.unwrap_or(&usual).iter().map(|part| match part {
            KeyPart::Window => self.window.clone(),
            KeyPart::Date => self.day.clone(),
            KeyPart::SchoolYear => self.year.map(|year| year.to_string()).unwrap_or_default(),
            KeyPart::Grade => self.grade.map(|grade| grade.json().to_string()).unwrap_or_default(),
        });
        let all: Vec<String> =
            [self.instrument.clone(), self.measure.clone()].into_iter().chain(parts).collect();
        let filled: Vec<&str> = all.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        field_name("assessment", &filled)
    }
}

/// A school year by its first calendar year: `2023`, or the first four digits of `2023-2024`.
fn school_year(source: &Bound, row: &StringRecord) -> Result<u16, Fault> {
    let text = source.needed(row)?;
    let year = text.get(..4).and_then(|digits| digits.parse::<u16>().ok());
    year.filter(|year| (1900..=2100).contains(year))
        .ok_or_else(|| Fault::new(source.told.clone(), Rule::Date, &text))
}
