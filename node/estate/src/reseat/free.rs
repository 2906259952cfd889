//! Which rooms are free when, and which lessons cannot stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::estate::{Closure, Estate};
use crate::check::schedule::{Lesson, Schedule};

/// Rooms' times.
pub struct Free<'a> {
    estate: &'a Estate,
    schedule: &'a Schedule,
    /// By room: when it is held, by start; and how long its longest lesson lasts.
    held: Vec<(Vec<(i64, i64)>, i64)>,
    closed: BTreeMap<Option<&'a str>, Vec<&'a Closure>>,
    rooms: BTreeMap<&'a str, usize>,
    displaced: Vec<usize>,
}

impl<'a> Free<'a> {
    /// Lessons that `stay` hold their rooms even where these are closed.
    pub fn new(schedule: &'a Schedule, estate: &'a Estate, stay: &BTreeSet<usize>) -> Self {
        let rooms = estate.rooms.iter().enumerate().map(|(at, room)| (room.id.as_str(), at)).collect();
        let mut closed: BTreeMap<Option<&str>, Vec<&Closure>> = BTreeMap::new();
        for closure in &estate.closures {
            closed.entry(closure.room.as_deref()).or_default().push(closure);
        }
        let held = vec![(Vec::new(), 0); estate.rooms.len()];
        let mut free = Self { estate, schedule, held, closed, rooms, displaced: Vec::new() };
        for (index, lesson) in schedule.lessons.iter().enumerate() {
            let Some(at) = free.rooms.get(lesson.room.as_str()).copied() else { continue };
            if !stay.contains(&index) && free.is_closed(at, lesson) {
                free.displaced.push(index);
            } else {
                free.hold(at, lesson.start, lesson.end);
            }
        }
        free.held.iter_mut().for_each(|(held, _)| held.sort_unstable());
        free
    }

    /// Lessons that lose their room.
    pub fn displaced(&self) -> &[usize] {
        &self.displaced
    }

    /// Seats that a lesson seeks: its students, or as many as its own room has where the schedule does not say.
    pub fn seats(&self, index: usize) -> u32 {
        let lesson = &self.schedule.lessons[index];
        let room = self.own(index).map(|at| self.estate.rooms[at].capacity);
        lesson.students.or(room).unwrap_or(0)
    }

    /// The room that the schedule gives a lesson.
    pub fn own(&self, index: usize) -> Option<usize> {
        self.rooms.get(self.schedule.lessons[index].room.as_str()).copied()
    }

    /// Whether a room has what a lesson needs and is neither closed nor held while it lasts.
    pub fn is_free(&self, at: usize, lesson: &Lesson) -> bool {
        let (held, longest) = &self.held[at];
        let room = &self.estate.rooms[at];
        let before = held.partition_point(|(start, _)| *start < lesson.end);
        let near = held[..before].iter().rev().take_while(|(start, _)| *start + longest > lesson.start);
        lesson.needs.iter().all(|need| room.features.contains(need))
            && near.into_iter().all(|(_, end)| *end <= lesson.start)
            && !self.is_closed(at, lesson)
    }

    /// A lesson sits in a room from now on.
    pub fn take(&mut self, at: usize, lesson: &Lesson) {
        self.hold(at, lesson.start, lesson.end);
        self.held[at].0.sort_unstable();
    }

    fn hold(&mut self, at: usize, start: i64, end: i64) {
        let (held, longest) = &mut self.held[at];
        held.push((start, end));
        *longest = (*longest).max(end - start);
    }

    fn is_closed(&self, at: usize, lesson: &Lesson) -> bool {
        let room = self.estate.rooms[at].id.as_str();
        let own = [None, Some(room)];
        own.iter()
            .filter_map(|key| self.closed.get(key))
            .flatten()
            .any(|closure| closure.hits_in(room, lesson))
    }
}
