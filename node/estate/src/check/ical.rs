//! Schedules from iCalendar (RFC 5545): VEVENT with SUMMARY, LOCATION (room), ORGANIZER and chairs (teachers), other
//! ATTENDEEs and CATEGORIES (groups), DTSTART with DTEND or DURATION, RRULE of FREQ=DAILY or WEEKLY, EXDATE, STATUS. Times
//! are compared as they are written, so one file keeps to one time zone.

use std::collections::BTreeMap;

use super::schedule::{Lesson, MOST_LESSONS, Schedule};
use crate::fit::Date;
use crate::text::Unreadable;

const DAY: i64 = 24 * 60;

/// Reads a calendar.
///
/// # Errors
/// When it is not one, an event has no time, or repeats in a way that is not handled.
pub fn read_ical(bytes: &[u8]) -> Result<Schedule, Unreadable> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| Unreadable::at("file", "a calendar is UTF-8, this is not"))?;
    let mut schedule = Schedule::default();
    let mut event: Option<Event> = None;
    let mut depth = 0usize;
    let mut moved: Vec<(String, i64)> = Vec::new();
    let mut made: Vec<(String, Lesson, bool)> = Vec::new();
    for (line, content) in unfold(text) {
        let Some((name, parameters, value)) = property(&content) else {
            return Err(Unreadable::line(line, "a line is NAME:value"));
        };
        match (name.as_str(), value.to_ascii_uppercase().as_str(), &mut event) {
            ("BEGIN", "VEVENT", None) => event = Some(Event { line, ..Event::default() }),
            ("BEGIN", _, _) => depth += 1,
            ("END", "VEVENT", Some(_)) => {
                if let Some(event) = event.take() {
                    let lessons = event.lessons()?;
                    moved.extend(event.recurrence.map(|start| (event.uid.clone(), start)));
                    let replaced = event.recurrence.is_some();
                    made.extend(lessons.into_iter().map(|lesson| (event.uid.clone(), lesson, replaced)));
                }
            }
            ("END", _, _) => depth = depth.saturating_sub(1),
            (_, _, Some(event)) if depth <= 1 => event.property(line, &name, &parameters, &value)?,
            _ => {}
        }
        if made.len() > MOST_LESSONS {
            return Err(Unreadable::line(line, format_args!("more than {MOST_LESSONS} lessons")));
        }
    }
    if event.is_some()
        || !text.trim_start_matches('\u{feff}').trim_start().starts_with("BEGIN:VCALENDAR")
        || depth > 0
    {
        return Err(Unreadable::at("end of file", "the calendar is not whole"));
    }
    moved.sort();
    let kept = made.into_iter().filter(|(uid, lesson, replaced)| {
        *replaced || moved.binary_search(&(uid.clone(), lesson.start)).is_err()
    });
    schedule.lessons = kept.map(|(_, lesson, _)| lesson).collect();
    Ok(schedule)
}

/// Lines with their continuations, and the number of the first.
fn unfold(text: &str) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        match (line.strip_prefix([' ', '\t']), all.last_mut()) {
            (Some(rest), Some(last)) => last.1.push_str(rest),
            _ if line.trim().is_empty() => {}
            _ => all.push((index + 1, line.to_owned())),
        }
    }
    all
}

/// Name, parameters and value; a colon in quotes is not the end of the parameters.
fn property(line: &str) -> Option<(String, BTreeMap<String, String>, String)> {
    let mut quoted = false;
    let end = line.char_indices().find(|(_, char)| {
        quoted ^= *char == '"';
        *char == ':' && !quoted
    })?;
    let (head, value) = (&line[..end.0], &line[end.0 + 1..]);
    let mut parts = head.split(';');
    let name = parts.next()?.to_ascii_uppercase();
    let parameters = parts.filter_map(|part| part.split_once('='));
    let parameters =
        parameters.map(|(name, value)| (name.to_ascii_uppercase(), value.trim_matches('"').to_owned()));
    Some((name, parameters.collect(), value.to_owned()))
}

