//! Results and marks of an import as events of the student's twin.
//!
//! | field | event |
//! |---|---|
//! | `assessment:…` whose measure (else instrument) a [`Subject`] names, with a score on a scale of the parameters for the student's grade | `Assessment` |
//! | `attendance:…` by its category: present, late or tardy, excused, unexcused or absent | `Attendance` |
//!
//! Everything else stays a record alone: a percentile, a result without a grade or a day, and, where the parameters are known, a
//! score without a scale or more than eight deviations from its scale's mean, which is another scale's. An event's key follows from
//! the student's field, so that the same result is the same event; another value of it is a correction of the first, and a value
//! that is taken away is one too. Invariant: an import's events are written with it, in its one batch, and undone with it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use aula_ingest::date;
use aula_ingest::plan::{Change, Plan, may_be_an_event};
use aula_ledger::names::FieldName;
use aula_ledger::types::Handle;
use aula_twin_runtime::clock::{Skew, Stamp};
use aula_twin_runtime::event::{Attendance, Event, EventBody, EventKey, SkillId, SourceId};
use aula_twin_runtime::params::Params;
use aula_vault::Vault;
use aula_vault::roster::Comparing;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::ImportError;

/// The source of all imports' events: no device and no feed has this number.
pub const IMPORTS: SourceId = SourceId(u64::from_be_bytes(*b"imports\0"));
/// Grades that are looked for in the vault.
const GRADES: std::ops::RangeInclusive<u8> = 0..=13;
/// How many deviations from a scale's mean a score of that scale may be.
const FURTHEST: i64 = 8;
/// Scores by their names, the most telling first.
const SCALED: [&str; 5] = ["scaled", "scale score", "standard", "rit", "score"];

/// Which results are of which skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// A word of the measure, else of the instrument, in lower case: `read` is one of `Reading comprehension`.
    pub word: String,
    /// The skill of the voted parameters that its results are of.
    pub skill: SkillId,
}

/// What becomes an event.
#[derive(Debug, Clone)]
pub struct EventRules<'a> {
    params: Option<&'a Params>,
    subjects: Vec<Subject>,
}

/// What an import knows of a student beside the field.
#[derive(Debug, Clone, Copy)]
pub struct Told {
    /// The calendar year in which the import's school year starts.
    pub year: u16,
    /// The student's grade in that year, where the roster says it.
    pub grade: Option<u8>,
    /// When the import was made, milliseconds since 1970.
    pub at_ms: u64,
}

impl<'a> EventRules<'a> {
    /// Results of these subjects, and marks; held against the parameters' scales where they are known already.
    pub fn new(params: Option<&'a Params>, subjects: Vec<Subject>) -> Self {
        let lower = |subject: Subject| Subject { word: subject.word.to_lowercase(), ..subject };
        Self { params, subjects: subjects.into_iter().map(lower).collect() }
    }

    /// Whether something of a change may be an event.
    pub fn concern(&self, change: &Change) -> bool {
        change.fields.keys().any(|field| may_be_an_event(field))
    }

    /// The events of a change, each with its field; `known` are the keys of the student's events.
    pub fn events<'b>(&self, change: &'b Change, told: &Told, known: &[Vec<u8>]) -> Vec<(&'b str, Event)> {
        let events = change.fields.iter().filter_map(|(field, json)| {
            self.event(field, json.as_deref(), told, known).map(|event| (field.as_str(), event))
        });
        events.collect()
    }

    fn event(&self, field: &str, json: Option<&str>, told: &Told, known: &[Vec<u8>]) -> Option<Event> {
        let sequence = number(field, told.year, 0);
        let made = json
            .and_then(|json| serde_json::from_str(json).ok())
            .and_then(|value| self.body(field, &value, told));
        let (day_ms, body) = match (made, first(known, sequence)) {
            (None, None) => return None,
            (Some((day_ms, body)), None) => (day_ms, body),
            // It stands already: what differs corrects it, at a place behind it that no other correction has.
            (made, Some(target)) => {
                let at_ms = told.at_ms.max(target.stamp.wall_ms().saturating_add(1));
                let replacement = made.map(|(_, body)| Box::new(body));
                let body = EventBody::Correction { target, replacement };
                return event(at_ms, number(field, told.year, told.at_ms.max(1)), body);
            }
        };
        event(day_ms, sequence, body)
    }

    /// What a field's value is, with its day.
    fn body(&self, field: &str, value: &Value, told: &Told) -> Option<(u64, EventBody)> {
        let day = value.get("date").and_then(Value::as_str).and_then(|text| date::parse(text, None).ok())?;
        let body = match field.split(':').next()? {
            "assessment" => self.assessment(value, told)?,
            "attendance" => EventBody::Attendance(mark(value.get("category")?.as_str()?)?),
            _ => return None,
        };
        Some((day.midnight_ms(), body))
    }

    fn assessment(&self, value: &Value, told: &Told) -> Option<EventBody> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let (measure, instrument) = (text("measure"), text("instrument"));
        let named = |text: &str| self.subjects.iter().find(|subject| text.contains(&subject.word));
        let skill = named(&measure).or_else(|| named(&instrument))?.skill;
        let own = value.get("grade").and_then(Value::as_u64).and_then(|grade| u8::try_from(grade).ok());
        let grade = own.or(told.grade)?;
        let score_e1 = scaled(value)?;
        let on_scale = match self.params {
            None => true,
            Some(params) => {
                let scale = params.scale(skill, grade)?;
                let distance = i64::from(score_e1) - i64::from(scale.mean_e1);
                distance.abs() <= FURTHEST * i64::from(scale.deviation_e1)
            }
        };
        on_scale.then_some(EventBody::Assessment { skill, grade, year: told.year, score_e1 })
    }
}

