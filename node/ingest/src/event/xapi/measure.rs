//! The values of an event from a statement's result, object and context.

use aula_twin_runtime::event::{Correctness, EventBody, ItemId, MAX_MINUTES, ResourceId, SkillId, SkillSet};
use sha2::{Digest, Sha256};

use super::rules::{Becomes, Rule, Rules};
use super::tree::{Tree, at, text};
use crate::date::Date;
use crate::event::Reason;
use crate::event::instant::instant_ms;
use crate::event::rules_file::Test;

/// Where the video profile says what was played: `0[.]42.608[,]43.168[.]124.692`, in seconds.
const SEGMENTS: &str = "https://w3id.org/xapi/video/extensions/played-segments";
const MINUTE_MS: u64 = 60_000;

type Why = (Reason, String);

impl Rules {
    /// The body of what a rule makes.
    pub(super) fn body<'a>(&self, rule: &Rule, statement: impl Tree<'a>) -> Result<EventBody, Why> {
        let refused = |detail: &str| (Reason::Refused, detail.to_owned());
        match rule.becomes {
            Becomes::Response => self.response(statement),
            Becomes::Session => {
                let (minutes, active_minutes) = session(statement)?;
                Ok(EventBody::Session { minutes, active_minutes })
            }
            Becomes::Assessment => self.assessment(statement),
            Becomes::Attendance => {
                let mark = rule.mark.ok_or_else(|| refused("the rule has no mark"))?;
                Ok(EventBody::Attendance(mark.into()))
            }
            Becomes::ResourceUse => {
                let object = text(statement, &["object", "id"]).unwrap_or_default();
                let known = self.resources.get(object).ok_or_else(|| {
                    (Reason::UnknownKind, format!("{object} is not a resource: name it in [resources]"))
                })?;
                let (minutes, _) = session(statement)?;
                let used_minutes = minutes.min(known.available_minutes);
                let (resource, available_minutes) = (ResourceId(known.resource), known.available_minutes);
                Ok(EventBody::ResourceUse { resource, used_minutes, available_minutes })
            }
            Becomes::Deletion | Becomes::Nothing => Err(refused("the rule makes no event")),
        }
    }

    fn response<'a>(&self, statement: impl Tree<'a>) -> Result<EventBody, Why> {
        let object = text(statement, &["object", "id"]).unwrap_or_default();
        let Some(correct) = at(statement, &["result", "success"]).and_then(Tree::boolean) else {
            return Err((Reason::Refused, "result.success is missing".into()));
        };
        let named = std::iter::once(object).chain(related(statement));
        let skills: Vec<SkillId> = named
            .filter_map(|activity| self.skills.get(activity))
            .flatten()
            .map(|skill| SkillId(*skill))
            .collect();
        let skills = SkillSet::new(skills).map_err(|_| {
            (
                Reason::UnknownKind,
                format!("[skills] names 1 to 16 skills for {object} or for what its context names"),
            )
        })?;
        let item = self.items.get(object).copied().unwrap_or_else(|| unlisted(object));
        let taken_ms = time_ms(statement).unwrap_or(0);
        Ok(EventBody::Response {
            item: ItemId(item),
            skills,
            correctness: if correct { Correctness::Correct } else { Correctness::Incorrect },
            duration_ms: u32::try_from(taken_ms).unwrap_or(u32::MAX),
        })
    }

    fn assessment<'a>(&self, statement: impl Tree<'a>) -> Result<EventBody, Why> {
        let Some(Test { skill, grade }) = self.test(statement) else {
            let object = text(statement, &["object", "id"]).unwrap_or_default();
            return Err((Reason::UnknownKind, format!("{object} is not a test: name it in [tests]")));
        };
        let raw = at(statement, &["result", "score", "raw"]).and_then(Tree::number);
        let score = raw.map(|raw| (raw * 10.0).round()).filter(|tenths| (0.0..=4e9).contains(tenths));
        let Some(score) = score else {
            return Err((Reason::Refused, "result.score.raw is missing, or not a scaled score".into()));
        };
        let moment = text(statement, &["timestamp"]).or_else(|| text(statement, &["stored"]));
        let Some(day) = moment.and_then(instant_ms).and_then(Date::of_ms) else {
            return Err((Reason::Refused, "timestamp is missing: the school year is unknown".into()));
        };
        // Between 0 and 4·10⁹ by the filter.
        Ok(EventBody::Assessment {
            skill: SkillId(skill),
            grade,
            year: day.school_year(),
            score_e1: score as u32,
        })
    }

    /// The test that a statement's object is.
    pub(super) fn test<'a>(&self, statement: impl Tree<'a>) -> Option<Test> {
        self.tests.get(text(statement, &["object", "id"])?).copied()
    }
}

