//! A timetable of an instance as lines `course room day period`, names as in the instance, days and periods from 0.

use std::collections::BTreeMap;

use super::instance::Instance;
use crate::text::{Name, Unreadable, lines, number};

/// One lecture, placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lesson {
    /// Index of the course in the instance.
    pub course: u32,
    /// Index of the room in the instance.
    pub room: u32,
    /// Period of the week, from 0: day × periods a day + period of the day.
    pub period: u32,
}

/// Reads a timetable.
///
/// # Errors
/// When a line names what the instance does not have.
pub fn read_solution(instance: &Instance, bytes: &[u8]) -> Result<Vec<Lesson>, Unreadable> {
    let courses: BTreeMap<&[u8], u32> =
        instance.courses.iter().zip(0..).map(|(course, index)| (course.name.0.as_slice(), index)).collect();
    let rooms: BTreeMap<&[u8], u32> =
        instance.rooms.iter().zip(0..).map(|(room, index)| (room.name.0.as_slice(), index)).collect();
    let mut lessons = Vec::new();
    for (line, fields) in lines(bytes) {
        let [course, room, day, period] = fields[..] else {
            return Err(Unreadable::line(line, "a lecture is: course room day period"));
        };
        let known = |kind: &str, index: Option<&u32>, name: &[u8]| {
            let what = || format!("the {kind} {} is not in the instance", Name::from(name));
            index.copied().ok_or_else(|| Unreadable::line(line, what()))
        };
        let day = number(line, day, "day", instance.days - 1)?;
        let period = number(line, period, "period", instance.periods_per_day - 1)?;
        lessons.push(Lesson {
            course: known("course", courses.get(course), course)?,
            room: known("room", rooms.get(room), room)?,
            period: day * instance.periods_per_day + period,
        });
    }
    Ok(lessons)
}

/// Writes a timetable, sorted by course, period and room.
#[must_use]
pub fn write_solution(instance: &Instance, lessons: &[Lesson]) -> Vec<u8> {
    let mut sorted: Vec<(u32, u32, u32)> =
        lessons.iter().map(|lesson| (lesson.course, lesson.period, lesson.room)).collect();
    sorted.sort_unstable();
    let mut bytes = Vec::new();
    for (course, period, room) in sorted {
        bytes.extend_from_slice(&instance.courses[course as usize].name.0);
        bytes.push(b' ');
        bytes.extend_from_slice(&instance.rooms[room as usize].name.0);
        let (day, period) = (period / instance.periods_per_day, period % instance.periods_per_day);
        bytes.extend_from_slice(format!(" {day} {period}\n").as_bytes());
    }
    bytes
}
