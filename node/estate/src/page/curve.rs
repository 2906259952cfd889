//! The building's load hour by hour: the mean week of each schedule, and what the year comes to.

use std::fmt::Write;

use super::{plain, round_up};
use crate::table::Table;
use crate::text::Unreadable;
use crate::xml::escape;

const HOURS: usize = 168;
/// Each schedule's colour and dashes: read by these where colours are not seen, or not printed.
const STROKES: [(&str, &str); 6] = [
    ("#1d2a30", "none"),
    ("#b3442e", "7 3"),
    ("#1c5a7a", "2 3"),
    ("#2c6e3f", "9 3 2 3"),
    ("#8a5a00", "14 4"),
    ("#6b3d8f", "4 6"),
];
const WIDTH: f64 = 840.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 12.0;

/// Loads by hour, a list for each schedule.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curves {
    /// What each is called, and its hours in W.
    pub curves: Vec<(String, Vec<f64>)>,
}

/// Reads what `aula estate scenario` and `aula estate plan` write: hour, then a column in W for each schedule.
///
/// # Errors
/// When there is no such column, or a load is no number.
pub fn read_curves(bytes: &[u8]) -> Result<Curves, Unreadable> {
    let table = Table::read(bytes)?;
    let columns: Vec<usize> =
        (0..table.header().len()).filter(|at| table.header()[*at].ends_with("_w")).collect();
    if columns.is_empty() || columns.len() > STROKES.len() {
        let what = format_args!("1 to {} columns whose names end in _w are loads", STROKES.len());
        return Err(Unreadable::at("header", what));
    }
    let mut curves = Vec::new();
    for column in columns {
        let mut hours = Vec::with_capacity(table.rows().len());
        for (index, row) in table.rows().iter().enumerate() {
            let load =
                row[column].trim().parse::<f64>().ok().filter(|load| load.is_finite() && load.abs() < 1e15);
            hours.push(load.ok_or_else(|| {
                Unreadable::at(format_args!("row {}", index + 1), "a load is a number of W")
            })?);
        }
        let name = table.header()[column].trim_end_matches("_w");
        curves.push((if name == "now" { "today" } else { name }.to_owned(), hours));
    }
    Ok(Curves { curves })
}

/// The mean of each hour of the week, from the file's first hour on.
fn mean_week(hours: &[f64]) -> Vec<f64> {
    let length = HOURS.min(hours.len());
    let mean = |hour: usize| {
        let all = hours.iter().skip(hour).step_by(HOURS);
        all.clone().sum::<f64>() / all.count().max(1) as f64
    };
    (0..length).map(mean).collect()
}

pub fn draw(curves: &Curves, beside_plan: bool) -> String {
    let weeks: Vec<Vec<f64>> = curves.curves.iter().map(|(_, hours)| mean_week(hours)).collect();
    let top = round_up(weeks.iter().flatten().copied().fold(0.0, f64::max) / 1000.0 / 4.0) * 4.0;
    let length = weeks.iter().map(Vec::len).max().unwrap_or(0).max(2);
    let x = |hour: usize| LEFT + hour as f64 * (WIDTH - LEFT - 8.0) / (length - 1) as f64;
    let y = |kw: f64| TOP + HEIGHT * (1.0 - kw / top);
    let (full, foot) = (TOP + HEIGHT + 24.0, TOP + HEIGHT + 16.0);
    let mut out = format!(
        "<div class=\"wide\"><svg role=\"img\" viewBox=\"0 0 {WIDTH} {full}\" width=\"{WIDTH}\" height=\"{full}\" font-size=\"11\">\
         <title>Mean load of each hour of the week in kW</title>\n"
    );
    for step in 0..=4 {
        let kw = top * f64::from(step) / 4.0;
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {0:.1}H{WIDTH}\" stroke=\"#d5dbde\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}{4}</text>",
            y(kw),
            LEFT - 6.0,
            y(kw) + 4.0,
            if top < 4.0 { format!("{kw:.1}") } else { plain(kw) },
            if step == 4 { " kW" } else { "" }
        );
    }
    for day in 0..length.div_ceil(24) {
        let at = x((day * 24).min(length - 1));
        let _ = writeln!(
            out,
            "<path d=\"M{at:.1} {TOP}V{:.1}\" stroke=\"#d5dbde\"/><text x=\"{:.1}\" y=\"{foot}\">day {}</text>",
            TOP + HEIGHT,
            at + 3.0,
            day + 1
        );
    }
    for (week, (colour, dashes)) in weeks.iter().zip(STROKES) {
        let points: Vec<String> =
            week.iter().enumerate().map(|(hour, w)| format!("{:.1},{:.1}", x(hour), y(w / 1000.0))).collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\" stroke-dasharray=\"{dashes}\"/>",
            points.join(" ")
        );
    }
    out.push_str("</svg></div>\n<table><tr><th>schedule</th><th>kWh in all</th><th>highest hour, kW</th><th>change</th></tr>\n");
    let total = |hours: &[f64]| hours.iter().sum::<f64>() / 1000.0;
    let first = curves.curves.first().map_or(0.0, |(_, hours)| total(hours));
    for (index, ((name, hours), (colour, dashes))) in curves.curves.iter().zip(STROKES).enumerate() {
        let highest = hours.iter().copied().fold(0.0, f64::max) / 1000.0;
        let change = if index > 0 && first > 0.0 {
            format!("{:+.1}%", 100.0 * (total(hours) / first - 1.0))
        } else {
            String::new()
        };
        let _ = writeln!(
            out,
            "<tr><td><svg width=\"36\" height=\"8\" style=\"display:inline-block\" aria-hidden=\"true\"><path d=\"M0 4H36\" stroke=\"{colour}\" \
             stroke-width=\"3\" stroke-dasharray=\"{dashes}\"/></svg> {}</td><td class=\"num\">{}</td><td class=\"num\">{highest:.1}</td><td class=\"num\">{change}</td></tr>",
            if beside_plan && index == 1 { "plan".to_owned() } else { escape(name) },
            plain(total(hours))
        );
    }
    out.push_str("</table>\n<p class=\"note\">Heating, cooling, lights and plugs by the hourly method of ISO 13790: no moisture, no plant dynamics, no air between zones.</p>\n");
    out
}