/// The activities that a statement's context names.
fn related<'a>(statement: impl Tree<'a>) -> impl Iterator<Item = &'a str> {
    let context = at(statement, &["context", "contextActivities"]);
    let lists = context.into_iter().flat_map(Tree::values);
    lists.flat_map(Tree::items).filter_map(|activity| text(activity, &["id"]))
}

/// The number of an item that the district does not list: from the upper half, where no model has items, so that its repeats are
/// still counted together.
pub(in crate::event) fn unlisted(object: &str) -> u32 {
    let digest: [u8; 32] = Sha256::digest(object.as_bytes()).into();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]) | 1 << 31
}

/// Minutes of a session and those with activity, begun ones counted, at most a day.
fn session<'a>(statement: impl Tree<'a>) -> Result<(u16, u16), Why> {
    let missing = || (Reason::Refused, "result.duration is missing, or zero".to_owned());
    let minutes = |ms: u64| u16::try_from(ms.div_ceil(MINUTE_MS)).unwrap_or(MAX_MINUTES).min(MAX_MINUTES);
    let played = played_ms(statement);
    let whole = minutes(time_ms(statement).filter(|ms| *ms > 0).ok_or_else(missing)?);
    Ok((whole, played.map_or(whole, minutes).min(whole)))
}

/// How long it took: the result's duration, else what was played.
pub(super) fn time_ms<'a>(statement: impl Tree<'a>) -> Option<u64> {
    let duration = text(statement, &["result", "duration"]).and_then(duration_ms);
    duration.or_else(|| played_ms(statement))
}

fn played_ms<'a>(statement: impl Tree<'a>) -> Option<u64> {
    let segments = text(statement, &["result", "extensions", SEGMENTS])?;
    let mut total = 0.0;
    for segment in segments.split("[,]").filter(|segment| !segment.is_empty()) {
        let (from, to) = segment.split_once("[.]")?;
        let (from, to) = (from.trim().parse::<f64>().ok()?, to.trim().parse::<f64>().ok()?);
        total += (to - from).max(0.0);
    }
    (total.is_finite() && (0.0..=1e9).contains(&total)).then_some((total * 1_000.0).round() as u64)
}

/// Milliseconds of an ISO 8601 duration without years and months, whose length is not valid.
pub(in crate::event) fn duration_ms(text: &str) -> Option<u64> {
    let rest = text.strip_prefix('P')?;
    let (date, time) = rest.split_once('T').unwrap_or((rest, ""));
    let units = |part: &str, units: &[(char, f64)]| -> Option<f64> {
        let (mut sum, mut from) = (0.0, 0);
        for (at, letter) in part.char_indices().filter(|(_, letter)| letter.is_ascii_alphabetic()) {
            let (_, ms) = units.iter().find(|(unit, _)| *unit == letter)?;
            sum += part.get(from..at)?.replace(',', ".").parse::<f64>().ok()? * ms;
            from = at + 1;
        }
        (from == part.len()).then_some(sum)
    };
    let days = units(date, &[('W', 604_800_000.0), ('D', 86_400_000.0)])?;
    let total = days + units(time, &[('H', 3_600_000.0), ('M', 60_000.0), ('S', 1_000.0)])?;
    (total.is_finite() && (0.0..=1e13).contains(&total)).then_some(total.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::duration_ms;

    #[test]
    fn durations_are_milliseconds_and_months_have_none() {
        for (text, ms) in [
            ("PT1H2M3.5S", Some(3_723_500)),
            ("P1DT1S", Some(86_401_000)),
            ("P2W", Some(1_209_600_000)),
            ("PT0,25S", Some(250)),
            ("P1M", None),
            ("PT5", None),
            ("PT-5S", None),
            ("PTé", None),
            ("5S", None),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }
}
