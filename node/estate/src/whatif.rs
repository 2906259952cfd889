//! What a change of the estate would do, beside what stands: rooms closed or of other size, other numbers of students, other
//! staff, another budget.
//!
//! The present is a schedule in an estate, and whatever of these is known: a building with a year outside, a forecast with sections
//! and staff. It is changed in a copy; lessons whose room is taken out are seated anew ([`crate::reseat`]); then both are counted
//! alike. Absent: the ledger, whose rounds are decided again by `aula twin whatif`.

mod change;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::check::estate::{Estate, text};
use crate::check::schedule::{Lesson, Schedule};
use crate::check::{Conflict, find, new_ones};
use crate::energy::Building;
use crate::energy::schedule::Program;
use crate::in_use::{Clock, timed, week, zones};
use crate::plan::{Hours, Load, load};
use crate::reseat::{Reseated, reseat_others};
use crate::staffing::{self, Course, Needs, Staff};
use crate::text::Unreadable;

pub use change::Change;

/// What is known of the present.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// Rooms with their seats, features and closures.
    pub estate: &'a Estate,
    /// The lessons of a week as they are held now.
    pub schedule: &'a Schedule,
    /// The building's zones and the year outside.
    pub energy: Option<(&'a Building, Hours<'a>, Clock, Program)>,
    /// A forecast of students by course, how courses are taught, and the staff there is.
    pub staffing: Option<(&'a [u8], &'a [Course], &'a [Staff])>,
}

/// One of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Lessons that are held.
    pub lessons: usize,
    /// Conflicts by kind.
    pub conflicts: BTreeMap<&'static str, usize>,
    /// Rooms × days with a lesson.
    pub opened_room_days: usize,
    /// Students × hours in lessons.
    pub student_hours: f64,
    /// The year of the rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Load>,
    /// Teachers by period and subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff: Option<Needs>,
}

/// The present beside what would be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// As it stands.
    pub now: Side,
    /// With the changes.
    pub then: Side,
    /// Conflicts that the changes bring.
    pub new_conflicts: Vec<Conflict>,
    /// Lessons whose room is taken out.
    pub reseated: Reseated,
    /// Students in hundredths of today's: 100 where nothing changes them.
    pub students_percent: u32,
    /// Energy more, in millionths; none without a building.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_change_ppm: Option<i64>,
}

/// Changes a copy of the present and counts both.
///
/// # Errors
/// When a change names what is not there or what another sets too, or a part of the present cannot be counted.
pub fn compare(present: Present<'_>, changes: &[Change]) -> Result<Compared, Unreadable> {
    change::each_once(changes)?;
    let (mut estate, mut schedule) = (present.estate.clone(), present.schedule.clone());
    let mut staff: Vec<Staff> = present.staffing.map(|(_, _, staff)| staff.to_vec()).unwrap_or_default();
    let mut percent = 100;
    for change in changes {
        change.apply(&mut estate, &mut schedule, &mut staff, &mut percent)?;
    }
    // What is closed today is today's: only further closures take lessons out.
    let before: BTreeSet<usize> = closed(present.schedule, present.estate);
    let reseated = reseat_others(&schedule, &estate, &before)?;
    follow(&mut schedule, &estate, &reseated);
    let (now_conflicts, then_conflicts) =
        (find(present.schedule, Some(present.estate)), find(&schedule, Some(&estate)));
    let new_conflicts = new_ones(&now_conflicts, &then_conflicts);
    let now = side(&present, (present.estate, present.schedule), &now_conflicts, None)?;
    let then = side(&present, (&estate, &schedule), &then_conflicts, Some((&staff, percent)))?;
    let change = |(now, then): (&Load, &Load)| match now.energy_kwh > 0.0 {
        true => ((then.energy_kwh / now.energy_kwh - 1.0) * 1e6) as i64,
        false => 0,
    };
    let energy_change_ppm = now.energy.as_ref().zip(then.energy.as_ref()).map(change);
    Ok(Compared { now, then, new_conflicts, reseated, students_percent: percent, energy_change_ppm })
}

/// Lessons whose room is closed.
fn closed(schedule: &Schedule, estate: &Estate) -> BTreeSet<usize> {
    let hit = |lesson: &Lesson| estate.closures.iter().any(|closure| closure.hits(lesson));
    (0..schedule.lessons.len()).filter(|index| hit(&schedule.lessons[*index])).collect()
}

/// Lessons go where they are seated, in parts where they are spread; those that are seated nowhere are not held.
fn follow(schedule: &mut Schedule, estate: &Estate, seated: &Reseated) {
    let (mut gone, mut parts) = (BTreeSet::new(), Vec::new());
    for one in &seated.moved {
        if let [room] = one.to.as_slice() {
            schedule.lessons[one.index].room.clone_from(room);
            continue;
        }
        gone.insert(one.index);
        let whole = &schedule.lessons[one.index];
        let mut left = whole.students;
        for id in &one.to {
            let room = estate.rooms.iter().find(|room| room.id == *id);
            let seats = room.map_or(0, |room| room.capacity);
            let students = left.map(|left| left.min(seats));
            left = left.map(|left| left.saturating_sub(seats));
            // One lesson in rooms side by side: whose parts they are is not held against each other.
            parts.push(Lesson {
                room: id.clone(),
                students,
                teachers: Vec::new(),
                groups: Vec::new(),
                ..whole.clone()
            });
        }
    }
    let mut index = 0;
    schedule.lessons.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
    schedule.lessons.extend(parts);
}

fn side(
    present: &Present<'_>,
    (estate, schedule): (&Estate, &Schedule),
    conflicts: &[Conflict],
    changed: Option<(&[Staff], u32)>,
) -> Result<Side, Unreadable> {
    let mut kinds: BTreeMap<&'static str, usize> = BTreeMap::new();
    conflicts.iter().for_each(|one| *kinds.entry(one.kind).or_default() += 1);
    let held = schedule.lessons.iter().filter(|lesson| !lesson.room.is_empty());
    let opened: BTreeSet<(&str, Option<u32>, String)> =
        held.map(|lesson| (lesson.room.as_str(), lesson.week, text(&lesson.day))).collect();
    let energy = match present.energy {
        None => None,
        Some((building, hours, clock, program)) => {
            let lessons = timed(schedule, clock)?;
            let (building, zone_of) = zones(estate.zoned(), building)?;
            Some(load(&building, hours, &week(&lessons, &building, &zone_of, program)).0)
        }
    };
    let staff = match present.staffing {
        None => None,
        Some((forecast, sections, staff)) => {
            let (staff, percent) = changed.unwrap_or((staff, 100));
            // So many more students stay as so many more came.
            let more = |course: &Course| Course {
                stay: Some(course.stay.unwrap_or(1.0) * f64::from(percent) / 100.0),
                ..course.clone()
            };
            let sections: Vec<Course> = sections.iter().map(more).collect();
            Some(staffing::needs(forecast, &sections, staff, &BTreeMap::new())?)
        }
    };
    Ok(Side {
        lessons: schedule.lessons.len(),
        conflicts: kinds,
        opened_room_days: opened.len(),
        student_hours: schedule
            .lessons
            .iter()
            .map(|one| f64::from(one.students.unwrap_or(0)) * one.hours)
            .sum(),
        energy,
        staff,
    })
}
