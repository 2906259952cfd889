//! The estate as one page: campus, use of rooms, the week by room, load of today against a plan, what is to come, conflicts.
//!
//! The page is one HTML file that loads nothing: no script, no other host, pictures as SVG in it. Each part is there when
//! what it shows is given. `grid` counts who uses which room when; `campus`, `week`, `curve` and `ahead` draw.

mod ahead;
mod campus;
mod curve;
mod grid;
#[cfg(test)]
mod tests;
mod week;

use std::fmt::Write;

use crate::check::Conflict;
use crate::check::estate::{Estate, text};
use crate::check::schedule::Schedule;
use crate::forecast::{Forecast, History};
use crate::xml::escape;

pub use curve::{Curves, read_curves};
use grid::Grid;

/// Conflicts that are listed by name.
const MOST_CONFLICTS: usize = 100;

/// What a page shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Content<'a> {
    /// Whose estate.
    pub title: &'a str,
    /// Buildings, rooms and where they are.
    pub estate: Option<&'a Estate>,
    /// The schedule in use.
    pub today: Option<&'a Schedule>,
    /// A proposal beside it.
    pub plan: Option<&'a Schedule>,
    /// The building's hours under both.
    pub load: Option<&'a Curves>,
    /// What was, and what is to come.
    pub ahead: Option<(&'a History, &'a [Forecast])>,
    /// What is wrong with the schedule in use.
    pub conflicts: &'a [Conflict],
}

/// HTML that loads nothing.
#[must_use]
pub fn page(content: &Content<'_>) -> String {
    let title = escape(content.title);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src \
         'none'; style-src 'unsafe-inline'\">\n<title>{title}</title>\n<style>{}</style>\n</head>\n<body>\n<header><h1>{title}</h1>",
        include_str!("page/page.css")
    );
    let given: Vec<&Schedule> = content.today.into_iter().chain(content.plan).collect();
    let mut grids = Grid::of(&given).into_iter();
    let today = content.today.and_then(|_| grids.next());
    let plan = content.plan.and_then(|_| grids.next());
    let mut parts: Vec<(&str, &str, String)> = Vec::new();
    let mut part = |id: &'static str, name: &'static str, html: String| {
        if !html.is_empty() {
            parts.push((id, name, html));
        }
    };
    if content.today.is_some() {
        part("alerts", "Alerts", alerts(content.conflicts));
    }
    if let Some(estate) = content.estate {
        part("campus", "Campus", campus::campus(estate, today.as_ref(), plan.as_ref()));
    }
    if let Some(today) = &today {
        part("use", "Use of rooms", week::heatmaps(today, plan.as_ref()));
        part("week", "The week by room", week::weeks(today, plan.as_ref()));
    }
    if let Some(load) = content.load {
        // What `aula estate plan` writes beside today is the plan.
        part("load", "Load", curve::draw(load, content.plan.is_some() && load.curves.len() == 2));
    }
    if let Some((history, forecasts)) = content.ahead {
        part("ahead", "What is to come", ahead::draw(history, forecasts));
    }
    out.push_str("<nav>");
    for (id, name, _) in &parts {
        let _ = write!(out, "<a href=\"#{id}\">{name}</a> ");
    }
    out.push_str("</nav></header>\n<main>\n");
    for (id, name, html) in &parts {
        let _ = writeln!(out, "<section id=\"{id}\"><h2>{name}</h2>\n{html}</section>");
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn alerts(conflicts: &[Conflict]) -> String {
    if conflicts.is_empty() {
        return "<p class=\"good\">No conflict in the schedule in use.</p>\n".to_owned();
    }
    let many = if conflicts.len() == 1 { "conflict" } else { "conflicts" };
    let mut out = format!("<p class=\"bad\">{} {many} in the schedule in use.</p>\n<ul>\n", conflicts.len());
    for one in conflicts.iter().take(MOST_CONFLICTS) {
        let period =
            if one.period.is_null() { String::new() } else { format!(", period {}", text(&one.period)) };
        let (kind, what, when) =
            (escape(one.kind), escape(&one.what), escape(&format!("day {}{period}", text(&one.day))));
        let _ = writeln!(out, "<li><b>{kind}</b> {what} <span class=\"when\">{when}</span></li>");
    }
    out.push_str("</ul>\n");
    if conflicts.len() > MOST_CONFLICTS {
        let _ = writeln!(
            out,
            "<p>The first {MOST_CONFLICTS} are named; <code>aula estate check</code> names all.</p>"
        );
    }
    out
}

/// A share from 0 to 1 as one of a sequence of colours that grows darker; those who see colours differently see that too.
fn shade(share: f64) -> &'static str {
    const STEPS: [&str; 6] = ["#f2f2ee", "#d8e6ea", "#abcdd9", "#74abc2", "#3f84a3", "#1c5a7a"];
    let step = (share.clamp(0.0, 1.0) * 5.0).ceil() as usize;
    STEPS[step.min(5)]
}

/// Ink that is read on such a shade.
fn ink(share: f64) -> &'static str {
    if share > 0.6 { "#ffffff" } else { "#1d2a30" }
}

/// What the shades mean.
fn scale() -> String {
    let mut out = String::from("<p class=\"scale\">periods used: ");
    for (step, name) in ["none", "to 20%", "to 40%", "to 60%", "to 80%", "more"].into_iter().enumerate() {
        let _ = write!(out, "<span><i style=\"background:{}\"></i>{name}</span> ", shade(step as f64 / 5.0));
    }
    out.push_str("</p>\n");
    out
}

/// A number for people.
fn plain(value: f64) -> String {
    let whole = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    if value < -0.5 { format!("−{grouped}") } else { grouped }
}

/// The least of some round numbers × a power of ten that is at least a value.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= value * 0.999_999)
        .unwrap_or(value)
}