/// The scaled score of a result, in tenths; none of a result that has percentiles and counts alone.
fn scaled(value: &Value) -> Option<u32> {
    let scores = value.get("scores")?.as_object()?;
    let usable = |score: &&Value| {
        let unit = score.get("unit").and_then(Value::as_str).unwrap_or_default();
        !matches!(unit, "percentile" | "items" | "percent")
    };
    let by_name = SCALED.iter().find_map(|wanted| {
        scores
            .iter()
            .find(|(name, _)| name.to_lowercase().contains(wanted))
            .map(|(_, score)| score)
            .filter(usable)
    });
    let only = || scores.values().next().filter(|_| scores.len() == 1).filter(usable);
    let score = by_name.or_else(only)?.get("value")?;
    let text = score.as_str().map_or_else(|| score.to_string(), str::to_owned);
    aula_ingest::decimal::Decimal::parse(&text, '.')?.tenths()
}

/// A mark by the words that attendance systems use; none of others.
fn mark(category: &str) -> Option<Attendance> {
    let category = category.to_lowercase();
    let has = |word: &str| category.contains(word);
    if has("unexcused") || category == "absent" || category == "absence" {
        Some(Attendance::Absent)
    } else if has("excused") {
        Some(Attendance::Excused)
    } else if has("tardy") || has("late") {
        Some(Attendance::Late)
    } else if has("present") || has("in attendance") {
        Some(Attendance::Present)
    } else {
        None
    }
}

fn event(wall_ms: u64, sequence: u64, body: EventBody) -> Option<Event> {
    let key = EventKey { stamp: Stamp::new(wall_ms, 0).ok()?, source: IMPORTS, sequence };
    let event = Event { key, skew: Skew::Within, body };
    event.check().ok().map(|()| event)
}

/// A field's number among the events of imports, from 1: the same field has the same one.
fn number(field: &str, year: u16, correction: u64) -> u64 {
    let digest = Sha256::new()
        .chain_update(year.to_be_bytes())
        .chain_update(correction.to_be_bytes())
        .chain_update(field.as_bytes())
        .finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first).max(1)
}

/// The key of the event with this number, where there is one.
fn first(known: &[Vec<u8>], sequence: u64) -> Option<EventKey> {
    let suffix = [IMPORTS.0.to_be_bytes(), sequence.to_be_bytes()].concat();
    let place = known.iter().find(|place| place.ends_with(&suffix))?;
    let (wall, rest) = place.split_first_chunk::<8>()?;
    let (counter, rest) = rest.split_at_checked(rest.len().checked_sub(suffix.len())?)?;
    if rest.len() != suffix.len() {
        return None;
    }
    let counter = counter.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let stamp = Stamp::new(u64::from_be_bytes(*wall), counter.try_into().ok()?).ok()?;
    Some(EventKey { stamp, source: IMPORTS, sequence })
}

/// Students' grades: those of the import, else those that the vault says are theirs.
pub(super) struct Grades<'a> {
    said: BTreeMap<(&'a str, u16), u8>,
    comparing: Comparing<'a>,
    last: RefCell<Option<(Handle, Option<u8>)>>,
}

impl<'a> Grades<'a> {
    pub(super) fn new(vault: &'a Vault, plan: &'a Plan) -> Self {
        let grade = |((student, year), change): (&'a (String, u16), &Change)| {
            let json = change.fields.get("grade")?.as_deref()?;
            Some(((student.as_str(), *year), json.parse().ok()?))
        };
        let said = plan.changes.iter().filter_map(grade).collect();
        Self { said, comparing: vault.comparing(), last: RefCell::new(None) }
    }

