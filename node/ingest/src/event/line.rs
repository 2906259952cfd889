//! A message as a line of JSON: `{"id","at","student","event":{"kind",…}}`.
//!
//! `at` is a moment of RFC 3339 with its zone, or milliseconds since 1970; `counter` orders messages of one millisecond. Unknown
//! members refuse a line, so that a misspelt one is not lost silently.

use aula_twin_runtime::clock::Stamp;
use aula_twin_runtime::event::{
    Correctness, EventBody, InterventionId, ItemId, ResourceId, SkillId, SkillSet,
};
use aula_twin_runtime::fixed::Signal;
use serde::Deserialize;
use serde_json::Value;

use super::instant::instant_ms;
use super::rules_file::Mark;
use super::{Kind, Message, Reason, Refusal, What, checked};
use crate::json;

/// Most bytes of a line.
pub const MAX_LINE_BYTES: usize = 16 << 10;
/// Most levels of JSON in a line.
const MAX_LINE_DEPTH: usize = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    at: Value,
    #[serde(default)]
    counter: u32,
    #[serde(default)]
    student: Option<String>,
    event: Value,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    Response {
        item: u32,
        skills: Vec<u16>,
        correct: bool,
        #[serde(default)]
        duration_ms: u32,
    },
    Written {
        sentiment_e4: i16,
    },
    Session {
        minutes: u16,
        active_minutes: u16,
    },
    Attendance {
        mark: Mark,
    },
    ResourceUse {
        resource: u32,
        used_minutes: u16,
        available_minutes: u16,
    },
    Assessment {
        skill: u16,
        grade: u8,
        year: u16,
        score_e1: u32,
    },
    InterventionOpened {
        intervention: u32,
    },
    InterventionClosed {
        intervention: u32,
    },
    Correction {
        of: String,
        instead: Value,
    },
    Deletion {
        of: String,
    },
}

/// Reads one line.
///
/// # Errors
/// [`Refusal`], with the message's name where the line has one.
pub fn decode(line: &[u8]) -> Result<Message, Refusal> {
    if line.len() > MAX_LINE_BYTES {
        let detail = format!("a line of {} bytes is over the limit of {MAX_LINE_BYTES}", line.len());
        return Err(Refusal::new(None, Reason::Refused, detail));
    }
    let value = json::parse(line, MAX_LINE_DEPTH)
        .map_err(|error| Refusal::new(None, Reason::Refused, error.to_string()))?;
    let name = value.get("id").and_then(Value::as_str).map(str::to_owned);
    let refused = |reason, detail: &str| Refusal::new(name.as_deref(), reason, detail);
    let members = "a message has id, at, student, event, and may have counter";
    let line: Line = serde_json::from_value(value).map_err(|_| refused(Reason::Refused, members))?;
    let wall_ms = match &line.at {
        Value::String(text) => instant_ms(text),
        other => other.as_u64(),
    };
    let wall_ms = wall_ms.ok_or_else(|| {
        refused(
            Reason::Refused,
            "at must be a moment with its zone (2026-03-01T08:00:00Z) or milliseconds since 1970",
        )
    })?;
    let at =
        Stamp::new(wall_ms, line.counter).map_err(|error| refused(Reason::Refused, &error.to_string()))?;
    let what = match said(line.event).map_err(|(reason, detail)| refused(reason, &detail))? {
        Said::Deletion { of } => What::Amended { of, instead: None },
        Said::Correction { of, instead } => {
            let instead =
                said(instead).and_then(body).map_err(|(reason, detail)| refused(reason, &detail))?;
            What::Amended { of, instead: Some(instead) }
        }
        other => What::Happened(body(other).map_err(|(reason, detail)| refused(reason, &detail))?),
    };
    checked(Message { name: line.id, at, student: line.student, what })
}

type Why = (Reason, String);

fn said(event: Value) -> Result<Said, Why> {
    let word = event.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some(kind) = Kind::parse(word) else {
        let known = Kind::ALL.map(Kind::name).join(", ");
        return Err((Reason::UnknownKind, format!("event.kind must be one of {known}")));
    };
    serde_json::from_value(event).map_err(|error| {
        // Of a mistake only which member is told; serde names it between backticks, and a value never stands so.
        let text = error.to_string();
        let member = text.split('`').nth(1).filter(|_| text.contains("field `"));
        let detail = match member {
            Some(member) => {
                format!("the member {member} of a {} is missing, unknown or doubled", kind.name())
            }
            None => format!("a value of a {} has the wrong type or is out of range", kind.name()),
        };
        (Reason::Refused, detail)
    })
}

fn body(said: Said) -> Result<EventBody, Why> {
    Ok(match said {
        Said::Response { item, skills, correct, duration_ms } => EventBody::Response {
            item: ItemId(item),
            skills: SkillSet::new(skills.into_iter().map(SkillId).collect())
                .map_err(|error| (Reason::Refused, error.to_string()))?,
            correctness: if correct { Correctness::Correct } else { Correctness::Incorrect },
            duration_ms,
        },
        Said::Written { sentiment_e4 } => EventBody::Written {
            sentiment: Signal::new(sentiment_e4).map_err(|error| (Reason::Refused, error.to_string()))?,
        },
        Said::Session { minutes, active_minutes } => EventBody::Session { minutes, active_minutes },
        Said::Attendance { mark } => EventBody::Attendance(mark.into()),
        Said::ResourceUse { resource, used_minutes, available_minutes } => {
            EventBody::ResourceUse { resource: ResourceId(resource), used_minutes, available_minutes }
        }
        Said::Assessment { skill, grade, year, score_e1 } => {
            EventBody::Assessment { skill: SkillId(skill), grade, year, score_e1 }
        }
        Said::InterventionOpened { intervention } => {
            EventBody::InterventionOpened { intervention: InterventionId(intervention) }
        }
        Said::InterventionClosed { intervention } => {
            EventBody::InterventionClosed { intervention: InterventionId(intervention) }
        }
        Said::Correction { .. } | Said::Deletion { .. } => {
            return Err((Reason::UnknownKind, "a correction cannot replace an event by an amendment".into()));
        }
    })
}
