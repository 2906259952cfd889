//! Two weeks by room as one SVG: a row a room, a column a period, the given timetable above the plan.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::ctt::{Instance, Lesson};

const CELL: usize = 12;
const LEFT: usize = 96;
const TOP: usize = 28;
/// Colours that stay apart in print and for most who see colours differently.
const COLOURS: [&str; 8] =
    ["#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb", "#994455"];

/// Draws.
#[must_use]
pub fn picture(instance: &Instance, given: &[Lesson], plan: &[Lesson]) -> String {
    let (rooms, periods) = (instance.rooms.len(), instance.periods() as usize);
    let of_day = instance.periods_per_day as usize;
    let width = LEFT + periods * CELL + instance.days as usize * 4 + 8;
    let one = TOP + rooms * CELL + 12;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{}\" viewBox=\"0 0 {width} {}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"9\">\n<title>Rooms in use, given and planned</title>\n",
        2 * one,
        2 * one
    );
    for (index, (title, lessons)) in [("given", given), ("plan", plan)].into_iter().enumerate() {
        let top = index * one;
        let _ = writeln!(out, "<text x=\"4\" y=\"{}\" font-size=\"11\">{title}</text>", top + 14);
        let at: BTreeMap<(u32, u32), u32> =
            lessons.iter().map(|lesson| ((lesson.room, lesson.period), lesson.course)).collect();
        for (room, place) in instance.rooms.iter().zip(0..) {
            let y = top + TOP + place * CELL;
            let name = crate::xml::escape(&room.name.to_string().chars().take(16).collect::<String>());
            let _ = writeln!(out, "<text x=\"4\" y=\"{}\">{name}</text>", y + CELL - 3);
            for period in 0..periods {
                let x = LEFT + period * CELL + period / of_day * 4;
                let held = at.get(&(place as u32, period as u32));
                let colour = held.map_or("#f4f4f4", |course| COLOURS[*course as usize % COLOURS.len()]);
                let side = CELL - 1;
                let _ = write!(
                    out,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{colour}\">"
                );
                if let Some(course) = held {
                    let course = instance.courses[*course as usize].name.to_string();
                    let _ = write!(out, "<title>{}</title>", crate::xml::escape(&course));
                }
                out.push_str("</rect>\n");
            }
        }
    }
    out.push_str("</svg>\n");
    out
}
