//! Schools, and one with its pools and how its students fared.

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema;
use aula_ledger::types::SchoolId;
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::fared::in_rounds;
use super::map::map;
use super::pools;
use super::shell::{self, register};
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::places::{self, SchoolLine};
use aula_web::http::{AppState, FromPath};
use aula_web::pages;

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let view = node.view();
    let schools = places::schools(&view)?;
    let districts = schema::districts(&*view)?;
    let name = |id| districts.iter().find(|d| d.id == id).map(|d| d.name.to_string()).unwrap_or_default();
    let path = |line: &SchoolLine, field: &str| format!("school-{}.{field}", line.school.id);
    let content = html! {
        h1 { "Schools" }
        p .lead { "Each school belongs to a district. Its page shows the places it hosts and how its students fared in each " (word("round", "round")) "." }
        (verify::panel(&pages::SCHOOLS, ""))
        (map(&schools))
        div .scroll tabindex="0" role="region" aria-label="Schools" { table .sortable {
            caption { (schools.len()) " schools" }
            (head([number("School"), text("Name"), text("District"), text("Type")]))
            tbody { @for one in &schools { tr {
                td .n { a href={ "/schools/" (one.school.id) } { (one.school.id) } }
                td data-proof=[one.name_path()] data-value=[one.name.as_ref()] { @match &one.name { Some(name) => { (name) } None => { "–" } } (closed(one)) }
                td data-proof=(path(one, "district")) data-value=(one.school.district) { a href={ "/districts/" (one.school.district) } { (name(one.school.district)) } }
                td data-proof=(path(one, "school_type")) data-value=(one.school.school_type) { (one.school.school_type) }
            } } }
        } }
        (register(&pages::SCHOOLS, schools.len()))
        (explained(&["round"]))
    };
    Ok(shell::page(&node, &pages::SCHOOLS, content))
}

/// That a school takes no students any more, from a year on.
pub(super) fn closed(line: &SchoolLine) -> Markup {
    html! { @if let Some(year) = line.school.closed_from { " (closed from " (year) ")" } }
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromPath(id): FromPath<u32>) -> Shown {
    let figures = places::school(&node.view(), SchoolId(id))?
        .ok_or_else(|| PageError::missing(format!("school {id}"), &pages::SCHOOLS))?;
    let (line, school) = (&figures.school, &figures.school.school);
    let degrees = |e6: i32| {
        format!("{}{}.{:06}", if e6 < 0 { "-" } else { "" }, e6.abs() / 1_000_000, e6.abs() % 1_000_000)
    };
    let content = html! {
        p .over { a href="/schools" { "Schools" } }
        h1 { (line.title()) }
        dl .facts {
            dt { "Number" } dd { (id) }
            @if let Some(name) = &line.name { dt { "Name" } dd data-proof=[line.name_path()] data-value=(name) { (name) } }
            dt { "District" } dd data-proof={ "school-" (id) ".district" } data-value=(school.district) { a href={ "/districts/" (school.district) } { (figures.district_name) } }
            dt { "Type" } dd data-proof={ "school-" (id) ".school_type" } data-value=(school.school_type) { (school.school_type) }
            @if let Some(at) = line.position { dt { "Position" } dd { (degrees(at.latitude_e6())) ", " (degrees(at.longitude_e6())) " degrees, by its district's word" } }
            @if school.from_year.0 > 0 { dt { "Since school year" } dd data-proof={ "school-" (id) ".from_year" } data-value=(school.from_year) { (school.from_year) } }
            @if let Some(year) = school.closed_from { dt { "Closed from school year" } dd data-proof={ "school-" (id) ".closed_from" } data-value=(year) { (year) } }
        }
        @if school.described.len() > 1 {
            h2 { "Its names" }
            ul { @for said in &school.described { li { "from school year " (said.from_year) ": " (said.name.as_ref().map_or("–", |name| name.as_str())) } } }
        }
        (in_rounds(&figures.rounds, &pages::SCHOOL, "school", id))
        h2 { "Its pools" }
        (pools::table(&figures.pools, pools::Beside::Class))
        @if node.hours.as_ref().is_some_and(|shelf| shelf.has(SchoolId(id))) {
            p { a href={ "/schools/" (id) "/hours" } { "Use of resources by hour" } }
        }
        p .exports { a href=(paths::school(id)) { "JSON" } }
        (explained(&["round", "pool", "withheld"]))
    };
    Ok(shell::titled(&node, &pages::SCHOOL, &line.title(), content))
}
