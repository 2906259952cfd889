//! Where lessons sit whose rooms are taken out: by a closure, an evacuated building or a day that is too warm.
//!
//! Lessons that start together are seated at once by the allocation optimizer: a lesson asks, a room that is free for all of it is a
//! pool of one place, and the waiting list is dearer than any way. So as many students as can be sit, and among those answers
//! the one with the least way and the fewest seats left over is taken. Lessons that start later find the earlier ones seated.
//! Whoever no single room holds is spread over as few free rooms as hold them, in parts that share their time and teacher: that is
//! said, not decided.

mod free;
mod heat;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use aula_allocation::problem::{Entry, Pool, Problem, ProblemError};
use aula_allocation::{Limits, SolveError, solve};
use serde::Serialize;
use serde_json::Value;

use crate::check::estate::{Closure, Estate, Room, text};
use crate::check::schedule::{Lesson, Schedule};
use crate::table::quoted;
use crate::text::Unreadable;
use free::Free;

pub use heat::{Warm, WarmDay, warm_day};

/// What a student who does not sit costs: more than all ways of a thousand lessons together.
const WAITING: i32 = 1_000_000;
/// Students beyond which a lesson counts no more.
const MOST_COUNTED: u32 = 1_000;
const OTHER_SITE: u32 = 400;
const OTHER_BUILDING: u32 = 200;
const A_FLOOR: u32 = 20;
const MOST_WAY: u32 = 150;
const MOST_SPARE: u32 = 200;

/// A lesson that cannot stay.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// Which of the schedule's lessons.
    #[serde(skip)]
    pub index: usize,
    /// What it is called.
    pub lesson: String,
    /// Its week, where the schedule has several.
    pub week: Option<u32>,
    /// As the schedule writes it.
    pub day: Value,
    /// As the schedule writes it.
    pub period: Value,
    /// Who attends.
    pub groups: Vec<String>,
    /// Seats that are sought.
    pub seats: u32,
    /// Its own room.
    pub from: String,
    /// Where it sits: one room, several that share it, or none.
    pub to: Vec<String>,
    /// Metres between the rooms on their floor's plan, where both are on it and there is one room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metres: Option<u32>,
}

/// What became of those that cannot stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Reseated {
    /// Lessons that cannot stay.
    pub displaced: usize,
    /// Those that sit in one other room.
    pub seated: usize,
    /// Those that sit in several.
    pub spread: usize,
    /// Those that sit nowhere.
    pub without: usize,
    /// Seats sought by those that sit nowhere.
    pub seats_missing: u64,
    /// Each of them, in order of time.
    pub moved: Vec<Moved>,
}

/// Reads `WHAT[@DAY[,PERIOD]]`: a room, `building:ID`, `site:ID` or `all`, closed on a day of the schedule or on all of them.
///
/// # Errors
/// When the estate has no such thing, or the day is not valid.
pub fn closures(wish: &str, estate: &Estate, schedule: &Schedule) -> Result<Vec<Closure>, Unreadable> {
    let known = |id: &str| estate.rooms.iter().any(|room| room.id == id);
    let (what, when) = match wish.rsplit_once('@') {
        Some((what, when)) if !known(wish) => (what, Some(when)),
        _ => (wish, None),
    };
    let rooms: Vec<&Room> = match what.split_once(':').filter(|_| !known(what)) {
        Some(("building", id)) => of_buildings(estate, |house| house.id == id),
        Some(("site", id)) => of_buildings(estate, |house| house.site == id),
        _ if what == "all" && !known(what) => estate.rooms.iter().collect(),
        _ => estate.rooms.iter().filter(|room| room.id == what).collect(),
    };
    if rooms.is_empty() {
        let hint = "write ROOM, building:ID, site:ID or all, and @DAY or @DAY,PERIOD behind it";
        return Err(Unreadable::at(
            format_args!("{wish:?}"),
            format_args!("the estate has no such rooms; {hint}"),
        ));
    }
    let (days, period) = match when {
        None => (every_day(schedule), None),
        Some(when) => {
            let (day, period) =
                when.split_once(',').map_or((when, None), |(day, period)| (day, Some(period)));
            crate::check::table::day(day).map_err(|what| Unreadable::at(format_args!("{wish:?}"), what))?;
            (vec![Value::from(day)], period)
        }
    };
    let one = |room: &Room, day: &Value| Closure {
        room: Some(room.id.clone()),
        week: None,
        day: day.clone(),
        period: period.map(Value::from),
    };
    Ok(rooms.iter().flat_map(|room| days.iter().map(move |day| one(room, day))).collect())
}

