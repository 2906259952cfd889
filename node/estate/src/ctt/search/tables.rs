//! What the search asks of an instance a hundred million times, as flat tables.

use super::ROOM_DAY;
use crate::ctt::burden::Burden;
use crate::ctt::instance::Instance;
use crate::ctt::keep::Keep;

/// Lists of numbers, one after the other.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    start: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    pub fn new<I: IntoIterator<Item = u32>>(lists: impl IntoIterator<Item = I>) -> Self {
        let mut all = Self { start: vec![0], items: Vec::new() };
        for list in lists {
            all.items.extend(list);
            all.start.push(all.items.len() as u32);
        }
        all
    }

    #[inline]
    pub fn of(&self, index: usize) -> &[u32] {
        &self.items[self.start[index] as usize..self.start[index + 1] as usize]
    }
}

/// The tables. Courses, periods, rooms, days and curricula are their indices; a cell is period × rooms + room.
#[derive(Debug, Clone)]
pub struct Tables {
    pub courses: usize,
    pub periods: usize,
    pub rooms: usize,
    pub days: usize,
    pub periods_per_day: usize,
    pub curricula: usize,
    /// Course of each lecture.
    pub course_of: Vec<u32>,
    /// Day and bit within the day of each period.
    pub day_of: Vec<u32>,
    pub bit_of: Vec<u32>,
    /// Students without a seat, by course × rooms + room.
    pub seats_short: Vec<i32>,
    pub min_days: Vec<i32>,
    /// Courses that cannot be held at the same time as this one; it is one of them.
    pub neighbours: Lists,
    /// The same by course × courses + course.
    pub clashing: Vec<bool>,
    pub curricula_of: Lists,
    /// By course × curricula + curriculum.
    pub is_in: Vec<bool>,
    /// Periods in which the course may be held; all of them for a course that has none.
    pub available: Lists,
    /// By course × periods + period.
    pub unavailable: Vec<bool>,
    /// Rooms in which the fewest students of the course lack a seat.
    pub fitting: Lists,
    /// By course × periods + period: what a lecture weighs there because its course was not held then, or by what the time costs; empty
    /// where neither is given.
    pub away: Vec<i32>,
    /// By course × rooms + room: the same for a room; one that its course was not in, half as much.
    pub away_room: Vec<i32>,
    /// By room: what a full day of it weighs; empty where all weigh [`ROOM_DAY`].
    pub room_days: Vec<i32>,
    /// Lectures that do not move; empty where none is pinned.
    pub fixed: Vec<bool>,
}

impl Tables {
    pub fn new(instance: &Instance) -> Self {
        let (courses, rooms) = (instance.courses.len(), instance.rooms.len());
        let (days, periods_per_day) = (instance.days as usize, instance.periods_per_day as usize);
        let (periods, curricula) = (days * periods_per_day, instance.curricula.len());
        let mut is_in = vec![false; courses * curricula];
        for (index, curriculum) in instance.curricula.iter().enumerate() {
            curriculum.courses.iter().for_each(|course| is_in[*course as usize * curricula + index] = true);
        }
        let mut clashing = vec![false; courses * courses];
        for curriculum in &instance.curricula {
            for one in &curriculum.courses {
                curriculum
                    .courses
                    .iter()
                    .for_each(|two| clashing[*one as usize * courses + *two as usize] = true);
            }
        }
        for one in 0..courses {
            for two in 0..courses {
                clashing[one * courses + two] |=
                    instance.courses[one].teacher == instance.courses[two].teacher;
            }
        }
        let mut unavailable = vec![false; courses * periods];
        for (course, period) in &instance.unavailable {
            unavailable[*course as usize * periods + *period as usize] = true;
        }
        let seats_short: Vec<i32> = (instance.courses.iter())
            .flat_map(|course| {
                instance.rooms.iter().map(|room| course.students.saturating_sub(room.capacity) as i32)
            })
            .collect();
        let chosen = |count: usize, wanted: &dyn Fn(usize) -> bool| -> Vec<u32> {
            let list: Vec<u32> =
                (0..count).filter(|index| wanted(*index)).map(|index| index as u32).collect();
            if list.is_empty() { (0..count as u32).collect() } else { list }
        };
        let lectures = instance.courses.iter().zip(0u32..);
        Self {
            courses,
            periods,
            rooms,
            days,
            periods_per_day,
            curricula,
            course_of: lectures.flat_map(|(c, index)| vec![index; c.lectures as usize]).collect(),
            day_of: (0..periods).map(|period| (period / periods_per_day) as u32).collect(),
            bit_of: (0..periods).map(|period| (period % periods_per_day) as u32).collect(),
            min_days: instance.courses.iter().map(|course| course.min_days as i32).collect(),
            neighbours: Lists::new((0..courses).map(|one| {
                (0..courses)
                    .filter(|two| clashing[one * courses + two])
                    .map(|two| two as u32)
                    .collect::<Vec<_>>()
            })),
            curricula_of: Lists::new((0..courses).map(|course| {
                let own = |index: &usize| is_in[course * curricula + index];
                (0..curricula).filter(own).map(|index| index as u32).collect::<Vec<_>>()
            })),
            available: Lists::new(
                (0..courses).map(|course| chosen(periods, &|period| !unavailable[course * periods + period])),
            ),
            fitting: Lists::new((0..courses).map(|course| {
                let short = &seats_short[course * rooms..(course + 1) * rooms];
                let least = short.iter().min().copied().unwrap_or_default();
                chosen(rooms, &|room| short[room] == least)
            })),
            clashing,
            is_in,
            unavailable,
            seats_short,
            away: Vec::new(),
            away_room: Vec::new(),
            room_days: Vec::new(),
            fixed: Vec::new(),
        }
    }

