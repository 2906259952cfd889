//! One lecture is moved by hand: which fewest others must move, and where to, so that every hard constraint is kept.
//!
//! Whoever stands in the way is put elsewhere, who may put others out in turn. The number of others that may move grows
//! from none, each number is searched whole, and of the answers with the fewest the one of least cost is taken. So
//! a search that ends by itself proves that no fewer do, or that as many as were allowed do not suffice.

use super::evaluate::{FURTHER_ROOM, ISOLATED, MISSING_DAY, SEAT};
use super::instance::Instance;
use super::solution::Lesson;
use crate::budget::Budget;

#[cfg(test)]
mod tests;

/// Placements tried from one look at the clock to the next.
const LOOK: u64 = 256;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Which of the lessons, by its place in the list.
    pub lesson: usize,
    /// The period that it is to have.
    pub period: u32,
    /// The room, where it matters.
    pub room: Option<u32>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// The timetable with the least change, in the order of the one given; none when there is none.
    pub lessons: Option<Vec<Lesson>>,
    /// The others that moved, by their places in the list.
    pub moved: Vec<usize>,
    /// Whether everything was tried that the answer claims.
    pub complete: bool,
    /// Placements tried.
    pub placements: u64,
}

/// Moves a lesson and at most `most` others.
#[must_use]
pub fn repair(
    instance: &Instance,
    lessons: &[Lesson],
    wish: Wish,
    most: usize,
    budget: &mut Budget<'_>,
) -> Repaired {
    let mut search = Search::new(instance, lessons, budget);
    let mut found = None;
    for others in 0..=most {
        search.best = None;
        search.start(wish, others);
        if search.best.is_some() || search.stopped {
            found = search.best.take();
            break;
        }
    }
    let (complete, placements) = (!search.stopped, search.placements);
    match found {
        None => Repaired { lessons: None, moved: Vec::new(), complete, placements },
        Some((_, now)) => {
            let changed = |at: &usize| *at != wish.lesson && now[*at] != lessons[*at];
            let moved = (0..lessons.len()).filter(changed).collect();
            Repaired { lessons: Some(now), moved, complete, placements }
        }
    }
}

struct Search<'s, 'b> {
    instance: &'s Instance,
    budget: &'s mut Budget<'b>,
    /// Where each lesson is; those waiting for a place stand where they were.
    now: Vec<Lesson>,
    /// Lessons by period.
    at: Vec<Vec<usize>>,
    /// By course × courses: whether two may not be held at once; a course with itself may not.
    clashing: Vec<bool>,
    unavailable: Vec<bool>,
    /// Placed in this search: stays.
    fixed: Vec<bool>,
    curricula_of: Vec<Vec<u32>>,
    best: Option<(u64, Vec<Lesson>)>,
    stopped: bool,
    placements: u64,
}

impl<'s, 'b> Search<'s, 'b> {
    fn new(instance: &'s Instance, lessons: &[Lesson], budget: &'s mut Budget<'b>) -> Self {
        let (courses, periods) = (instance.courses.len(), instance.periods() as usize);
        let mut clashing = vec![false; courses * courses];
        for one in 0..courses {
            for two in 0..courses {
                clashing[one * courses + two] =
                    one == two || instance.courses[one].teacher == instance.courses[two].teacher;
            }
        }
        let mut curricula_of = vec![Vec::new(); courses];
        for (curriculum, index) in instance.curricula.iter().zip(0u32..) {
            for one in &curriculum.courses {
                curricula_of[*one as usize].push(index);
                curriculum
                    .courses
                    .iter()
                    .for_each(|two| clashing[*one as usize * courses + *two as usize] = true);
            }
        }
        let mut unavailable = vec![false; courses * periods];
        for (course, period) in &instance.unavailable {
            unavailable[*course as usize * periods + *period as usize] = true;
        }
        let mut at = vec![Vec::new(); periods];
        for (lesson, index) in lessons.iter().zip(0..) {
            at[lesson.period as usize].push(index);
        }
        Self {
            instance,
            budget,
            now: lessons.to_vec(),
            at,
            clashing,
            unavailable,
            fixed: vec![false; lessons.len()],
            curricula_of,
            best: None,
            stopped: false,
            placements: 0,
        }
    }

    /// Searches with exactly so many others that may move.
    fn start(&mut self, wish: Wish, others: usize) {
        self.lift(wish.lesson);
        let rooms = match wish.room {
            Some(room) => room..room + 1,
            None => 0..self.instance.rooms.len() as u32,
        };
        for room in rooms {
            self.place(wish.lesson, wish.period, room, &[], others);
        }
        let old = self.now[wish.lesson];
        self.at[old.period as usize].push(wish.lesson);
    }

