//! Districts, and one with its schools and how its students fared.

use std::sync::Arc;

use aula_ledger::rounds::report::CellCounts;
use aula_ledger::state::schema;
use aula_ledger::types::DistrictId;
use axum::extract::State;
use maud::{Markup, html};

use super::error::{PageError, Shown};
use super::schools;
use super::shell::{self, count, percent, register};
use super::shown;
use super::standing;
use super::table::{head, number, text};
use super::verify;
use super::words::{explained, word};
use aula_read::places::{self, InRound};
use aula_read::rounds::placed;
use aula_read::words::grouped;
use aula_web::http::{AppState, FromPath};
use aula_web::pages::{self, Page};

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
        p .exports { a href={ "/v1/districts/" (id) } { "JSON" } }
        (explained(&["round", "withheld", "anchor"]))
    };
    Ok(shell::titled(&node, &pages::DISTRICT, &figures.district.name.to_string(), content))
}

/// How a place's students fared, round by round; also on a school's page.
pub(super) fn in_rounds(rounds: &[InRound], page: &Page, what: &str, group: u32) -> Markup {
    let rate = |c: CellCounts| (u64::from(placed(&c)) * 1_000_000).checked_div(c.students.into());
    let path = |line: &InRound, field: &str| format!("round-{}.by_{what}.{group}.{field}", line.round);
    let columns @ [round, class, year, decision, students, got, got_share, waiting, first] = [
        number("Round"),
        text("Class"),
        number("School year"),
        text("Decision"),
        number("Students"),
        number("Placed"),
        number("Placed, share"),
        number("Waiting"),
        number("First choice"),
    ];
    html! {
        h2 { "How its students fared" }
        @if !rounds.is_empty() { (verify::panel(page, group)) }
        p { "A row is a " (word("round", "round")) " in which students of this " (what) " asked; two numbers are those between which a " (word("withheld", "withheld")) " count lies." }
        @if !rounds.is_empty() && rounds.iter().all(|line| line.counts.is_none()) {
            p .note { "All of this " (what) "'s counts are withheld: in every round so few of its students got a place, or their first choice, that a number would point at them. What follows from all that is shown stands in their place." }
        }
        (shown::fared(rounds))
        div .scroll tabindex="0" role="region" aria-label="Rounds" { table .sortable .cards {
            caption { "Newest first" }
            (head(columns))
            tbody { @for line in rounds { tr {
                td .n data-label=(round) { a href={ "/rounds/" (line.round) } { (line.round) } }
                td .wide data-label=(class) { (line.title) }
                td .n data-label=(year) { (line.school_year) }
                td data-label=(decision) { (standing::word(line.standing)) }
                td .n data-label=(students) data-proof=(path(line, "students")) data-value=[line.counts.map(|c| c.students)] { @match line.counts { Some(c) => { (count(Some(c.students))) } None => { (shell::span(line.range.map(|range| range.students))) } } }
                td .n data-label=(got) data-proof=(path(line, "placed")) data-value=[line.counts.map(|c| placed(&c))] { @match line.counts { Some(c) => { (count(Some(placed(&c)))) } None => { (shell::span(line.range.map(|range| range.placed))) } } }
                td .n data-label=(got_share) data-proof=(path(line, "placed_ppm")) data-value=[line.counts.and_then(rate)] { (line.counts.and_then(rate).map_or_else(|| "–".into(), percent)) }
                td .n data-label=(waiting) data-proof=(path(line, "waitlisted")) data-value=[line.counts.map(|c| c.waitlisted)] { @match line.counts { Some(c) => { (count(Some(c.waitlisted))) } None => { (shell::span(line.range.map(|range| range.waitlisted))) } } }
                td .n data-label=(first) data-proof=(path(line, "first_choice")) data-value=[line.counts.map(|c| c.first_choice)] { @match line.counts { Some(c) => { (count(Some(c.first_choice))) } None => { (shell::span(line.range.map(|range| range.first_choice))) } } }
            } } @if rounds.is_empty() { tr { td colspan=(columns.len()) { "None yet." } } } }
        } }
    }
}