    /// Adds what times and rooms weigh, in units of which an opened day of a usual room takes [`ROOM_DAY`].
    pub fn burden(&mut self, instance: &Instance, burden: &Burden) {
        let Some(unit) = burden.unit(ROOM_DAY) else { return };
        let of_student = unit.percent(burden.percent);
        let add = |table: &mut Vec<i32>, of: &[i64]| {
            if of.is_empty() {
                return;
            }
            table.resize(instance.courses.len() * of.len(), 0);
            let least = of.iter().min().map_or(0, |least| i128::from(*least));
            for (row, course) in table.chunks_mut(of.len()).zip(&instance.courses) {
                for (weight, cost) in row.iter_mut().zip(of) {
                    *weight += of_student.of((i128::from(*cost) - least) * i128::from(course.students));
                }
            }
        };
        add(&mut self.away, &burden.at);
        add(&mut self.away_room, &burden.room);
        // Few room-days come first: each weighs more than where energy weighs nothing.
        self.room_days =
            burden.room_day.iter().map(|cost| 2 * ROOM_DAY + unit.of(i128::from(*cost))).collect();
    }

    /// What a full day of a room weighs.
    pub fn room_day(&self, room: usize) -> i32 {
        self.room_days.get(room).copied().unwrap_or(ROOM_DAY)
    }

    /// The most that a lecture weighs at a time and in a room.
    pub fn most_away(&self) -> i32 {
        let most = |table: &[i32]| table.iter().max().copied().unwrap_or(0);
        most(&self.away).max(most(&self.away_room))
    }

    /// Adds what is to be kept; says which lectures stand in which cells at the start, pinned ones first.
    pub fn keep(&mut self, keep: &Keep) -> Vec<(u32, u32)> {
        let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); self.courses];
        for (lecture, course) in self.course_of.iter().enumerate().rev() {
            waiting[*course as usize].push(lecture as u32);
        }
        let (mut placed, mut held) = (Vec::new(), vec![false; self.periods * self.rooms]);
        if !keep.pins.is_empty() {
            self.fixed = vec![false; self.course_of.len()];
        }
        let pinned = keep.pins.len();
        for (index, lesson) in keep.pins.iter().chain(&keep.given).enumerate() {
            let cell = lesson.period as usize * self.rooms + lesson.room as usize;
            if held[cell] {
                continue;
            }
            let Some(lecture) = waiting[lesson.course as usize].pop() else { continue };
            held[cell] = true;
            placed.push((lecture, cell as u32));
            if index < pinned {
                self.fixed[lecture as usize] = true;
            }
        }
        if keep.weight > 0 && !keep.given.is_empty() {
            let weight = keep.weight as i32;
            self.away = vec![weight; self.courses * self.periods];
            self.away_room = vec![(weight + 1) / 2; self.courses * self.rooms];
            for lesson in &keep.given {
                let course = lesson.course as usize;
                self.away[course * self.periods + lesson.period as usize] = 0;
                self.away_room[course * self.rooms + lesson.room as usize] = 0;
            }
        }
        placed
    }

    /// Whether a lecture is pinned.
    #[inline]
    pub fn is_fixed(&self, lecture: u32) -> bool {
        !self.fixed.is_empty() && self.fixed[lecture as usize]
    }

    /// What a lecture of a course weighs in a room: that the course was not in it, or what the room costs.
    #[inline]
    pub fn away_room(&self, course: usize, room: usize) -> i32 {
        if self.away_room.is_empty() { 0 } else { self.away_room[course * self.rooms + room] }
    }

    /// What a lecture of a course weighs at a period: that it was not held then, or what the time costs.
    #[inline]
    pub fn away(&self, course: usize, period: usize) -> i32 {
        if self.away.is_empty() { 0 } else { self.away[course * self.periods + period] }
    }
}
