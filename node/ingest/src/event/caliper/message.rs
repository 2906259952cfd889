//! The message of an event that was checked.
//!
//! Flow: the first rule that fits by event, action and what the district names → whose it is → the values. Of a grade the
//! student is who made the attempt, of a session that timed out its user, of everything else the actor. Invariants: what
//! somebody answered or posted never leaves this module; an event without the values its rule wants is a refusal.

use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{Correctness, EventBody, ItemId, MAX_MINUTES, ResourceId, SkillId, SkillSet};
use serde_json::Value;

use super::rules::{Becomes, Rule, Rules};
use super::text::moment_ms;
use super::vocabulary;
use crate::date::Date;
use crate::event::rules_file::Test;
use crate::event::xapi::measure::{duration_ms, unlisted};
use crate::event::{Message, Reason, Refusal, What, checked};

const MINUTE_MS: u64 = 60_000;
/// Kinds of a person's identifiers that are the district's own.
const OWN_IDENTIFIERS: [&str; 3] = ["OneRosterSourcedId", "SisSourcedId", "LisSourcedId"];

type Why = (Reason, String);

impl Rules {
    /// The message of an event; none when its rule says that it is no event. `home` is what stands before the district's own
    /// identifier in the IRIs of its students.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn message(&self, event: &Value, home: &str) -> Result<Option<Message>, Refusal> {
        let name = text(event, &["id"]).map(str::to_ascii_lowercase);
        let refused = |reason, detail: String| Refusal::new(name.as_deref(), reason, detail);
        let Some(id) = name.clone() else { return Err(refused(Reason::Refused, "id is missing".into())) };
        let term = text(event, &["type"]).unwrap_or_default();
        let action = vocabulary::action(text(event, &["action"]).unwrap_or_default());
        let read = Read { rules: self, event };
        let Some(rule) = self.first(|rule| rule.is_for(term, action) && read.fits(rule)) else {
            let detail = format!("no rule is for {term} with {action}: write one in the feed's rules");
            return Err(refused(Reason::UnknownKind, detail));
        };
        if rule.becomes == Becomes::Nothing {
            return Ok(None);
        }
        let wall_ms = text(event, &["eventTime"]).and_then(moment_ms);
        let wall_ms =
            wall_ms.ok_or_else(|| refused(Reason::Refused, "eventTime is not a moment since 1970".into()))?;
        let at = Stamp::new(wall_ms, 0).map_err(|error| refused(Reason::Refused, error.to_string()))?;
        let body = read.body(rule, wall_ms).map_err(|(reason, detail)| refused(reason, detail))?;
        let Some(student) = read.student(home) else {
            let detail = "who acts has no identifier of the district: see home_page and the rules' student";
            return Err(refused(Reason::UnknownStudent, detail.into()));
        };
        checked(Message { name: id, at, student: Some(student), what: What::Happened(body) }).map(Some)
    }
}

/// An event with the rules it is read by.
struct Read<'a> {
    rules: &'a Rules,
    event: &'a Value,
}

impl<'a> Read<'a> {
    fn fits(&self, rule: &Rule) -> bool {
        (!rule.tests || self.test().is_some())
            && (!rule.answers || self.thing().is_some_and(|thing| self.rules.answers.contains_key(thing)))
            && (!rule.resources || self.thing().is_some_and(|thing| self.rules.resources.contains_key(thing)))
            && (!rule.timed || self.time_ms().is_some_and(|ms| ms > 0))
    }