#[derive(Default)]
struct Event {
    line: usize,
    uid: String,
    lesson: Lesson,
    start: Option<i64>,
    end: Option<i64>,
    duration: Option<i64>,
    rule: Option<Rule>,
    except: Vec<i64>,
    recurrence: Option<i64>,
    cancelled: bool,
}

impl Event {
    fn property(
        &mut self,
        line: usize,
        name: &str,
        parameters: &BTreeMap<String, String>,
        value: &str,
    ) -> Result<(), Unreadable> {
        let when = |value: &str| {
            moment(value).ok_or_else(|| {
                Unreadable::line(line, format_args!("{value:?} is not a date and time of RFC 5545"))
            })
        };
        let person = || {
            parameters.get("CN").cloned().unwrap_or_else(|| value.trim_start_matches("mailto:").to_owned())
        };
        match name {
            "SUMMARY" => self.lesson.name = plain(value),
            "LOCATION" => self.lesson.room = plain(value),
            "UID" => self.uid = value.to_owned(),
            "ORGANIZER" => self.lesson.teachers.push(person()),
            "ATTENDEE" if parameters.get("ROLE").is_some_and(|role| role == "CHAIR") => {
                self.lesson.teachers.push(person())
            }
            "ATTENDEE" => self.lesson.groups.push(person()),
            "CATEGORIES" => {
                self.lesson.groups.extend(value.split(',').map(plain).filter(|group| !group.is_empty()))
            }
            "DTSTART" => self.start = Some(when(value)?),
            "DTEND" => self.end = Some(when(value)?),
            "DURATION" => {
                let length = duration(value)
                    .ok_or_else(|| Unreadable::line(line, format_args!("{value:?} is not a duration")))?;
                self.duration = Some(length);
            }
            "RRULE" => self.rule = Some(Rule::read(value).map_err(|what| Unreadable::line(line, what))?),
            "EXDATE" => {
                for date in value.split(',') {
                    self.except.push(when(date)?);
                }
            }
            "RECURRENCE-ID" => self.recurrence = Some(when(value)?),
            "STATUS" => self.cancelled = value.eq_ignore_ascii_case("CANCELLED"),
            _ => {}
        }
        Ok(())
    }

    fn lessons(&self) -> Result<Vec<Lesson>, Unreadable> {
        let start = self.start.ok_or_else(|| Unreadable::line(self.line, "the event has no DTSTART"))?;
        let length = self.end.map(|end| end - start).or(self.duration).unwrap_or(DAY);
        if length <= 0 {
            return Err(Unreadable::line(self.line, "the event does not end after it starts"));
        }
        if self.cancelled {
            return Ok(Vec::new());
        }
        let starts = self.rule.as_ref().map_or(Ok(vec![start]), |rule| rule.starts(start));
        let starts = starts.map_err(|what| Unreadable::line(self.line, what))?;
        let mut lesson = self.lesson.clone();
        lesson.teachers.sort();
        lesson.teachers.dedup();
        let lessons = starts.into_iter().filter(|start| !self.except.contains(start));
        Ok(lessons.map(|start| at(&lesson, start, length)).collect())
    }
}

fn at(lesson: &Lesson, start: i64, length: i64) -> Lesson {
    let (date, minute) = (Date::of(start.div_euclid(DAY)), start.rem_euclid(DAY));
    Lesson {
        start,
        end: start + length,
        hours: length as f64 / 60.0,
        day: format!("{:04}-{:02}-{:02}", date.year, date.month, date.day).into(),
        period: format!("{:02}:{:02}", minute / 60, minute % 60).into(),
        ..lesson.clone()
    }
}

#[derive(Default)]
struct Rule {
    days: i64,
    count: Option<usize>,
    until: Option<i64>,
    weekdays: Vec<i64>,
}