    fn lift(&mut self, lesson: usize) {
        let period = self.now[lesson].period as usize;
        self.at[period].retain(|other| *other != lesson);
    }

    /// Puts a lesson into a cell, whoever stands in its way out, and goes on with those that wait. `left` others may still
    /// be put out.
    fn place(&mut self, lesson: usize, period: u32, room: u32, waiting: &[usize], left: usize) {
        if self.stopped || !self.budget.allows_looking_each(self.placements, LOOK) {
            self.stopped = true;
            return;
        }
        self.placements += 1;
        let courses = self.instance.courses.len();
        let course = self.now[lesson].course as usize;
        let periods = self.instance.periods() as usize;
        if self.unavailable[course * periods + period as usize] {
            return;
        }
        let in_the_way = |other: &&usize| {
            let held = &self.now[**other];
            held.room == room || self.clashing[course * courses + held.course as usize]
        };
        let out: Vec<usize> = self.at[period as usize].iter().filter(in_the_way).copied().collect();
        if out.len() > left || out.iter().any(|other| self.fixed[*other]) {
            return;
        }
        let before = self.now[lesson];
        out.iter().for_each(|other| self.lift(*other));
        self.now[lesson] = Lesson { period, room, ..before };
        self.at[period as usize].push(lesson);
        self.fixed[lesson] = true;
        let waiting: Vec<usize> = out.iter().chain(waiting).copied().collect();
        match waiting.split_first() {
            None => self.take(),
            Some((next, rest)) => self.elsewhere(*next, rest, left - out.len()),
        }
        self.fixed[lesson] = false;
        self.lift(lesson);
        self.now[lesson] = before;
        out.iter().for_each(|other| self.at[self.now[*other].period as usize].push(*other));
    }

    /// Tries every cell for a lesson that was put out, but where it was.
    fn elsewhere(&mut self, lesson: usize, rest: &[usize], left: usize) {
        let was = self.now[lesson];
        for period in 0..self.instance.periods() {
            for room in 0..self.instance.rooms.len() as u32 {
                if (period, room) != (was.period, was.room) {
                    self.place(lesson, period, room, rest, left);
                }
            }
        }
    }

    /// All stand: keeps it if it costs less than the best so far.
    fn take(&mut self) {
        let cost = self.cost();
        if self.best.as_ref().is_none_or(|(best, _)| cost < *best) {
            self.best = Some((cost, self.now.clone()));
        }
    }

    /// The cost of the courses that moved and of their curricula: what others cost does not change.
    fn cost(&self) -> u64 {
        let moved: Vec<u32> =
            (0..self.now.len()).filter(|at| self.fixed[*at]).map(|at| self.now[at].course).collect();
        let mut courses = moved.clone();
        courses.sort_unstable();
        courses.dedup();
        let mut curricula: Vec<u32> =
            courses.iter().flat_map(|course| &self.curricula_of[*course as usize]).copied().collect();
        curricula.sort_unstable();
        curricula.dedup();
        courses.iter().map(|course| self.cost_of_course(*course)).sum::<u64>()
            + curricula.iter().map(|curriculum| ISOLATED * self.isolated(*curriculum)).sum::<u64>()
    }

    fn cost_of_course(&self, course: u32) -> u64 {
        let own = self.now.iter().filter(|lesson| lesson.course == course);
        let what = &self.instance.courses[course as usize];
        let (mut days, mut rooms, mut short) = (Vec::new(), Vec::new(), 0);
        for lesson in own {
            days.push(lesson.period / self.instance.periods_per_day);
            rooms.push(lesson.room);
            short +=
                u64::from(what.students.saturating_sub(self.instance.rooms[lesson.room as usize].capacity));
        }
        let distinct = |list: &mut Vec<u32>| {
            list.sort_unstable();
            list.dedup();
            list.len() as u64
        };
        let missing = u64::from(what.min_days).saturating_sub(distinct(&mut days));
        SEAT * short + MISSING_DAY * missing + FURTHER_ROOM * distinct(&mut rooms).saturating_sub(1)
    }

    fn isolated(&self, curriculum: u32) -> u64 {
        let held = |period: u32| {
            let own = |at: &&usize| {
                let course = self.now[**at].course;
                self.curricula_of[course as usize].contains(&curriculum)
            };
            self.at[period as usize].iter().filter(own).count() as u64
        };
        let each = self.instance.periods_per_day;
        let all: Vec<u64> = (0..self.instance.periods()).map(held).collect();
        let alone = |period: &u32| {
            let (at, place) = (*period as usize, period % each);
            let before = place > 0 && all[at - 1] > 0;
            let after = place + 1 < each && all[at + 1] > 0;
            !before && !after
        };
        (0..self.instance.periods()).filter(alone).map(|period| all[period as usize]).sum()
    }
}