    /// What is graded, else the object. An attempt's own identifier may have its student in it.
    fn about(&self) -> Option<&'a Value> {
        let object = self.event.get("object")?;
        if self.is_grade() { object.get("assignable") } else { Some(object) }
    }

    fn is_grade(&self) -> bool {
        matches!(text(self.event, &["type"]), Some("GradeEvent" | "OutcomeEvent"))
    }

    /// Its identifier.
    fn thing(&self) -> Option<&'a str> {
        identifier(self.about()?)
    }

    fn test(&self) -> Option<Test> {
        self.rules.tests.get(self.thing()?).copied()
    }

    fn body(&self, rule: &Rule, wall_ms: u64) -> Result<EventBody, Why> {
        let thing = self.thing().unwrap_or_default();
        let unknown =
            |table: &str| (Reason::UnknownKind, format!("{thing} is not in {table} of the feed's rules"));
        match rule.becomes {
            Becomes::Response => self.response(rule),
            Becomes::Session => {
                let minutes = self.minutes()?;
                Ok(EventBody::Session { minutes, active_minutes: minutes })
            }
            Becomes::Assessment => {
                let Test { skill, grade } = self.test().ok_or_else(|| unknown("[tests]"))?;
                let (given, _) = self.score()?;
                let tenths = (given * 10.0).round();
                if !(0.0..=4e9).contains(&tenths) {
                    return Err((Reason::Refused, "generated: not a scaled score".into()));
                }
                let day = Date::of_ms(wall_ms);
                let day = day.ok_or_else(|| (Reason::Refused, "eventTime is out of range".to_owned()))?;
                // Between 0 and 4·10⁹ by the check above.
                let score_e1 = tenths as u32;
                Ok(EventBody::Assessment { skill: SkillId(skill), grade, year: day.school_year(), score_e1 })
            }
            Becomes::Attendance => {
                let mark = rule.mark.ok_or_else(|| (Reason::Refused, "the rule has no mark".to_owned()))?;
                Ok(EventBody::Attendance(mark.into()))
            }
            Becomes::ResourceUse => {
                let known = self.rules.resources.get(thing).ok_or_else(|| unknown("[resources]"))?;
                let used_minutes = self.minutes()?.min(known.available_minutes);
                let (resource, available_minutes) = (ResourceId(known.resource), known.available_minutes);
                Ok(EventBody::ResourceUse { resource, used_minutes, available_minutes })
            }
            Becomes::Nothing => Err((Reason::Refused, "the rule makes no event".into())),
        }
    }

    fn response(&self, rule: &Rule) -> Result<EventBody, Why> {
        let about = self.about().unwrap_or(&Value::Null);
        let thing =
            self.thing().ok_or_else(|| (Reason::Refused, "object: says nothing of an item".to_owned()))?;
        let objectives = about.get("learningObjectives").and_then(Value::as_array).into_iter().flatten();
        let named = [Some(about), about.get("isPartOf")].into_iter().flatten().chain(objectives);
        let skills = named.filter_map(identifier).filter_map(|iri| self.rules.skills.get(iri)).flatten();
        let skills: Vec<SkillId> = skills.map(|skill| SkillId(*skill)).collect();
        let skills = SkillSet::new(skills).map_err(|_| {
            let what = format!(
                "[skills] names 1 to 16 skills for {thing}, for what it is part of or for its objectives"
            );
            (Reason::UnknownKind, what)
        })?;
        let correct = match self.rules.answers.get(thing).filter(|_| rule.answers) {
            Some(right) => self.answered(right)?,
            None => {
                let (given, most) = self.score()?;
                let most =
                    most.or_else(|| about.get("maxScore").and_then(Value::as_f64)).filter(|most| *most > 0.0);
                let most =
                    most.ok_or_else(|| (Reason::Refused, "generated.maxScore is missing".to_owned()))?;
                given >= most * rule.correct_from.unwrap_or(1.0)
            }
        };
        let item = self.rules.items.get(thing).copied().unwrap_or_else(|| unlisted(thing));
        Ok(EventBody::Response {
            item: ItemId(item),
            skills,
            correctness: if correct { Correctness::Correct } else { Correctness::Incorrect },
            duration_ms: u32::try_from(self.time_ms().unwrap_or(0)).unwrap_or(u32::MAX),
        })
    }

    /// Whether the answers are the right ones, in any order.
    fn answered(&self, right: &[String]) -> Result<bool, Why> {
        let word = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let generated = self.event.get("generated");
        let own = generated.and_then(|response| response.get("values").or_else(|| response.get("value")));
        let mut own: Vec<String> = match own {
            Some(Value::Array(list)) => list.iter().map(word).collect(),
            Some(single) => vec![word(single)],
            None => return Err((Reason::Refused, "generated: the response has no value".into())),
        };
        let mut right = right.to_vec();
        own.sort();
        right.sort();
        Ok(own == right)
    }

    /// Points given, and the most there were.
    fn score(&self) -> Result<(f64, Option<f64>), Why> {
        let number = |name: &str| at(self.event, &["generated", name]).and_then(Value::as_f64);
        let given = number("scoreGiven").or_else(|| number("resultScore"));
        let given = given.ok_or_else(|| (Reason::Refused, "generated: the score is missing".to_owned()))?;
        Ok((given, number("maxScore").or_else(|| number("maxResultScore"))))
    }

    fn minutes(&self) -> Result<u16, Why> {
        let missing = || (Reason::Refused, "nothing says how long it took".to_owned());
        let ms = self.time_ms().filter(|ms| *ms > 0).ok_or_else(missing)?;
        Ok(u16::try_from(ms.div_ceil(MINUTE_MS)).unwrap_or(MAX_MINUTES).min(MAX_MINUTES))
    }

    /// How long it took: what the object, the attempt or the measure that came of it says.
    fn time_ms(&self) -> Option<u64> {
        let generated = self.event.get("generated");
        let of_session = text(self.event, &["type"]) == Some("SessionEvent");
        let parts = [
            self.event.get("object"),
            self.event.get("session").filter(|_| of_session),
            generated.and_then(|generated| generated.get("attempt")),
            generated,
        ];
        parts.into_iter().flatten().find_map(lasted_ms).or_else(|| generated.and_then(on_task_ms))
    }

    fn student(&self, home: &str) -> Option<String> {
        let object = self.event.get("object");
        let in_object = |name: &str| object.and_then(|object| object.get(name));
        let timed_out = text(self.event, &["action"]) == Some("TimedOut");
        let person = match text(self.event, &["type"]) {
            _ if self.is_grade() => in_object("assignee"),
            Some("SessionEvent") if timed_out => in_object("user"),
            _ => self.event.get("actor"),
        };
        self.identified(person?, home)
    }

    fn identified(&self, person: &Value, home: &str) -> Option<String> {
        let path: Vec<&str> = self.rules.student.iter().map(String::as_str).collect();
        let told = if path.is_empty() { None } else { at(person, &path) };
        let word = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let others = || {
            let others = person.get("otherIdentifiers")?.as_array()?;
            let kind =
                |kind: &str| others.iter().find(|other| text(other, &["identifierType"]) == Some(kind));
            text(OWN_IDENTIFIERS.into_iter().find_map(kind)?, &["identifier"]).map(str::to_owned)
        };
        let by_home = || {
            let rest = identifier(person)?.strip_prefix(home)?;
            Some(rest.trim_start_matches('/').to_owned()).filter(|rest| !home.is_empty() && !rest.is_empty())
        };
        told.and_then(word).or_else(others).or_else(by_home)
    }
}

/// The duration of an attempt, a response or a session; of a medium it would be its own length.
fn lasted_ms(part: &Value) -> Option<u64> {
    let term = text(part, &["type"])?;
    if !(term.ends_with("Session") || term == "Attempt" || term.ends_with("Response")) {
        return None;
    }
    let moment = |name: &str| text(part, &[name]).and_then(moment_ms);
    let between = || moment("endedAtTime")?.checked_sub(moment("startedAtTime")?);
    text(part, &["duration"]).and_then(duration_ms).or_else(between)
}

/// Minutes on task among the measures of a tool's use.
fn on_task_ms(measures: &Value) -> Option<u64> {
    let one = std::slice::from_ref(measures);
    let items = measures.get("items").and_then(Value::as_array).map_or(one, Vec::as_slice);
    let measure = items.iter().find(|item| text(item, &["metric"]) == Some("MinutesOnTask"))?;
    let minutes =
        measure.get("metricValue").and_then(Value::as_f64).filter(|value| (0.0..=1e6).contains(value))?;
    Some((minutes * 60_000.0).round() as u64)
}

fn identifier(entity: &Value) -> Option<&str> {
    entity.as_str().or_else(|| text(entity, &["id"]))
}

fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    at(value, path)?.as_str()
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}