impl Rule {
    fn read(text: &str) -> Result<Self, String> {
        let mut rule = Self::default();
        let mut interval = 1;
        for part in text.split(';') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let number = || value.parse::<u32>().ok().filter(|number| (1..1_000_000).contains(number));
            match name {
                "FREQ" if value == "DAILY" => rule.days = 1,
                "FREQ" if value == "WEEKLY" => rule.days = 7,
                "COUNT" => rule.count = Some(number().ok_or("COUNT is a number")? as usize),
                "INTERVAL" => interval = i64::from(number().ok_or("INTERVAL is a number")?),
                "UNTIL" => {
                    rule.until = Some(
                        moment(value).ok_or("UNTIL is not a date")?
                            + if value.len() == 8 { DAY - 1 } else { 0 },
                    )
                }
                "BYDAY" => {
                    for day in value.split(',') {
                        let place =
                            ["MO", "TU", "WE", "TH", "FR", "SA", "SU"].iter().position(|known| *known == day);
                        rule.weekdays
                            .push(place.ok_or_else(|| format!("BYDAY={day} is not handled"))? as i64);
                    }
                }
                "WKST" => {}
                _ => return Err(format!("a repetition by {part} is not handled")),
            }
        }
        if rule.days == 0 {
            return Err("a repetition is DAILY or WEEKLY".to_owned());
        }
        rule.days *= interval;
        rule.weekdays.sort_unstable();
        Ok(rule)
    }

    fn starts(&self, first: i64) -> Result<Vec<i64>, String> {
        if self.count.is_none() && self.until.is_none() {
            return Err("a repetition ends: COUNT or UNTIL".to_owned());
        }
        let monday = first.div_euclid(DAY) - (first.div_euclid(DAY) + 3).rem_euclid(7);
        let minute = first.rem_euclid(DAY);
        let mut starts = Vec::new();
        let most = self.count.unwrap_or(MOST_LESSONS);
        for step in 0.. {
            let candidates: Vec<i64> = match self.weekdays.is_empty() || self.days % 7 != 0 {
                true => vec![first + step * self.days * DAY],
                false => {
                    self.weekdays.iter().map(|day| (monday + step * self.days + day) * DAY + minute).collect()
                }
            };
            let ended = candidates.iter().all(|start| self.until.is_some_and(|until| *start > until));
            for start in candidates.into_iter().filter(|start| *start >= first) {
                if starts.len() < most && self.until.is_none_or(|until| start <= until) {
                    starts.push(start);
                }
            }
            if ended || starts.len() >= most || step > MOST_LESSONS as i64 {
                break;
            }
        }
        if starts.len() >= MOST_LESSONS { Err("the event repeats too often".to_owned()) } else { Ok(starts) }
    }
}

/// Minutes since 1970 of YYYYMMDD or YYYYMMDDTHHMMSS, a final Z read past.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z');
    let (date, time) = text.split_once('T').unwrap_or((text, "0000"));
    if date.len() != 8 || !date.is_ascii() || !time.is_ascii() || time.len() < 4 {
        return None;
    }
    let date = Date::read(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])).ok()?;
    let (hour, minute) = (time[..2].parse::<i64>().ok()?, time[2..4].parse::<i64>().ok()?);
    ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(date.number() * DAY + hour * 60 + minute)
}

/// Minutes of PnW, PnDTnHnM.
fn duration(text: &str) -> Option<i64> {
    let (mut minutes, mut number, mut time) = (0i64, None::<i64>, false);
    for char in text.trim().strip_prefix('P')?.chars() {
        match char {
            '0'..='9' => {
                number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(i64::from(char as u32 - 48))?)
            }
            'T' => time = true,
            _ => {
                let unit = match char {
                    'W' => 7 * DAY,
                    'D' => DAY,
                    'H' if time => 60,
                    'M' if time => 1,
                    'S' if time => 0,
                    _ => return None,
                };
                minutes = minutes.checked_add(number.take()?.checked_mul(unit)?)?;
            }
        }
    }
    (minutes < 1_000_000).then_some(minutes)
}

/// Text without its escapes.
fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some('n' | 'N') => text.push(' '),
                Some(other) => text.push(other),
                None => {}
            },
            _ => text.push(char),
        }
    }
    text.trim().to_owned()
}