    pub(super) fn of(&self, student: &str, year: u16, handle: &Handle) -> Result<Option<u8>, ImportError> {
        if let Some(grade) = self.said.get(&(student, year)) {
            return Ok(Some(*grade));
        }
        if let Some((_, grade)) = self.last.borrow().as_ref().filter(|(last, _)| last == handle) {
            return Ok(*grade);
        }
        let field = FieldName::new("grade").map_err(|_| ImportError::Name)?;
        let mut found = None;
        for grade in GRADES {
            match self.comparing.is_same(handle, &field, grade.to_string().as_bytes())? {
                Some(true) => found = Some(grade),
                Some(false) => continue,
                None => {}
            }
            break;
        }
        *self.last.borrow_mut() = Some((*handle, found));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event_place::place;
    use aula_twin_runtime::params::ScoreScale;

    const TOLD: Told = Told { year: 2026, grade: Some(2), at_ms: 1_795_000_000_000 };

    fn change(field: &str, value: Option<&str>) -> Change {
        Change { fields: BTreeMap::from([(field.to_owned(), value.map(str::to_owned))]), ..Change::default() }
    }

    const READING: SkillId = SkillId(0);

    fn events(field: &str, value: Option<&str>, known: &[Vec<u8>]) -> Vec<Event> {
        let mut params = Params::reference(aula_twin_runtime::model::Model::unfitted());
        params.scales = vec![ScoreScale { skill: READING, grade: 2, mean_e1: 5_839, deviation_e1: 460 }];
        let subjects = vec![Subject { word: "Reading".into(), skill: READING }];
        let rules = EventRules::new(Some(&params), subjects);
        rules.events(&change(field, value), &TOLD, known).into_iter().map(|(_, event)| event).collect()
    }

    fn result(score: &str) -> String {
        format!(
            r#"{{"instrument":"oneroster","measure":"Stanford reading","date":"2026-10-02","scores":{{"score":{{"value":{score}}}}}}}"#
        )
    }

    #[test]
    fn a_result_on_a_scale_is_an_assessment_and_another_value_of_it_corrects_it() {
        let first = events("assessment:oneroster:r1", Some(&result("591.5")), &[]);
        let [event] = first.as_slice() else { panic!("{first:?}") };
        let body = EventBody::Assessment { skill: READING, grade: 2, year: 2026, score_e1: 5_915 };
        assert_eq!(event.body, body);
        let known = [vec![0; 28], place(&event.key).to_vec()];
        for (value, replaced) in [(Some(result("600")), true), (None, false)] {
            let next = events("assessment:oneroster:r1", value.as_deref(), &known);
            let [Event { key, body: EventBody::Correction { target, replacement }, .. }] = next.as_slice()
            else {
                panic!("{next:?}")
            };
            assert!(*target == event.key && *key > event.key && replacement.is_some() == replaced);
        }
        assert_eq!(events("assessment:oneroster:r2", None, &known), [], "nothing to take away");
    }

    #[test]
    fn what_is_no_score_of_a_scale_stays_a_record() {
        for value in [
            result("50"),
            result("-3"),
            result("591").replace("Stanford reading", "Stanford art"),
            result("591").replace("2026-10-02", "soon"),
            r#"{"measure":"reading","date":"2026-10-02","scores":{"nation":{"value":55,"unit":"percentile"}}}"#.into(),
            r#"{"measure":"reading","date":"2026-10-02","levels":{"tier":"low"}}"#.into(),
            "7".into(),
        ] {
            assert_eq!(events("assessment:x", Some(&value), &[]), [], "{value}");
        }
        assert_eq!(events("program:x", Some(&result("591")), &[]), []);
    }

    #[test]
    fn marks_are_read_by_the_words_of_registers() {
        for (word, wanted) in [
            ("In Attendance", Some(Attendance::Present)),
            ("Tardy", Some(Attendance::Late)),
            ("Excused Absence", Some(Attendance::Excused)),
            ("Unexcused Absence", Some(Attendance::Absent)),
            ("Early departure", None),
        ] {
            let value = format!(r#"{{"date":"2026-10-02","category":"{word}","school":"1"}}"#);
            let told = events("attendance:2026-10-02", Some(&value), &[]);
            let marks: Vec<_> = told.iter().map(|event| event.body.clone()).collect();
            assert_eq!(marks, wanted.map(EventBody::Attendance).into_iter().collect::<Vec<_>>(), "{word}");
        }
    }
}
