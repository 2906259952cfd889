//! Schools, and one with its pools and how its students fared.

use std::sync::Arc;

use aula_ledger::state::schema::{self, School};
use aula_ledger::types::SchoolId;
use axum::extract::State;
use maud::html;

use super::districts::in_rounds;
use super::error::{PageError, Shown};
use super::pools;
use super::shell::{self, column, exports};
use super::verify;
use super::words::{explained, word};
use crate::http::{FromPath, Node};
use crate::read::places;

pub(super) async fn list(State(node): State<Arc<Node>>) -> Shown {
    let view = node.view();
    let schools = schema::schools(&*view)?;
    let districts = schema::districts(&*view)?;
    let name = |id| districts.iter().find(|d| d.id == id).map(|d| d.name.to_string()).unwrap_or_default();
    let path = |school: &School, field: &str| format!("school-{}.{field}", school.id);
    let content = html! {
        h1 { "Schools" }
        p .lead { "Each school belongs to a district. Its page shows the places it hosts and how its students fared in each " (word("round", "round")) "." }
        (verify::panel("/v1/evidence/figures/places", "all schools"))
        div .scroll tabindex="0" role="region" aria-label="Schools" { table .sortable {
            caption { (schools.len()) " schools" }
            thead { tr { (column("School", true)) (column("District", false)) (column("Type", false)) } }
            tbody { @for one in &schools { tr {
                td .n { a href={ "/schools/" (one.id) } { (one.id) } }
                td data-proof=(path(one, "district")) data-value=(one.district) { a href={ "/districts/" (one.district) } { (name(one.district)) } }
                td data-proof=(path(one, "school_type")) data-value=(one.school_type) { (one.school_type) }
            } } }
        } }
        (exports("schools", schools.len()))
        (explained(&["round"]))
    };
    Ok(shell::page(&node, "/schools", "Schools", content))
}

pub(super) async fn show(State(node): State<Arc<Node>>, FromPath(id): FromPath<u32>) -> Shown {
    let figures = places::school(&node.view(), SchoolId(id))?
        .ok_or_else(|| PageError::missing(format!("school {id}"), "/schools"))?;
    let content = html! {
        p .over { a href="/schools" { "Schools" } }
        h1 { "School " (id) }
        dl .facts {
            dt { "District" } dd data-proof={ "school-" (id) ".district" } data-value=(figures.school.district) { a href={ "/districts/" (figures.school.district) } { (figures.district_name) } }
            dt { "Type" } dd data-proof={ "school-" (id) ".school_type" } data-value=(figures.school.school_type) { (figures.school.school_type) }
        }
        (in_rounds(&figures.rounds, "school", id))
        h2 { "Its pools" }
        (pools::table(&figures.pools, pools::Beside::Class))
        p .exports { a href={ "/v1/schools/" (id) } { "JSON" } }
        (explained(&["round", "pool", "withheld"]))
    };
    Ok(shell::page(&node, "/schools", &format!("School {id}"), content))
}