fn of_buildings(estate: &Estate, wanted: impl Fn(&crate::check::estate::House) -> bool) -> Vec<&Room> {
    let houses: Vec<&str> =
        estate.buildings.iter().filter(|house| wanted(house)).map(|house| house.id.as_str()).collect();
    let own = |room: &&Room| room.building.as_deref().is_some_and(|house| houses.contains(&house));
    estate.rooms.iter().filter(own).collect()
}

fn every_day(schedule: &Schedule) -> Vec<Value> {
    let days: BTreeMap<String, &Value> =
        schedule.lessons.iter().map(|lesson| (text(&lesson.day), &lesson.day)).collect();
    days.into_values().cloned().collect()
}

/// Seats every lesson whose room one of the estate's closures takes out.
///
/// # Errors
/// When more lessons start at once than the optimizer takes.
pub fn reseat(schedule: &Schedule, estate: &Estate) -> Result<Reseated, Unreadable> {
    reseat_others(schedule, estate, &BTreeSet::new())
}

/// The same, but some lessons stay in their rooms, closed or not, and hold them.
///
/// # Errors
/// As [`reseat`].
pub fn reseat_others(
    schedule: &Schedule,
    estate: &Estate,
    stay: &BTreeSet<usize>,
) -> Result<Reseated, Unreadable> {
    let mut free = Free::new(schedule, estate, stay);
    let mut displaced: Vec<usize> = free.displaced().to_vec();
    displaced.sort_by_key(|index| (schedule.lessons[*index].start, *index));
    let mut answer = Reseated { displaced: displaced.len(), ..Reseated::default() };
    for together in
        displaced.chunk_by(|one, two| schedule.lessons[*one].start == schedule.lessons[*two].start)
    {
        let rooms = assign(schedule, estate, &free, together)?;
        for (index, room) in together.iter().zip(&rooms) {
            if let Some(room) = room {
                free.take(*room, &schedule.lessons[*index]);
            }
        }
        // The largest first: what is left is worth most to it.
        let mut left: Vec<usize> = (0..together.len()).filter(|at| rooms[*at].is_none()).collect();
        left.sort_by_key(|at| (std::cmp::Reverse(free.seats(together[*at])), *at));
        let mut to: Vec<Vec<usize>> = rooms.iter().map(|room| room.iter().copied().collect()).collect();
        for at in left {
            to[at] = spread(schedule, estate, &mut free, together[at]);
        }
        for (index, rooms) in together.iter().zip(to) {
            answer.enter(estate, (*index, &schedule.lessons[*index]), free.seats(*index), &rooms);
        }
    }
    Ok(answer)
}

impl Reseated {
    fn enter(&mut self, estate: &Estate, (index, lesson): (usize, &Lesson), seats: u32, rooms: &[usize]) {
        match rooms.len() {
            0 => {
                self.without += 1;
                self.seats_missing += u64::from(seats);
            }
            1 => self.seated += 1,
            _ => self.spread += 1,
        }
        let own = estate.rooms.iter().find(|room| room.id == lesson.room);
        let metres = match (rooms, own) {
            ([one], Some(own)) => metres(own, &estate.rooms[*one]),
            _ => None,
        };
        self.moved.push(Moved {
            index,
            lesson: lesson.name.clone(),
            week: lesson.week,
            day: lesson.day.clone(),
            period: lesson.period.clone(),
            groups: lesson.groups.clone(),
            seats,
            from: lesson.room.clone(),
            to: rooms.iter().map(|room| estate.rooms[*room].id.clone()).collect(),
            metres,
        });
    }
}

