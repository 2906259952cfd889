//! Two weeks by room as one SVG: a row a room, a column a period, the given timetable above the plan; what the plan closes and opens
//! is outlined in its week. A period in use is filled, a free one is an outline: nothing is told by colour alone.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::compare::open;
use crate::ctt::{Instance, Lesson};
use crate::xml::escape;

const CELL: usize = 12;
/// Between two days.
const GAP: usize = 4;
const LEFT: usize = 96;
const TOP: usize = 28;
/// What the legend needs.
const LEGEND: (usize, usize) = (330, 66);
/// From what width on a day is called by more than its number.
const NAMED: usize = 28;
/// Colours that stay apart in print and for most who see colours differently.
const COLOURS: [&str; 8] =
    ["#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377", "#bbbbbb", "#994455"];

/// What is to be said of a room-day of the plan.
#[derive(Debug, Clone, Copy)]
enum Mark {
    /// The given timetable opens it, the plan does not.
    Closed,
    /// The other way round.
    Opened,
}

/// Draws.
#[must_use]
pub fn picture(instance: &Instance, given: &[Lesson], plan: &[Lesson]) -> String {
    let (rooms, periods) = (instance.rooms.len(), instance.periods() as usize);
    let width = (LEFT + periods * CELL + instance.days as usize * GAP + 8).max(LEGEND.0);
    let one = TOP + rooms * CELL + 12;
    let height = 2 * one + LEGEND.1;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"9\">\n<title>Rooms in use, given and planned</title>\n"
    );
    week(&mut out, instance, ("given", given), 0);
    week(&mut out, instance, ("plan", plan), one);
    let (before, after) = (open(instance, given), open(instance, plan));
    let of_day = instance.periods_per_day as usize * CELL;
    let closed = before.difference(&after).map(|at| (at, Mark::Closed));
    for (&(room, day), kind) in closed.chain(after.difference(&before).map(|at| (at, Mark::Opened))) {
        let x = LEFT + day as usize * (of_day + GAP);
        let y = one + TOP + room as usize * CELL;
        let (told, name) = (kind.told(), escape(&instance.rooms[room as usize].name.to_string()));
        let _ = writeln!(out, "<g><title>{name} day {day}: {told}</title>");
        mark(&mut out, kind, (x, y), of_day - 1);
        out.push_str("</g>\n");
    }
    legend(&mut out, 2 * one + 4);
    out.push_str("</svg>\n");
    out
}

fn week(out: &mut String, instance: &Instance, (title, lessons): (&str, &[Lesson]), top: usize) {
    let of_day = instance.periods_per_day as usize;
    let _ = writeln!(out, "<text x=\"4\" y=\"{}\" font-size=\"11\">{title}</text>", top + 14);
    for day in 0..instance.days as usize {
        let (x, y) = (LEFT + day * (of_day * CELL + GAP), top + TOP - 4);
        let name = if of_day * CELL >= NAMED { "day " } else { "" };
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\">{name}{day}</text>");
    }
    let at: BTreeMap<(u32, u32), u32> =
        lessons.iter().map(|lesson| ((lesson.room, lesson.period), lesson.course)).collect();
    for (room, place) in instance.rooms.iter().zip(0u32..) {
        let y = top + TOP + place as usize * CELL;
        let name = escape(&room.name.to_string().chars().take(16).collect::<String>());
        let _ = writeln!(out, "<text x=\"4\" y=\"{}\">{name}</text>", y + CELL - 3);
        for period in 0..instance.periods() {
            let (day, hour) = (period as usize / of_day, period as usize % of_day);
            let x = LEFT + day * (of_day * CELL + GAP) + hour * CELL;
            match at.get(&(place, period)) {
                None => cell(out, (x, y), None, ""),
                Some(course) => {
                    let name = instance.courses[*course as usize].name.to_string();
                    cell(out, (x, y), Some(COLOURS[*course as usize % COLOURS.len()]), &name);
                }
            }
        }
    }
}

/// A period: filled where a course is held, an outline where none is.
fn cell(out: &mut String, (x, y): (usize, usize), colour: Option<&str>, course: &str) {
    let side = CELL - 1;
    let _ = match colour {
        Some(colour) => writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{side}\" height=\"{side}\" fill=\"{colour}\"><title>{}</title></rect>",
            escape(course)
        ),
        None => writeln!(
            out,
            "<rect x=\"{x}.5\" y=\"{y}.5\" width=\"{0}\" height=\"{0}\" fill=\"none\" stroke=\"#c8c8c8\"/>",
            side - 1
        ),
    };
}

impl Mark {
    fn told(self) -> &'static str {
        match self {
            Self::Closed => "closed by the plan",
            Self::Opened => "opened by the plan",
        }
    }
}

/// A dashed frame that is struck through for what is closed, a whole one for what is opened.
fn mark(out: &mut String, kind: Mark, (x, y): (usize, usize), width: usize) {
    let (side, dashes) =
        (CELL - 1, if matches!(kind, Mark::Closed) { " stroke-dasharray=\"3 2\"" } else { "" });
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{side}\" fill=\"none\" stroke=\"#222222\" stroke-width=\"1.5\"{dashes}/>"
    );
    if matches!(kind, Mark::Closed) {
        let (right, bottom) = (x + width, y + side);
        let _ = writeln!(out, "<path d=\"M{x} {bottom}L{right} {y}\" stroke=\"#222222\"/>");
    }
}

fn legend(out: &mut String, top: usize) {
    let text = |out: &mut String, line: usize, told: &str| {
        let _ = writeln!(out, "<text x=\"46\" y=\"{}\">{told}</text>", top + line * 15 + CELL - 3);
    };
    cell(out, (4, top), Some(COLOURS[0]), "a course");
    text(out, 0, "in use; point at it for its course");
    cell(out, (4, top + 15), None, "");
    text(out, 1, "free");
    for (line, kind) in [(2, Mark::Closed), (3, Mark::Opened)] {
        mark(out, kind, (4, top + line * 15), 3 * CELL - 1);
        text(out, line, &format!("a room's day that is {}", kind.told()));
    }
}
