//! The reader of `.ctt`. A section's heading or `END.` is a line of one field, which no record is; the counts of the
//! header are checked; ROOM_CONSTRAINTS and the further columns of the extended format are read past.

use std::collections::BTreeMap;

use super::instance::{Course, Curriculum, Instance, Room};
use crate::text::{Name, Unreadable, lines, number};

const MOST_DAYS: u32 = 366;
/// A day's periods fit into one word with room beside them.
const MOST_PERIODS: u32 = 60;
const MOST_RECORDS: u32 = 1_000_000;
const MOST_COURSES: u32 = 4_000;
const MOST_CURRICULA: u32 = 20_000;
const MOST_LECTURES: u32 = 30_000;
const MOST_STUDENTS: u32 = 1_000_000;

/// Reads an instance.
///
/// # Errors
/// When the bytes are not one; the error says where and why.
pub fn read(bytes: &[u8]) -> Result<Instance, Unreadable> {
    let mut reader = Reader::default();
    let mut last = 0;
    for (line, fields) in lines(bytes) {
        last = line;
        reader.line(line, &fields)?;
        if reader.section == Section::End {
            break;
        }
    }
    reader.finish(last)
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Header,
    Courses,
    Rooms,
    Curricula,
    Unavailability,
    RoomConstraints,
    End,
}

impl Section {
    fn of(heading: &[u8]) -> Option<Self> {
        Some(match heading {
            b"COURSES:" => Self::Courses,
            b"ROOMS:" => Self::Rooms,
            b"CURRICULA:" => Self::Curricula,
            b"UNAVAILABILITY_CONSTRAINTS:" => Self::Unavailability,
            b"ROOM_CONSTRAINTS:" => Self::RoomConstraints,
            b"END." => Self::End,
            _ => return None,
        })
    }
}

#[derive(Default)]
struct Reader {
    section: Section,
    name: Name,
    header: BTreeMap<&'static str, u32>,
    courses: Vec<Course>,
    by_course: BTreeMap<Name, u32>,
    teachers: Vec<Name>,
    by_teacher: BTreeMap<Name, u32>,
    rooms: Vec<Room>,
    by_room: BTreeMap<Name, u32>,
    curricula: Vec<(usize, Name, Vec<Name>)>,
    by_curriculum: BTreeMap<Name, u32>,
    unavailable: Vec<(usize, Name, u32, u32)>,
}

impl Reader {
    fn line(&mut self, line: usize, fields: &[&[u8]]) -> Result<(), Unreadable> {
        if let [heading] = fields
            && let Some(section) = Section::of(heading)
        {
            self.section = section;
            return Ok(());
        }
        if let [heading] = fields
            && self.section != Section::RoomConstraints
        {
            let heading = String::from_utf8_lossy(heading);
            return Err(Unreadable::line(line, format_args!("the section {heading:?} is not known")));
        }
        match self.section {
            Section::Header => self.header(line, fields),
            Section::Courses => self.course(line, fields),
            Section::Rooms => self.room(line, fields),
            Section::Curricula => self.curriculum(line, fields),
            Section::Unavailability => self.unavailability(line, fields),
            Section::RoomConstraints | Section::End => Ok(()),
        }
    }

    fn header(&mut self, line: usize, fields: &[&[u8]]) -> Result<(), Unreadable> {
        let key = String::from_utf8_lossy(fields[0]).into_owned();
        if key == "Name:" {
            self.name = Name(fields[1..].join(&b' '));
            return Ok(());
        }
        let (key, most) = match key.as_str() {
            "Courses:" => ("Courses", MOST_COURSES),
            "Rooms:" => ("Rooms", MOST_RECORDS),
            "Days:" => ("Days", MOST_DAYS),
            "Periods_per_day:" => ("Periods_per_day", MOST_PERIODS),
            "Curricula:" => ("Curricula", MOST_CURRICULA),
            "Constraints:" | "UnavailabilityConstraints:" => ("Constraints", MOST_RECORDS),
            // The extended format's own, which formulation UD2 does not count.
            "Min_Max_Daily_Lectures:" | "RoomConstraints:" => return Ok(()),
            _ => return Err(Unreadable::line(line, format_args!("the header {key:?} is not known"))),
        };
        let [_, value] = fields else {
            return Err(Unreadable::line(line, format_args!("{key} wants one number")));
        };
        match self.header.insert(key, number(line, value, key, most)?) {
            None => Ok(()),
            Some(_) => Err(Unreadable::line(line, format_args!("{key} is given twice"))),
        }
    }

    fn course(&mut self, line: usize, fields: &[&[u8]]) -> Result<(), Unreadable> {
        let (5 | 6) = fields.len() else {
            let what = "a course is: name teacher lectures min_days students";
            return Err(Unreadable::line(line, what));
        };
        let next = self.teachers.len() as u32;
        let teacher = *self.by_teacher.entry(fields[1].into()).or_insert(next);
        if teacher == next {
            self.teachers.push(fields[1].into());
        }
        self.by_course = unique(line, std::mem::take(&mut self.by_course), fields[0], "course")?;
        self.courses.push(Course {
            name: fields[0].into(),
            teacher,
            lectures: number(line, fields[2], "lectures", MOST_LECTURES)?,
            min_days: number(line, fields[3], "min_days", MOST_RECORDS)?,
            students: number(line, fields[4], "students", MOST_STUDENTS)?,
        });
        Ok(())
    }