/// The best rooms of lessons that start together.
fn assign(
    schedule: &Schedule,
    estate: &Estate,
    free: &Free<'_>,
    together: &[usize],
) -> Result<Vec<Option<usize>>, Unreadable> {
    let waiting = estate.rooms.len();
    let (mut row_start, mut entries) = (vec![0u32], Vec::new());
    for index in together {
        let lesson = &schedule.lessons[*index];
        let (seats, own) = (free.seats(*index), free.own(*index));
        for (at, room) in estate.rooms.iter().enumerate() {
            if room.capacity >= seats && free.is_free(at, lesson) {
                let spare = (room.capacity - seats).min(MOST_SPARE);
                let cost = spare + own.map_or(0, |own| way(estate, &estate.rooms[own], room));
                entries.push(Entry { pool: at as u32, cost: cost as i32 });
            }
        }
        let counted = 1 + seats.min(MOST_COUNTED) as i32;
        entries.push(Entry { pool: waiting as u32, cost: counted * WAITING });
        row_start.push(entries.len() as u32);
    }
    let mut pools = vec![Pool { capacity: 1, floor: 0 }; waiting];
    pools.push(Pool { capacity: together.len() as u32, floor: 0 });
    let fault =
        |error: String| Unreadable::at(format_args!("{} lessons that start together", together.len()), error);
    let problem =
        Problem::lists(pools, row_start, entries).map_err(|error: ProblemError| fault(error.to_string()))?;
    let solution = solve(&problem.with_waitlist(), &Limits::default())
        .map_err(|error: SolveError| fault(error.to_string()))?;
    let room = |pool: &u32| (*pool as usize != waiting).then_some(*pool as usize);
    Ok(solution.assignment.iter().map(room).collect())
}

/// What the way from one room to another costs, where the estate knows it.
fn way(estate: &Estate, from: &Room, to: &Room) -> u32 {
    if from.building != to.building {
        let site = |room: &Room| {
            let house = estate.buildings.iter().find(|house| Some(&house.id) == room.building.as_ref())?;
            Some(house.site.as_str())
        };
        return if site(from) == site(to) { OTHER_BUILDING } else { OTHER_SITE };
    }
    match (from.place, to.place) {
        (Some(one), Some(two)) if one.floor != two.floor => {
            u32::from(one.floor.abs_diff(two.floor)).saturating_mul(A_FLOOR).min(MOST_WAY)
        }
        _ => metres(from, to).unwrap_or(0).min(MOST_WAY),
    }
}

/// Between the middles of two rooms of a floor.
fn metres(from: &Room, to: &Room) -> Option<u32> {
    let (one, two) = (from.place?, to.place?);
    if from.building != to.building || one.floor != two.floor {
        return None;
    }
    let middle = |at: f64, size: f64| at + size / 2.0;
    let x = middle(one.x, one.width) - middle(two.x, two.width);
    let y = middle(one.y, one.depth) - middle(two.y, two.depth);
    Some((x * x + y * y).sqrt().round() as u32)
}

/// As few free rooms as hold a lesson: the largest, and of those that end it the smallest.
fn spread(schedule: &Schedule, estate: &Estate, free: &mut Free<'_>, index: usize) -> Vec<usize> {
    let lesson = &schedule.lessons[index];
    let mut open: Vec<usize> = (0..estate.rooms.len())
        .filter(|at| estate.rooms[*at].capacity > 0 && free.is_free(*at, lesson))
        .collect();
    open.sort_by_key(|at| (estate.rooms[*at].capacity, std::cmp::Reverse(*at)));
    let (mut left, mut taken) = (free.seats(index), Vec::new());
    while left > 0 {
        let enough = open.iter().position(|at| estate.rooms[*at].capacity >= left);
        let Some(at) = enough.or(open.len().checked_sub(1)) else { return Vec::new() };
        let room = open.remove(at);
        left = left.saturating_sub(estate.rooms[room].capacity);
        taken.push(room);
    }
    taken.iter().for_each(|room| free.take(*room, lesson));
    taken
}

/// lesson,week,day,period,seats,from,to,metres; several rooms are joined by `;`.
#[must_use]
pub fn to_csv(moved: &[Moved]) -> String {
    use std::fmt::Write;
    let mut out = String::from("lesson,week,day,period,seats,from,to,metres\n");
    for one in moved {
        let week = one.week.map(|week| week.to_string()).unwrap_or_default();
        let metres = one.metres.map(|metres| metres.to_string()).unwrap_or_default();
        let (day, period) = (quoted(&text(&one.day)), quoted(&text(&one.period)));
        let (lesson, from, to) = (quoted(&one.lesson), quoted(&one.from), quoted(&one.to.join(";")));
        let _ = writeln!(out, "{lesson},{week},{day},{period},{},{from},{to},{metres}", one.seats);
    }
    out
}
