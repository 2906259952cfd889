//! What a `.ctt` file says, checked: every index in range, every name unique in its kind.

use crate::text::Name;

/// A course: lectures to place, its teacher, its students.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    /// As in the file.
    pub name: Name,
    /// Index of the teacher, in order of first mention.
    pub teacher: u32,
    /// Lectures a week.
    pub lectures: u32,
    /// Days over which they should be spread at least.
    pub min_days: u32,
    /// Students, who each need a seat.
    pub students: u32,
}

/// Where one lecture can be at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// As in the file.
    pub name: Name,
    /// How many students it seats.
    pub capacity: u32,
}

/// A group of courses with students in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Curriculum {
    /// As in the file.
    pub name: Name,
    /// Indices of its courses.
    pub courses: Vec<u32>,
}

/// A whole file of the curriculum-based timetabling competition (ITC 2007, track 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// As in the file.
    pub name: Name,
    /// How many days its week has.
    pub days: u32,
    /// The same on every day.
    pub periods_per_day: u32,
    /// Courses in the file's order.
    pub courses: Vec<Course>,
    /// Teachers in order of first mention.
    pub teachers: Vec<Name>,
    /// Rooms in the file's order.
    pub rooms: Vec<Room>,
    /// Curricula in the file's order.
    pub curricula: Vec<Curriculum>,
    /// (course, period) where the course cannot be held; a period is day × periods a day + period of the day.
    pub unavailable: Vec<(u32, u32)>,
}

impl Instance {
    /// Periods of the week.
    #[must_use]
    pub fn periods(&self) -> u32 {
        self.days * self.periods_per_day
    }

    /// Lectures of the week.
    #[must_use]
    pub fn lectures(&self) -> u32 {
        self.courses.iter().map(|course| course.lectures).sum()
    }
}
