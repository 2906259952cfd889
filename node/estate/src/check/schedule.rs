//! Lessons on one line of time, whatever they were read from.

use serde_json::Value;

use crate::ctt::{Instance, Lesson as Lecture};
use crate::text::{Name, Unreadable, lines, number};

/// Most lessons, after repetitions.
pub const MOST_LESSONS: usize = 2_000_000;

/// One meeting, at one time in one room.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Lesson {
    /// What it is called.
    pub name: String,
    /// Where; empty when it needs no room.
    pub room: String,
    /// Names; nobody can be in two lessons at once.
    pub teachers: Vec<String>,
    /// Names of groups; none can be in two lessons at once.
    pub groups: Vec<String>,
    /// How many attend, where that is said.
    pub students: Option<u32>,
    /// Seats of its room, where the schedule itself says.
    pub capacity: Option<u32>,
    /// Features that its room must have.
    pub needs: Vec<String>,
    /// When it starts and ends, on the schedule's line of time.
    pub start: i64,
    /// After `start`.
    pub end: i64,
    /// Hours, for energy.
    pub hours: f64,
    /// The week, where the schedule has several.
    pub week: Option<u32>,
    /// The day as the schedule writes it.
    pub day: Value,
    /// The period or time as the schedule writes it.
    pub period: Value,
}

/// Every meeting that a file has, repetitions written out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Schedule {
    /// In the file's order, at most [`MOST_LESSONS`].
    pub lessons: Vec<Lesson>,
}

/// A place on the line of time for day and period.
#[must_use]
pub fn slot(day: i64, period: i64) -> i64 {
    day * 10_000 + period
}

/// A timetable of an instance, with its teachers, curricula and students.
#[must_use]
pub fn of_instance(instance: &Instance, lectures: &[Lecture]) -> Schedule {
    let mut groups: Vec<Vec<String>> = vec![Vec::new(); instance.courses.len()];
    for curriculum in &instance.curricula {
        curriculum
            .courses
            .iter()
            .for_each(|course| groups[*course as usize].push(curriculum.name.to_string()));
    }
    let lesson = |lecture: &Lecture| {
        let (course, room) =
            (&instance.courses[lecture.course as usize], &instance.rooms[lecture.room as usize]);
        let day = i64::from(lecture.period / instance.periods_per_day);
        let period = i64::from(lecture.period % instance.periods_per_day);
        Lesson {
            name: course.name.to_string(),
            room: room.name.to_string(),
            teachers: vec![instance.teachers[course.teacher as usize].to_string()],
            groups: groups[lecture.course as usize].clone(),
            students: Some(course.students),
            capacity: Some(room.capacity),
            start: slot(day, period),
            end: slot(day, period) + 1,
            hours: 1.0,
            day: day.into(),
            period: period.into(),
            ..Lesson::default()
        }
    };
    Schedule { lessons: lectures.iter().map(lesson).collect() }
}

/// Lines `course room day period` without their instance: each course is its own group.
///
/// # Errors
/// When a line is not one.
pub fn of_lines(bytes: &[u8]) -> Result<Schedule, Unreadable> {
    let mut schedule = Schedule::default();
    for (line, fields) in lines(bytes) {
        let [course, room, day, period] = fields[..] else {
            return Err(Unreadable::line(line, "a lecture is: course room day period"));
        };
        let day = i64::from(number(line, day, "day", 100_000)?);
        let period = i64::from(number(line, period, "period", 9_999)?);
        let course = Name::from(course).to_string();
        schedule.lessons.push(Lesson {
            name: course.clone(),
            room: Name::from(room).to_string(),
            groups: vec![course],
            start: slot(day, period),
            end: slot(day, period) + 1,
            hours: 1.0,
            day: day.into(),
            period: period.into(),
            ..Lesson::default()
        });
    }
    Ok(schedule)
}
