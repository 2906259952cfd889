//! Use by room and day as a map of shades, and each room's week as a table that opens.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::grid::Grid;
use super::{ink, scale, shade};
use crate::fit::Date;
use crate::xml::escape;

const ROW: usize = 18;
/// Most and least of a day's width.
const COLUMN: usize = 46;
const LEAST_COLUMN: usize = 34;
/// What a telephone 390 pixels wide leaves between the edges of a part: a school week fits without being pushed aside.
const PHONE: usize = 322;
/// Letters of a room's name, and how wide one is.
const NAME: usize = 16;
const LETTER: usize = 6;
const TOP: usize = 22;

/// A map for the schedule in use, and one for the plan beside it.
pub fn heatmaps(today: &Grid, plan: Option<&Grid>) -> String {
    let rooms: BTreeSet<&String> =
        today.rooms.keys().chain(plan.iter().flat_map(|grid| grid.rooms.keys())).collect();
    if rooms.is_empty() {
        return "<p class=\"note\">No lesson of the schedule has a room.</p>\n".to_owned();
    }
    let longest = rooms.iter().map(|room| room.chars().count().min(NAME)).max().unwrap_or(0);
    let left = 14 + longest * LETTER;
    let mut out = scale();
    out.push_str("<div class=\"two\">\n");
    for (name, grid) in [("today", Some(today)), ("plan", plan)] {
        let Some(grid) = grid else { continue };
        let (opened, used) = grid.opened();
        let told = format!("{name}: {opened} room-days opened, {:.0}% of their periods used", 100.0 * used);
        let column = (PHONE.saturating_sub(left + 4) / grid.days.len().max(1)).clamp(LEAST_COLUMN, COLUMN);
        let (width, height) = (left + grid.days.len() * column + 4, TOP + rooms.len() * ROW + 4);
        let _ = writeln!(
            out,
            "<figure style=\"margin:0\"><figcaption>{told}</figcaption><div class=\"wide\">\n<svg role=\"img\" viewBox=\"0 0 {width} \
             {height}\" width=\"{width}\" height=\"{height}\" font-size=\"11\"><title>{told}</title>"
        );
        for (place, day) in grid.days.iter().enumerate() {
            let x = left + place * column + column / 2;
            let short = escape(&short(day));
            let _ = writeln!(out, "<text x=\"{x}\" y=\"15\" text-anchor=\"middle\">{short}</text>");
        }
        for (row, room) in rooms.iter().enumerate() {
            let y = TOP + row * ROW;
            let short: String = room.chars().take(NAME).collect();
            let _ = writeln!(out, "<text x=\"2\" y=\"{}\">{}</text>", y + 13, escape(&short));
            for day in 0..grid.days.len() {
                let share = grid.share_of_day(room, day);
                let x = left + day * column;
                let _ = writeln!(
                    out,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"{}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"middle\" \
                     fill=\"{}\">{:.0}</text>",
                    column - 2,
                    ROW - 2,
                    shade(share),
                    x + column / 2 - 1,
                    y + 12,
                    ink(share),
                    100.0 * share
                );
            }
        }
        out.push_str("</svg></div></figure>\n");
    }
    out.push_str("</div>\n");
    if today.more {
        out.push_str("<p class=\"note\">The first week of the schedule.</p>\n");
    }
    out
}

/// A day as wide as a narrow column: of a date its month and day.
fn short(day: &str) -> String {
    let own = if Date::read(day).is_ok() { day.get(5..).unwrap_or(day) } else { day };
    own.chars().take(5).collect()
}

/// Each room's week; what the plan has there stands under what is there today.
pub fn weeks(today: &Grid, plan: Option<&Grid>) -> String {
    let rooms: BTreeSet<&String> =
        today.rooms.keys().chain(plan.iter().flat_map(|grid| grid.rooms.keys())).collect();
    let mut out = String::new();
    for room in rooms {
        let share = |grid: &Grid| format!("{:.0}%", 100.0 * grid.share(room));
        let planned = plan.map_or(String::new(), |grid| format!(", by the plan {}", share(grid)));
        let _ = writeln!(
            out,
            "<details><summary>{} <span class=\"when\">{}{planned}</span></summary>",
            escape(room),
            share(today)
        );
        table(&mut out, today, room, "today");
        if let Some(plan) = plan {
            table(&mut out, plan, room, "plan");
        }
        out.push_str("</details>\n");
    }
    out
}

fn table(out: &mut String, grid: &Grid, room: &str, name: &str) {
    let _ = write!(out, "<div class=\"wide\"><table><tr><th>{name}</th>");
    for day in &grid.days {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(day));
    }
    out.push_str("</tr>\n");
    let held = grid.rooms.get(room);
    for (place, period) in grid.periods.iter().enumerate() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escape(period));
        for day in 0..grid.days.len() {
            let names = held
                .and_then(|held| held.get(&(day, place)))
                .map(|names| names.join(" + "))
                .unwrap_or_default();
            let _ = write!(out, "<td>{}</td>", escape(&names));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table></div>\n");
}
