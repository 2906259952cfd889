//! Districts, and one with its schools and how its students fared.

use std::sync::Arc;

use aula_api::paths;
use aula_ledger::state::schema;
use aula_ledger::types::DistrictId;
use aula_read::places;
use aula_read::words::grouped;
use aula_web::http::{AppState, FromPath};
use aula_web::pages;
use axum::extract::State;
use maud::html;

use super::error::{PageError, Shown};
use super::fared::in_rounds;
use super::shell::{self, register};
use super::table::{head, number, text};
use super::words::{explained, word};
use super::{schools, verify};

pub(super) async fn list(State(node): State<Arc<AppState>>) -> Shown {
    let view = node.view();
    let districts = schema::districts(&*view)?;
    let schools = schema::schools(&*view)?;
    let of = |id: DistrictId| schools.iter().filter(|school| school.district == id).count();
    let content = html! {
        h1 { "Districts" }
        p .lead { "Each district runs a node of its own and keeps its students' records to itself. Here is what the ledger knows of it: its name, its schools, "
            "and how its students fared in each " (word("round", "round")) "." }
        (verify::panel(&pages::DISTRICTS, ""))
        div .scroll tabindex="0" role="region" aria-label="Districts" { table .sortable {
            caption { (districts.len()) " districts" }
            (head([number("District"), text("Name"), number("Schools")]))
            tbody { @for one in &districts { tr {
                td .n { a href={ "/districts/" (one.id) } { (one.id) } }
                td data-proof={ "district-" (one.id) ".name" } data-value=(one.name) { a href={ "/districts/" (one.id) } { (one.name) } @if one.closed.is_some() { " (closed)" } }
                td .n { (of(one.id)) }
            } } }
        } }
        p .exports { "Two districts " a href="/compare?of=districts" { "side by side" } "." }
        (register(&pages::DISTRICTS, districts.len()))
        (explained(&["round"]))
    };
    Ok(shell::page(&node, &pages::DISTRICTS, content))
}

pub(super) async fn show(State(node): State<Arc<AppState>>, FromPath(id): FromPath<u16>) -> Shown {
    let figures = places::district(&node.view(), DistrictId(id))?
        .ok_or_else(|| PageError::missing(format!("district {id}"), &pages::DISTRICTS))?;
    let content = html! {
        p .over { a href="/districts" { "Districts" } }
        h1 { (figures.district.name) }
        dl .facts {
            dt { "Number" } dd { (figures.district.id) }
            @if let Some(closing) = &figures.district.closed {
                dt { "Closed" } dd { "in block " span data-proof={ "district-" (id) ".closed.height" } data-value=(closing.height) { a href={ "/blocks/" (closing.height) } { (closing.height) } }
                    @match closing.successor {
                        Some(next) => { "; its standing decisions, acknowledgements and audits are " a href={ "/districts/" (next) } { "district " (next) } "'s" }
                        None => { "; nobody has its business" }
                    }
                }
            }
            dt { "Acting for it" } dd { @if figures.members.is_empty() { "nobody" } (figures.members.join(", ")) }
            dt { "Access log" } dd { @match &figures.access_log {
                Some(log) => { span data-proof={ "access-log-" (id) ".head.leaf_count" } data-value=(log.head.leaf_count) { (grouped(log.head.leaf_count)) } " entries: who looked at a record, and for what; " (word("anchor", "anchored")) " in " a href={ "/blocks/" (log.at.height) } { "block " (log.at.height) } ", root " (shell::short(&log.head.root.to_string())) }
                None => { "no look at a record has been anchored yet" }
            } }
        }
        (in_rounds(&figures.rounds, &pages::DISTRICT, "district", id.into()))
        h2 { "Schools" }
        div .scroll tabindex="0" role="region" aria-label="Schools" { table .sortable {
            (head([number("School"), text("Name"), text("Type")]))
            tbody { @for line in &figures.schools { @let school = &line.school; tr {
                td .n { a href={ "/schools/" (school.id) } { (school.id) } }
                td data-proof=[line.name_path()] data-value=[line.name.as_ref()] { @match &line.name { Some(name) => { (name) } None => { "–" } } (schools::closed(line)) }
                td data-proof={ "school-" (school.id) ".school_type" } data-value=(school.school_type) { (school.school_type) }
            } } }
        } }
        p .exports { a href=(paths::district(id)) { "JSON" } }
        (explained(&["round", "withheld", "anchor"]))
    };
    Ok(shell::titled(&node, &pages::DISTRICT, &figures.district.name.to_string(), content))
}
