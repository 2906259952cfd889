//! A school's use of resources by hour: one of the last thirty days as a table, shaded; a script adds a slider over the days.

use std::sync::Arc;

use aula_api::hours::{HoursOfDay, ResourceHours};
use aula_ledger::types::SchoolId;
use axum::extract::State;
use maud::{Markup, html};
use serde::Deserialize;

use super::assets;
use super::error::{PageError, Shown};
use super::shell;
use super::table::{Column, head, number};
use super::words::{explained, word};
use aula_read::places;
use aula_read::words::grouped;
use aula_web::api_error::ApiError;
use aula_web::http::{AppState, FromPath, FromQuery};
use aula_web::pages;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DayQuery {
    #[serde(default)]
    day: Option<String>,
}

pub(super) async fn show(
    State(node): State<Arc<AppState>>,
    FromPath(id): FromPath<u32>,
    FromQuery(asked): FromQuery<DayQuery>,
) -> Shown {
    let figures = places::school(&node.view(), SchoolId(id))?
        .ok_or_else(|| PageError::missing(format!("school {id}"), &pages::SCHOOLS))?;
    let none = || {
        let message =
            format!("The use of resources by hour at {} is not published here.", figures.school.title());
        let next =
            "The node of the school's district publishes it, where the district has asked it to.".to_owned();
        PageError::from(ApiError::not_found(message, next))
    };
    let shelf = node.hours.as_ref().ok_or_else(none)?;
    let listed = shelf.school(SchoolId(id));
    let newest = listed.days.last().ok_or_else(none)?;
    let date = asked.day.as_deref().unwrap_or(&newest.date);
    let day = shelf.day(SchoolId(id), date).ok_or_else(none)?;
    let href = listed.days.iter().find(|one| one.date == date).map(|one| one.href.as_str());
    let title = figures.school.title();
    let content = html! {
        p .over { a href={ "/schools/" (id) } { (title) } }
        h1 { "Use of resources by hour" }
        p .lead { "How many students used a resource in an hour, rounded down to a multiple of " (day.rounded_to) ". Nothing is shown of fewer than "
            (day.rounded_to) " students, nor of all but fewer: those are " (word("withheld", "withheld")) "." }
        form #days .filter method="get" data-slider="Day" {
            label for="day" { "Day" }
            select #day name="day" { @for one in listed.days.iter() {
                option value=(one.date) selected[one.date == date] { (one.date) }
            } }
            button type="submit" { "Show" }
        }
        div #shown { (map(&day)) @if let Some(href) = href { p .exports { a href=(href) { "JSON" } ", for good at this address" } } }
        script type="module" src=(assets::address("hours.mjs")) {}
        p .note { "Counted by the school's district from its own records, once, when an hour is over: what a device sends later is not among it. It stands on no ledger and has no proof." }
        (explained(&["withheld"]))
    };
    Ok(shell::titled(&node, &pages::SCHOOL_HOURS, &format!("Hours of {title}"), content))
}

/// The table of a day, from the first hour to the last of which something is shown.
fn map(day: &HoursOfDay) -> Markup {
    let shown = |hour: usize| day.resources.iter().any(|row| at(row, hour).is_some());
    let hours: Vec<usize> = (0..day.hours.len()).collect();
    let (first, last) =
        (hours.iter().position(|hour| shown(*hour)), hours.iter().rposition(|hour| shown(*hour)));
    let hours = first.zip(last).and_then(|(first, last)| hours.get(first..=last)).unwrap_or_default();
    let highest = day.resources.iter().flat_map(|row| &row.students).flatten().copied().max().unwrap_or(0);
    let starts = |hour: usize| day.hours.get(hour).map_or("", |hour| hour.starts.as_str());
    let resource = number("Resource");
    html! {
        @if hours.is_empty() { p { "Nothing of " (day.date) " may be shown: too few students used the same resource in an hour." } }
        @else { div .scroll tabindex="0" role="region" aria-label="Students by resource and hour" { table .sortable .heat .cards {
            caption { (day.date) ", hours of " (day.time_zone) "; " (day.hours.len()) " hours counted. The stronger the colour, the more students." }
            (head(std::iter::once(resource).chain(hours.iter().map(|hour| number(starts(*hour))))))
            tbody { @for row in &day.resources { tr {
                th .n scope="row" data-label=(resource) { (row.resource) }
                @for hour in hours { (cell(number(starts(*hour)), at(row, *hour), highest)) }
            } } }
        } } }
    }
}

fn at(row: &ResourceHours, hour: usize) -> Option<u32> {
    row.students.get(hour).copied().flatten()
}

fn cell(column: Column<'_>, students: Option<u32>, highest: u32) -> Markup {
    let shade = |n: u32| (u64::from(n) * 9).checked_div(u64::from(highest)).unwrap_or(0).min(9);
    match students {
        None => html! { td .n data-label=(column) { (shell::count(None::<u32>)) } },
        Some(n) => html! { td .n .{ "h" (shade(n)) } data-label=(column) { (grouped(n.into())) "+" } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explorer::table::misplaced;
    use aula_api::hours::Hour;

    #[test]
    fn a_day_is_shown_from_its_first_to_its_last_count() {
        let hour = |n: u64| Hour { from_ms: n, starts: format!("{n:02}:00") };
        let row = |resource, students| ResourceHours { resource, students };
        let mut day = HoursOfDay {
            date: "2026-11-29".into(),
            hours: (0..5).map(hour).collect(),
            resources: vec![row(7, vec![None, Some(10), None, Some(90), None])],
            rounded_to: 10,
            school: SchoolId(1),
            time_zone: "UTC".into(),
        };
        let page = map(&day).into_string();
        assert!(
            !page.contains("00:00")
                && page.contains("01:00")
                && page.contains("03:00")
                && !page.contains("04:00")
        );
        assert!(
            page.contains("<td class=\"n h9\" data-label=\"03:00\">90+</td>")
                && page.contains("<td class=\"n h1\" data-label=\"01:00\">10+</td>"),
            "{page}"
        );
        assert_eq!(misplaced(&page), Vec::<String>::new());
        day.resources.clear();
        assert!(map(&day).into_string().contains("Nothing of 2026-11-29"));
    }
}
