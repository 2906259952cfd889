//! What a year's energy says of times and rooms: by how much it grows with a student more at a period, in a room, and with a room that is
//! opened on a day. So the search may weigh energy while it looks for a timetable, in which a year cannot be run for each move.
//!
//! Growth is taken beside a week in which every room is used at every period by as many as sit in it in the mean, one period and one day
//! after the other: some forty years of the building, a few milliseconds each.

use super::load::{Hours, Week, energy_of, row, run};
use crate::ctt::burden::Burden;
use crate::ctt::{Instance, Lesson};
use crate::energy::Building;
use crate::energy::schedule::{Program, Schedule};

/// The growth of energy, in mWh a year; `building` has a zone for each room, in the instance's order. Rooms are taken to be run by the
/// house's day, whatever `week` says: a day's hours are what opening it costs.
#[must_use]
pub fn burden(
    instance: &Instance,
    building: &Building,
    hours: Hours<'_>,
    lessons: &[Lesson],
    week: Week,
) -> Burden {
    let (rooms, periods) = (instance.rooms.len(), instance.periods());
    let usual = usual(instance, lessons);
    let energies = |people: &dyn Fn(usize, u32) -> Option<u32>| -> Vec<i64> {
        let cells = (0..rooms).flat_map(|room| (0..periods).map(move |period| (room, period)));
        let rows = cells.filter_map(|(room, period)| {
            people(room, period).map(|people| row(instance, week, (room as u32, period), people))
        });
        let year = run(building, hours, &Schedule::run_by(rows, Program::Day));
        (0..rooms).map(|room| energy_of(building, &year, room)).collect()
    };
    let all = energies(&|room, _| Some(usual[room]));
    let more: Vec<u32> = usual.iter().map(|people| (people / 10).max(1)).collect();
    // By period and room, what a student more takes.
    let grown: Vec<Vec<i64>> = (0..periods)
        .map(|at| {
            let then =
                energies(&|room, period| Some(usual[room] + if period == at { more[room] } else { 0 }));
            (0..rooms).map(|room| (then[room] - all[room]) / i64::from(more[room])).collect()
        })
        .collect();
    let of_day = instance.periods_per_day as usize;
    let mut opened = vec![0i64; rooms];
    for day in 0..instance.days {
        let without =
            energies(&|room, period| (period / instance.periods_per_day != day).then_some(usual[room]));
        for (room, opened) in opened.iter_mut().enumerate() {
            let students: i64 =
                grown[day as usize * of_day..][..of_day].iter().map(|grown| grown[room]).sum();
            // What goes with the people goes where they go.
            *opened += all[room] - without[room] - students * i64::from(usual[room]);
        }
    }
    let days = i64::from(instance.days).max(1);
    let mean = |sum: i64, count: usize| sum / count.max(1) as i64;
    Burden {
        at: grown.iter().map(|grown| mean(grown.iter().sum(), rooms)).collect(),
        room: (0..rooms).map(|room| mean(grown.iter().map(|grown| grown[room]).sum(), grown.len())).collect(),
        room_day: opened.iter().map(|sum| (sum / days).max(1)).collect(),
        percent: 100,
    }
}

/// How many sit in each room in the mean of its lectures; in a room without any, in the mean of all.
fn usual(instance: &Instance, lessons: &[Lesson]) -> Vec<u32> {
    let mean = |room: Option<u32>| {
        let own = lessons.iter().filter(|lesson| room.is_none_or(|room| room == lesson.room));
        let students = own.map(|lesson| instance.courses[lesson.course as usize].students);
        let (count, sum) = students.fold((0u64, 0u64), |(count, sum), own| (count + 1, sum + u64::from(own)));
        sum.checked_div(count).map(|mean| mean as u32)
    };
    let all = mean(None).unwrap_or(0);
    (0..instance.rooms.len() as u32).map(|room| mean(Some(room)).unwrap_or(all)).collect()
}
