//! Histories and what is to come, with the interval that holds four in five.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{plain, round_up};
use crate::forecast::{Forecast, History};
use crate::xml::escape;

/// Series that are drawn: the largest.
const MOST: usize = 24;
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 130.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 8.0;

pub fn draw(history: &History, forecasts: &[Forecast]) -> String {
    let mut by_key: BTreeMap<_, Vec<&Forecast>> = BTreeMap::new();
    forecasts.iter().for_each(|one| by_key.entry(&one.key).or_default().push(one));
    let mut all: Vec<_> = history.cells.iter().filter(|(key, _)| by_key.contains_key(key)).collect();
    let last = |values: &BTreeMap<i64, f64>| values.values().next_back().copied().unwrap_or(0.0);
    all.sort_by(|one, two| last(two.1).total_cmp(&last(one.1)).then_with(|| one.0.cmp(two.0)));
    let mut out = String::from("<div class=\"two\">\n");
    for (key, values) in all.iter().take(MOST) {
        let name = match (key.series.as_str(), key.grade) {
            ("", None) => "all".to_owned(),
            ("", Some(grade)) => format!("grade {grade}"),
            (series, None) => series.to_owned(),
            (series, Some(grade)) => format!("{series}, grade {grade}"),
        };
        out.push_str(&one(&name, history, values, &by_key[key]));
    }
    out.push_str("</div>\n");
    if all.len() > MOST {
        let _ = writeln!(out, "<p class=\"note\">The {MOST} largest of {}.</p>", all.len());
    }
    out.push_str("<p class=\"note\">The band holds four in five: one in ten is below it, one above.</p>\n");
    out
}

fn one(name: &str, history: &History, values: &BTreeMap<i64, f64>, forecasts: &[&Forecast]) -> String {
    let past: Vec<(String, f64)> =
        values.iter().map(|(period, value)| (history.calendar.text(*period), *value)).collect();
    let count = past.len() + forecasts.len();
    let highest =
        past.iter().map(|(_, value)| *value).chain(forecasts.iter().map(|one| one.high)).fold(0.0, f64::max);
    let top = round_up(highest / 2.0) * 2.0;
    let x = |at: usize| LEFT + (at as f64 + 0.5) * (WIDTH - LEFT - 6.0) / count.max(1) as f64;
    let y = |value: f64| TOP + HEIGHT * (1.0 - value / top);
    let point = |at: usize, value: f64| format!("{:.1},{:.1}", x(at), y(value));
    let next = forecasts.first();
    let told = next.map_or(String::new(), |one| {
        format!(
            ": {} expects {}, four in five {} to {}",
            one.period,
            plain(one.point),
            plain(one.low),
            plain(one.high)
        )
    });
    let told = escape(&format!("{name}{told}"));
    let full = TOP + HEIGHT + 22.0;
    let mut out = format!(
        "<figure style=\"margin:0\"><figcaption>{told}</figcaption>\n<svg role=\"img\" viewBox=\"0 0 {WIDTH} {full}\" width=\"{WIDTH}\" \
         height=\"{full}\" font-size=\"11\"><title>{told}</title>\n"
    );
    for share in [0.0, 0.5, 1.0] {
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {0:.1}H{WIDTH}\" stroke=\"#d5dbde\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
            y(top * share),
            LEFT - 5.0,
            y(top * share) + 4.0,
            plain(top * share)
        );
    }
    let ahead = |of: &dyn Fn(&Forecast) -> f64| -> Vec<String> {
        forecasts.iter().enumerate().map(|(at, one)| point(past.len() + at, of(one))).collect()
    };
    let start = past.last().map(|(_, value)| point(past.len() - 1, *value));
    let mut band: Vec<String> = start.iter().cloned().collect();
    band.extend(ahead(&|one| one.high));
    band.extend(ahead(&|one| one.low).into_iter().rev());
    let _ = writeln!(out, "<polygon points=\"{}\" fill=\"#abcdd9\" fill-opacity=\".6\"/>", band.join(" "));
    let line: Vec<String> = past.iter().enumerate().map(|(at, (_, value))| point(at, *value)).collect();
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.6\"/>",
        line.join(" ")
    );
    let mut dashed: Vec<String> = start.into_iter().collect();
    dashed.extend(ahead(&|one| one.point));
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#1c5a7a\" stroke-width=\"1.6\" stroke-dasharray=\"4 3\"/>",
        dashed.join(" ")
    );
    let labels: Vec<&str> = past
        .iter()
        .map(|(period, _)| period.as_str())
        .chain(forecasts.iter().map(|one| one.period.as_str()))
        .collect();
    let every = labels.len().div_ceil(5).max(1);
    for (at, label) in
        labels.iter().enumerate().filter(|(at, _)| (labels.len() - 1 - at).is_multiple_of(every))
    {
        // The last one ends where the picture does.
        let (at, anchor) = if at + 1 == labels.len() { (WIDTH, "end") } else { (x(at), "middle") };
        let _ = writeln!(
            out,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            TOP + HEIGHT + 16.0,
            escape(label)
        );
    }
    out.push_str("</svg></figure>\n");
    out
}