    fn room(&mut self, line: usize, fields: &[&[u8]]) -> Result<(), Unreadable> {
        let (2 | 3) = fields.len() else {
            return Err(Unreadable::line(line, "a room is: name capacity"));
        };
        self.by_room = unique(line, std::mem::take(&mut self.by_room), fields[0], "room")?;
        let capacity = number(line, fields[1], "capacity", u32::MAX)?;
        self.rooms.push(Room { name: fields[0].into(), capacity });
        Ok(())
    }

    fn curriculum(&mut self, line: usize, fields: &[&[u8]]) -> Result<(), Unreadable> {
        let count = number(line, fields[1], "the curriculum's size", MOST_RECORDS)?;
        if fields.len() - 2 != count as usize {
            let what = format!("the curriculum says {count} courses and names {}", fields.len() - 2);
            return Err(Unreadable::line(line, what));
        }
        self.by_curriculum = unique(line, std::mem::take(&mut self.by_curriculum), fields[0], "curriculum")?;
        let courses = fields[2..].iter().map(|field| Name::from(*field)).collect();
        self.curricula.push((line, fields[0].into(), courses));
        Ok(())
    }

    fn unavailability(&mut self, line: usize, fields: &[&[u8]]) -> Result<(), Unreadable> {
        let [course, day, period] = fields else {
            return Err(Unreadable::line(line, "an unavailability is: course day period"));
        };
        let (day, period) =
            (number(line, day, "day", MOST_DAYS)?, number(line, period, "period", MOST_PERIODS)?);
        self.unavailable.push((line, (*course).into(), day, period));
        Ok(())
    }

    /// Resolves the names, once all are known, and checks the header's counts.
    fn finish(self, last: usize) -> Result<Instance, Unreadable> {
        let end = |what: String| Unreadable::at(format_args!("end of file, line {last}"), what);
        if self.section != Section::End {
            return Err(end("the file stops before END.".to_owned()));
        }
        let header = |key: &str| match self.header.get(key) {
            Some(value) => Ok(*value),
            None => Err(end(format!("the header does not say {key}"))),
        };
        let counts = [
            ("Courses", self.courses.len()),
            ("Rooms", self.rooms.len()),
            ("Curricula", self.curricula.len()),
            ("Constraints", self.unavailable.len()),
        ];
        for (key, found) in counts {
            let said = header(key)?;
            if said as usize != found {
                return Err(end(format!("the header says {said} {key}, the file has {found}")));
            }
        }
        let (days, periods_per_day) = (header("Days")?, header("Periods_per_day")?);
        if days == 0 || periods_per_day == 0 || self.rooms.is_empty() {
            return Err(end("a week needs a day, a period and a room".to_owned()));
        }
        let course = |line: usize, name: &Name| match self.by_course.get(name) {
            Some(index) => Ok(*index),
            None => Err(Unreadable::line(line, format_args!("the course {name} is not in COURSES"))),
        };
        let mut curricula = Vec::with_capacity(self.curricula.len());
        for (line, name, names) in &self.curricula {
            let mut courses = names.iter().map(|name| course(*line, name)).collect::<Result<Vec<_>, _>>()?;
            let named = courses.len();
            courses.sort_unstable();
            courses.dedup();
            if courses.len() != named {
                return Err(Unreadable::line(
                    *line,
                    format_args!("the curriculum {name} names a course twice"),
                ));
            }
            curricula.push(Curriculum { name: name.clone(), courses });
        }
        let mut unavailable = Vec::with_capacity(self.unavailable.len());
        for (line, name, day, period) in &self.unavailable {
            if *day >= days || *period >= periods_per_day {
                let what = format!("day {day} period {period} is outside the week, which counts from 0");
                return Err(Unreadable::line(*line, what));
            }
            unavailable.push((course(*line, name)?, day * periods_per_day + period));
        }
        unavailable.sort_unstable();
        unavailable.dedup();
        let instance = Instance {
            name: self.name,
            days,
            periods_per_day,
            courses: self.courses,
            teachers: self.teachers,
            rooms: self.rooms,
            curricula,
            unavailable,
        };
        let lectures: u64 = instance.courses.iter().map(|course| u64::from(course.lectures)).sum();
        let cells = u64::from(instance.periods()) * instance.rooms.len() as u64;
        if lectures > u64::from(MOST_LECTURES) || cells > 1 << 24 {
            return Err(end(format!(
                "{lectures} lectures in {cells} places are more than this program takes"
            )));
        }
        Ok(instance)
    }
}

/// The index with one more name, or why not.
fn unique(
    line: usize,
    mut index: BTreeMap<Name, u32>,
    name: &[u8],
    kind: &str,
) -> Result<BTreeMap<Name, u32>, Unreadable> {
    let next = index.len() as u32;
    match index.insert(name.into(), next) {
        None => Ok(index),
        Some(_) => {
            Err(Unreadable::line(line, format_args!("the {kind} {} is there twice", Name::from(name))))
        }
    }
}
